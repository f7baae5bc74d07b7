"""The tree as the log keeps it: with each leaf the roots of the full subtrees that end with it. So no proof has to read all leaves."""

from collections.abc import Iterator

from service.audit.tree import Frontier, Range, inclusion_ranges, node_hash
from service.storage import audit_log
from service.storage.database import Transaction


def appended(frontier: Frontier, leaf: bytes) -> tuple[Frontier, bytes]:
    """The frontier after one leaf more, and the roots of the full subtrees of two leaves and more that end with it, smallest first."""
    peaks, found, nodes, full = list(frontier.peaks), leaf, [], frontier.size
    while full & 1:
        found = node_hash(peaks.pop(), found)
        nodes.append(found)
        full >>= 1
    return Frontier(frontier.size + 1, (*peaks, found)), b"".join(nodes)


def frontier(tx: Transaction, size: int) -> Frontier:
    """The frontier of the first `size` leaves. Raises LookupError when the log does not hold them."""
    return Frontier(size, tuple(audit_log.subtrees(tx, full(0, size))))


def inclusion(tx: Transaction, index: int, size: int) -> list[bytes]:
    """The proof that leaf `index` is in the tree of `size` leaves. Raises LookupError when the log does not hold them."""
    needed = [list(full(*span)) for span in inclusion_ranges(index, size)]
    roots = iter(audit_log.subtrees(tx, [span for spans in needed for span in spans]))
    return [_folded([next(roots) for _ in spans]) for spans in needed]


def full(start: int, end: int) -> Iterator[Range]:
    """The leaves from `start` up to `end` as full subtrees, the largest first, where `start` is a multiple of the largest's size."""
    while start < end:
        step = 1 << (end - start).bit_length() - 1
        yield start, start + step
        start += step


def _folded(roots: list[bytes]) -> bytes:
    found = roots[-1]
    for root in reversed(roots[:-1]):
        found = node_hash(root, found)
    return found
