"""The Merkle tree over the audit entries, as RFC 6962 defines it: hashes, roots, proofs, and appending without rereading.

    leaf = SHA256(0x00 | salt | body)          the stored bytes of an entry; the salt keeps short bodies from being guessed
    node = SHA256(0x01 | left | right)

The left subtree of `n` leaves has the largest power of two below `n`. A `Frontier` holds what appending needs: the roots of the full
subtrees, one for each binary digit of the size. Every hash of a proof is the root of a range of leaves: `inclusion_ranges` and
`consistency_ranges` say which, so that a store may take them from where it keeps subtrees.
https://www.rfc-editor.org/rfc/rfc6962#section-2.1
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

HASH_BYTES = 32
SALT_BYTES = 16
"""How long every salt is. Were lengths free, bytes could move between salt and body and leave the leaf as it is."""
EMPTY_ROOT = hashlib.sha256(b"").digest()

Range = tuple[int, int]
"""Leaves from the first number up to, but without, the second."""


def leaf_hash(salt: bytes, body: bytes) -> bytes:
    """The leaf of an entry; the trail salts with `SALT_BYTES` bytes."""
    return hashlib.sha256(b"\x00" + salt + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The node over two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """The roots of the full subtrees of a tree of `size` leaves, the largest first. Raises ValueError when their number does not fit."""

    size: int = 0
    peaks: tuple[bytes, ...] = field(default=())

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.peaks) != self.size.bit_count() or any(len(peak) != HASH_BYTES for peak in self.peaks):
            raise ValueError(f"{len(self.peaks)} hashes are not the full subtrees of a tree of {self.size} leaves")

    def extend(self, leaves: Iterable[bytes]) -> "Frontier":
        """The frontier after some leaves more."""
        size, peaks = self.size, list(self.peaks)
        for leaf in leaves:
            peaks.append(leaf)
            full = size
            while full & 1:
                right = peaks.pop()
                peaks[-1] = node_hash(peaks[-1], right)
                full >>= 1
            size += 1
        return Frontier(size, tuple(peaks))

    @property
    def root(self) -> bytes:
        """The root of the tree."""
        if not self.peaks:
            return EMPTY_ROOT
        found = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            found = node_hash(peak, found)
        return found


def root(leaves: Iterable[bytes]) -> bytes:
    """The root of the tree over some leaves."""
    return Frontier().extend(leaves).root


def split(size: int) -> int:
    """How many leaves the left subtree of a tree of `size` leaves has; `size` is at least 2."""
    return 1 << (size - 1).bit_length() - 1


def inclusion_ranges(index: int, size: int) -> tuple[Range, ...]:
    """The leaves under each hash of the proof that leaf `index` is in the tree of `size` leaves. Raises ValueError when it is not in it."""
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} in a tree of {size}")
    return _path(index, 0, size)


def _path(index: int, start: int, end: int) -> tuple[Range, ...]:
    if end - start == 1:
        return ()
    middle = start + split(end - start)
    if index < middle:
        return (*_path(index, start, middle), (middle, end))
    return (*_path(index, middle, end), (start, middle))


def consistency_ranges(old: int, new: int) -> tuple[Range, ...]:
    """The leaves under each hash of the proof that the tree of `new` leaves begins with the tree of `old`. Raises ValueError for old > new.

    Nothing is needed to prove that of the empty tree, or of the same one.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves does not begin with one of {old}")
    return () if old in (0, new) else _old_path(old, 0, new, is_known=True)


def _old_path(old: int, start: int, end: int, is_known: bool) -> tuple[Range, ...]:
    """`is_known`: the subtree of `start` up to `end` is the whole old tree, whose root the verifier has."""
    if old == end:
        return () if is_known else ((start, end),)
    middle = start + split(end - start)
    if old <= middle:
        return (*_old_path(old, start, middle, is_known), (middle, end))
    return (*_old_path(old, middle, end, is_known=False), (start, middle))


def inclusion(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """The proof that leaf `index` is in the tree over `leaves`. Raises ValueError when there is no such leaf."""
    return tuple(root(leaves[start:end]) for start, end in inclusion_ranges(index, len(leaves)))


def consistency(leaves: Sequence[bytes], old: int) -> tuple[bytes, ...]:
    """The proof that the tree over `leaves` begins with the tree over the first `old`. Raises ValueError when it has fewer."""
    return tuple(root(leaves[start:end]) for start, end in consistency_ranges(old, len(leaves)))


def is_included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether a proof shows that `leaf` has the place `index` in the tree of `size` leaves with this root."""
    if not 0 <= index < size:
        return False
    ranges = inclusion_ranges(index, size)
    if len(ranges) != len(proof):
        return False
    found = leaf
    for (start, _), sibling in zip(ranges, proof, strict=True):
        found = node_hash(sibling, found) if start < index else node_hash(found, sibling)
    return found == root


def is_consistent(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Whether a proof shows that the tree of `new` leaves begins with the tree of `old`, each given by its root."""
    if not 0 <= old <= new:
        return False
    if old in (0, new):
        return not proof and (old_root == new_root if old == new else old_root == EMPTY_ROOT)
    ranges = list(consistency_ranges(old, new))
    hashes = list(proof)
    if len(ranges) != len(hashes):
        return False
    if old & (old - 1):
        first = hashes.pop(0)
        ranges.pop(0)
    else:
        first = old_root
    mine, theirs = first, first
    for (start, _), sibling in zip(ranges, hashes, strict=True):
        if start < old:
            mine = node_hash(sibling, mine)
            theirs = node_hash(sibling, theirs)
        else:
            theirs = node_hash(theirs, sibling)
    return mine == old_root and theirs == new_root
