"""Checkpoints: the size and root of the tree at a moment, as a note signed with Ed25519.

    clinic.example/audit                                          the origin: which log this is
    20852163                                                      how many entries it has
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=                  the root over them

    — clinic.example/audit Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+…   by whom: four bytes that tell the key, then the signature

Whoever keeps one can tell later that nothing below its size was changed. A key is written as a line: `name+id+key` for those who verify,
and `PRIVATE+KEY+name+id+seed` for the one who signs. A new key is introduced by a line that the old one has signed (`Signer.introduce`).
https://c2sp.org/signed-note and https://c2sp.org/tlog-checkpoint
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from service.audit.tree import HASH_BYTES

_ED25519 = b"\x01"
_ID_BYTES = 4
_PRIVATE = "PRIVATE+KEY+"
_NOTE = re.compile(r"(?P<text>(?:[^\x00-\x1f]*\n)+)\n(?P<signatures>(?:— [^\x00-\x1f]+\n){1,32})")
_SIGNATURE = re.compile(r"— (?P<name>[^\s+]+) (?P<value>[A-Za-z0-9+/=]+)")
_SIZE = re.compile(r"0|[1-9][0-9]{0,17}")
_NAME = re.compile(r"[^\s+\x00-\x1f\ud800-\udfff]{1,200}")


class NoteRefused(ValueError):
    """A note, a key or a checkpoint that is malformed, or that nobody who is known has signed."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree: the log's origin, how many leaves, and the root over them."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{_encoded(self.root)}\n"


@dataclass(frozen=True, slots=True)
class Key:
    """A public key that verifies notes, with the name of the signer. Printed as one line, which `parse` reads."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, line: str) -> "Key":
        """The key of a line `name+id+key`. Raises NoteRefused."""
        name, _, rest = line.partition("+")
        told, _, value = rest.partition("+")
        raw = _decoded(value)
        if not _NAME.fullmatch(name) or len(raw) != 1 + HASH_BYTES or raw[:1] != _ED25519:
            raise NoteRefused("This is no line with an Ed25519 key for notes.")
        key = cls(name, raw[1:])
        if told != key.id.hex():
            raise NoteRefused("The id of the key is not that of its name and value.")
        return key

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{_encoded(_ED25519 + self.public)}"

    @property
    def id(self) -> bytes:
        """Four bytes that tell this key from others of its name."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:_ID_BYTES]

    def verifies(self, text: str, signature: bytes) -> bool:
        """Whether a signature is this key's over a text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signer:
    """The private half of a key. It is never printed but by `secret`."""

    name: str
    seed: bytes = field(repr=False)

    @classmethod
    def new(cls, name: str) -> "Signer":
        """A new key. Raises NoteRefused for a name with a space or a plus."""
        if not _NAME.fullmatch(name):
            raise NoteRefused("The name of a key has neither spaces nor a plus.")
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def parse(cls, secret: str) -> "Signer":
        """The key of a line `PRIVATE+KEY+name+id+seed`. Raises NoteRefused, which does not tell the line."""
        name, _, rest = secret.strip().removeprefix(_PRIVATE).partition("+")
        told, _, value = rest.partition("+")
        raw = _decoded(value)
        if not secret.startswith(_PRIVATE) or not _NAME.fullmatch(name) or len(raw) != 1 + HASH_BYTES or raw[:1] != _ED25519:
            raise NoteRefused("This is no line with a private Ed25519 key for notes.")
        signer = cls(name, raw[1:])
        if told != signer.key.id.hex():
            raise NoteRefused("The id of the private key is not that of its name and value.")
        return signer

    @property
    def secret(self) -> str:
        """The line to keep in a file that only the signer reads."""
        return f"{_PRIVATE}{self.name}+{self.key.id.hex()}+{_encoded(_ED25519 + self.seed)}"

    @property
    def key(self) -> Key:
        """The public half."""
        return Key(self.name, self._private.public_key().public_bytes_raw())

    def sign(self, text: str) -> str:
        """The note of a text, which ends with a newline: the text, an empty line and the signature."""
        return f"{text}\n— {self.name} {_encoded(self.key.id + self._private.sign(text.encode()))}\n"

    def introduce(self, new: Key) -> str:
        """The line of a file of keys by which this key introduces the one that signs from now on."""
        signature = self._private.sign(f"{new}\n".encode())
        return f"{new} {_encoded(signature)}"

    @property
    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


def sign(checkpoint: Checkpoint, signer: Signer) -> str:
    """The signed note of a checkpoint."""
    return signer.sign(checkpoint.text)


def opened(note: str, keys: Iterable[Key]) -> str:
    """The text of a note that a known key has signed; signatures of unknown keys are passed over.

    Raises NoteRefused when no known key has signed it, and when a signature of a known key is wrong.
    """
    found = _NOTE.fullmatch(note)
    if found is None:
        raise NoteRefused("This is no signed note: text, an empty line, signatures.")
    known = {(key.name, key.id): key for key in keys}
    text, good = found["text"], 0
    for line in found["signatures"].split("\n")[:-1]:
        parts = _SIGNATURE.fullmatch(line)
        raw = _decoded(parts["value"]) if parts else b""
        key = known.get((parts["name"], raw[:_ID_BYTES])) if parts else None
        if key is None:
            continue
        if not key.verifies(text, raw[_ID_BYTES:]):
            raise NoteRefused("A signature of the note is wrong.")
        good += 1
    if not good:
        raise NoteRefused("No known key has signed the note.")
    return text


def read(note: str, keys: Iterable[Key], origin: str) -> Checkpoint:
    """The checkpoint in a signed note of the log `origin`. Raises NoteRefused; what a note says is never used before its signature is."""
    lines = opened(note, keys).split("\n")[:-1]
    if len(lines) < 3 or "" in lines or lines[0] != origin or not _SIZE.fullmatch(lines[1]):
        raise NoteRefused("This is no checkpoint of this log: origin, size, root.")
    root = _decoded(lines[2])
    if len(root) != HASH_BYTES:
        raise NoteRefused("The root of a checkpoint has 32 bytes.")
    return Checkpoint(lines[0], int(lines[1]), root)


def read_keys(text: str) -> Sequence[Key]:
    """The keys of a file, oldest first: the first line stands for itself, each other one is introduced by the key before it.

    Raises NoteRefused.
    """
    keys: list[Key] = []
    for line in text.removesuffix("\n").split("\n"):
        told, _, signature = line.partition(" ")
        key = Key.parse(told)
        if bool(keys) != bool(signature) or (keys and not keys[-1].verifies(f"{told}\n", _decoded(signature))):
            raise NoteRefused("A key is not introduced by the one before it.")
        keys.append(key)
    return tuple(keys)


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _decoded(text: str) -> bytes:
    """The bytes of base64 in its one spelling; empty when it is not."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return raw if _encoded(raw) == text else b""
