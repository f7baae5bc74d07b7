"""The Merkle tree of RFC 6962: the vectors that the implementations of Certificate Transparency share, and the definition as the oracle."""

import hashlib
from collections.abc import Sequence
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.audit import tree
from service.audit.tree import EMPTY_ROOT, Frontier

INPUTS = [
    bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
LEAVES = [tree.leaf_hash(b"", text) for text in INPUTS]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): INCLUSION[0, 8],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
}
MANY = tuple(hashlib.sha256(bytes([number])).digest() for number in range(70))


@cache
def _defined(leaves: tuple[bytes, ...]) -> bytes:
    """The root, as the RFC defines it."""
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256().digest()
    left = 1
    while left * 2 < len(leaves):
        left *= 2
    return hashlib.sha256(b"\x01" + _defined(leaves[:left]) + _defined(leaves[left:])).digest()


def _hex(hashes: Sequence[bytes]) -> list[str]:
    return [one.hex() for one in hashes]


@pytest.mark.parametrize("size", range(9))
def test_roots_of_the_known_trees(size: int) -> None:
    assert tree.root(LEAVES[:size]).hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_inclusion_proofs_of_the_known_trees(index: int, size: int) -> None:
    assert _hex(tree.inclusion(LEAVES[:size], index)) == INCLUSION[index, size]


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_consistency_proofs_of_the_known_trees(old: int, new: int) -> None:
    assert _hex(tree.consistency(LEAVES[:new], old)) == CONSISTENCY[old, new]


def test_a_leaf_is_the_salt_and_the_body() -> None:
    assert tree.leaf_hash(b"s" * 16, b"body") == hashlib.sha256(b"\0" + b"s" * 16 + b"body").digest()
    assert tree.leaf_hash(b"", b"l" * 64) != tree.node_hash(b"l" * 32, b"l" * 32)


@pytest.mark.parametrize("size", range(len(MANY)))
def test_roots_are_as_the_rfc_defines_them(size: int) -> None:
    assert tree.root(MANY[:size]) == _defined(MANY[:size])


@given(st.lists(st.integers(0, 12), max_size=8))
def test_appending_in_pieces_is_appending_at_once(pieces: list[int]) -> None:
    frontier = Frontier()
    for piece in pieces:
        start = frontier.size
        frontier = frontier.extend(hashlib.sha256(number.to_bytes(2)).digest() for number in range(start, start + piece))
        stored = Frontier(frontier.size, tuple(bytes(peak) for peak in frontier.peaks))
        assert stored == frontier
    assert frontier.size == sum(pieces)
    assert frontier.root == _defined(tuple(hashlib.sha256(number.to_bytes(2)).digest() for number in range(frontier.size)))


@pytest.mark.parametrize(
    ("size", "peaks"), [(0, (b"p" * 32,)), (1, ()), (3, (b"p" * 32,)), (2, (b"p" * 31,)), (-1, (b"p" * 32,)), (-1, ())]
)
def test_a_frontier_has_a_hash_for_each_digit_of_its_size(size: int, peaks: tuple[bytes, ...]) -> None:
    with pytest.raises(ValueError, match="not the full subtrees"):
        Frontier(size, peaks)


@pytest.mark.parametrize("size", range(1, 34))
def test_every_leaf_is_shown_to_be_in_its_place_and_in_no_other(size: int) -> None:
    leaves, root = MANY[:size], tree.root(MANY[:size])
    for index in range(size):
        proof = tree.inclusion(leaves, index)
        assert tree.is_included(leaves[index], index, size, proof, root)
        assert [other for other in range(-1, size + 2) if tree.is_included(leaves[index], other, size, proof, root)] == [index]
        assert not tree.is_included(MANY[69], index, size, proof, root)
        assert not tree.is_included(leaves[index], index, size, proof, MANY[69])
        assert not tree.is_included(leaves[index], index, size, (*proof, MANY[69]), root)
        for place in range(len(proof)):
            assert not tree.is_included(leaves[index], index, size, proof[:place] + proof[place + 1 :], root)
            assert not tree.is_included(leaves[index], index, size, (*proof[:place], MANY[69], *proof[place + 1 :]), root)


@pytest.mark.parametrize("new", range(1, 34))
def test_every_tree_is_shown_to_begin_with_the_older_ones(new: int) -> None:
    root = tree.root(MANY[:new])
    for old in range(1, new):
        proof, before = tree.consistency(MANY[:new], old), tree.root(MANY[:old])
        assert tree.is_consistent(old, new, proof, before, root)
        assert not tree.is_consistent(old, new, proof, root, before)
        assert not tree.is_consistent(old, new, proof, MANY[69], root)
        assert not tree.is_consistent(old, new, proof, before, MANY[69])
        assert not tree.is_consistent(old, new, (*proof, MANY[69]), before, root)
        assert not tree.is_consistent(old, new, (), before, root)
        assert not tree.is_consistent(new, old, proof, root, before)
        for place in range(len(proof)):
            assert not tree.is_consistent(old, new, proof[:place] + proof[place + 1 :], before, root)
            assert not tree.is_consistent(old, new, (*proof[:place], MANY[69], *proof[place + 1 :]), before, root)


def test_the_empty_tree_and_the_same_tree_need_no_proof() -> None:
    root = tree.root(MANY[:5])
    assert tree.consistency(MANY[:5], 0) == tree.consistency(MANY[:5], 5) == ()
    assert tree.is_consistent(0, 5, (), EMPTY_ROOT, root)
    assert tree.is_consistent(5, 5, (), root, root)
    assert tree.is_consistent(0, 0, (), EMPTY_ROOT, EMPTY_ROOT)
    assert not tree.is_consistent(0, 5, (), root, root)
    assert not tree.is_consistent(5, 5, (), root, EMPTY_ROOT)
    assert not tree.is_consistent(5, 5, (root,), root, root)
    assert not tree.is_consistent(-1, 5, (), EMPTY_ROOT, root)


def test_what_is_not_in_the_tree_has_no_proof() -> None:
    for index in (-1, 8):
        with pytest.raises(ValueError, match="no leaf"):
            tree.inclusion(LEAVES, index)
    for old in (-1, 9):
        with pytest.raises(ValueError, match="does not begin"):
            tree.consistency(LEAVES, old)


@given(st.data())
def test_a_fork_is_never_consistent(data: st.DataObject) -> None:
    """Two trees that differ in a leaf which the older one has."""
    new = data.draw(st.integers(2, 40))
    old = data.draw(st.integers(1, new - 1))
    place = data.draw(st.integers(0, old - 1))
    other = (*MANY[:place], MANY[69], *MANY[place + 1 : new])
    assert not tree.is_consistent(old, new, tree.consistency(other, old), tree.root(MANY[:old]), tree.root(other))
