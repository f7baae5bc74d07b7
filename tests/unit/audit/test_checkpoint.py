"""Signed checkpoints: the examples of the specifications and of Go's notes, and everything that is no good signature."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.audit import checkpoint
from service.audit.checkpoint import Checkpoint, Key, NoteRefused, Signer

PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_SECRET = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
QUIP = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_LINE = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
ENOCH_LINE = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
FOO = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
FOO_NOTE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
ORIGIN = "clinic.example/audit"
SIGNER = Signer(ORIGIN, b"s" * 32)
OTHER = Signer(ORIGIN, b"o" * 32)
POINT = Checkpoint(ORIGIN, 20852163, bytes(range(32)))
NOTE = checkpoint.sign(POINT, SIGNER)


def _refused(note: str, *keys: Key) -> None:
    with pytest.raises(NoteRefused):
        checkpoint.read(note, keys or (SIGNER.key,), ORIGIN)


def test_the_example_of_go_is_signed_byte_by_byte() -> None:
    signer = Signer.parse(PETER_SECRET)
    assert signer.secret == PETER_SECRET
    assert str(signer.key) == PETER
    assert signer.sign(QUIP) == f"{QUIP}\n{PETER_LINE}"


@pytest.mark.parametrize(
    ("keys", "lines"), [((PETER,), PETER_LINE), ((PETER, ENOCH), PETER_LINE + ENOCH_LINE), ((ENOCH,), PETER_LINE + ENOCH_LINE)]
)
def test_the_examples_of_go_are_opened(keys: tuple[str, ...], lines: str) -> None:
    assert checkpoint.opened(f"{QUIP}\n{lines}", map(Key.parse, keys)) == QUIP


def test_the_example_of_the_specification_is_opened() -> None:
    assert checkpoint.opened(FOO_NOTE, [Key.parse(FOO)]) == "This is an example message.\n"


def test_a_note_may_have_empty_lines() -> None:
    text = "one\n\nthree\n\n"
    assert checkpoint.opened(SIGNER.sign(text), [SIGNER.key]) == text


@pytest.mark.parametrize("place", range(len(PETER)))
def test_every_character_of_a_key_counts(place: int) -> None:
    for bad in (PETER[:place], PETER[:place] + chr(ord(PETER[place]) + 1) + PETER[place + 1 :], PETER[:place] + "+" + PETER[place:]):
        with pytest.raises(NoteRefused):
            Key.parse(bad)
    with pytest.raises(NoteRefused):
        Signer.parse(PETER_SECRET[:place])


@pytest.mark.parametrize(
    "bad",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        PETER_SECRET,
        f"{PETER}\n",
        f" {PETER}",
    ],
)
def test_other_kinds_of_keys_are_refused(bad: str) -> None:
    with pytest.raises(NoteRefused):
        Key.parse(bad)


def test_a_new_key_has_a_name_without_spaces_and_tells_its_secret_only_when_asked() -> None:
    one, two = Signer.new(ORIGIN), Signer.new(ORIGIN)
    assert one.seed != two.seed
    assert Signer.parse(one.secret + "\n") == one
    assert Key.parse(str(one.key)) == one.key
    assert base64.b64encode(one.seed).decode() not in f"{one!r}"
    assert repr(one.seed) not in repr(one)
    for name in ("", "two words", "a+b", "a\u00a0b", "a\nb", "a\ud800"):
        with pytest.raises(NoteRefused):
            Signer.new(name)


def test_a_secret_that_is_refused_is_not_told() -> None:
    with pytest.raises(NoteRefused) as refusal:
        Signer.parse(PETER_SECRET[:-1] + "A")
    assert "AYEKFALV" not in str(refusal.value)


@pytest.mark.parametrize("size", [0, 1, 20852163])
def test_a_checkpoint_is_origin_size_and_root(size: int) -> None:
    point = Checkpoint(ORIGIN, size, b"\xff" * 32)
    note = checkpoint.sign(point, SIGNER)
    assert note.startswith(f"{ORIGIN}\n{size}\n{base64.b64encode(point.root).decode()}\n\n— {ORIGIN} ")
    assert checkpoint.read(note, [OTHER.key, SIGNER.key], ORIGIN) == point


def test_signatures_of_witnesses_are_passed_over() -> None:
    assert checkpoint.read(NOTE + "— witness.example AAAAAAAA\n", [SIGNER.key], ORIGIN) == POINT
    both = NOTE + checkpoint.sign(POINT, OTHER).rpartition("\n\n")[2]
    assert checkpoint.read(both, [OTHER.key], ORIGIN) == POINT


def test_one_wrong_signature_of_a_known_key_refuses_the_note() -> None:
    wrong = checkpoint.sign(Checkpoint(ORIGIN, 1, POINT.root), OTHER).rpartition("\n\n")[2]
    assert checkpoint.read(NOTE + wrong, [SIGNER.key], ORIGIN) == POINT
    _refused(NOTE + wrong, SIGNER.key, OTHER.key)


def test_unknown_keys_and_other_origins() -> None:
    _refused(checkpoint.sign(POINT, OTHER))
    _refused(NOTE, Signer("other.example", SIGNER.seed).key)
    _refused(checkpoint.sign(Checkpoint("other.example", 1, POINT.root), SIGNER))
    with pytest.raises(NoteRefused):
        checkpoint.read(NOTE, [], ORIGIN)


@pytest.mark.parametrize(
    "text",
    [
        f"{ORIGIN}\n1\n",
        f"{ORIGIN}\n01\n{'A' * 43}=\n",
        f"{ORIGIN}\n-1\n{'A' * 43}=\n",
        f"{ORIGIN}\n+1\n{'A' * 43}=\n",
        f"{ORIGIN}\n1e3\n{'A' * 43}=\n",
        f"{ORIGIN}\n١\n{'A' * 43}=\n",
        f"{ORIGIN}\n{'9' * 19}\n{'A' * 43}=\n",
        f"{ORIGIN}\n1\n{'A' * 44}\n",
        f"{ORIGIN}\n1\n{'A' * 42}B=\n",
        f"{ORIGIN}\n1\n{'A' * 43}\n",
        f"{ORIGIN}\n\n1\n{'A' * 43}=\n",
        f"{ORIGIN}\n1\n{'A' * 43}=\n\n",
        "hello\n",
    ],
)
def test_what_is_signed_must_be_a_checkpoint(text: str) -> None:
    _refused(SIGNER.sign(text))


def test_extension_lines_are_taken() -> None:
    assert checkpoint.read(SIGNER.sign(POINT.text + "more\n"), [SIGNER.key], ORIGIN) == POINT


@given(st.integers(0, len(NOTE.encode()) - 1), st.integers(0, 7))
def test_every_bit_of_a_note_counts(place: int, bit: int) -> None:
    raw = bytearray(NOTE.encode())
    raw[place] ^= 1 << bit
    _refused(raw.decode(errors="replace"))


@given(st.text())
def test_anything_else_is_refused_with_the_one_error(text: str) -> None:
    _refused(text)
    with pytest.raises(NoteRefused):
        Key.parse(text)
    with pytest.raises(NoteRefused):
        checkpoint.read_keys(text)


def test_a_key_is_introduced_by_the_one_before_it() -> None:
    third = Signer(ORIGIN, b"t" * 32)
    lines = [str(SIGNER.key), SIGNER.introduce(OTHER.key), OTHER.introduce(third.key)]
    assert checkpoint.read_keys("\n".join(lines) + "\n") == (SIGNER.key, OTHER.key, third.key)
    for bad in (
        [str(SIGNER.key), str(OTHER.key)],
        [lines[0], lines[2]],
        lines[1:],
        [lines[0], OTHER.introduce(OTHER.key)],
        [lines[0], "", lines[1]],
    ):
        with pytest.raises(NoteRefused):
            checkpoint.read_keys("\n".join(bad) + "\n")
