"""Verifies an export of the audit trail, anywhere: one file, Python's standard library and `cryptography`, no database, no network.

    python verify.py EXPORT [--trusted-checkpoint FILE] [--purged-allowed]

An export is a directory. Every file has one spelling, down to the byte; hashes, salts and bodies are base64:

    manifest.json    {"format":…,"origin":…,"from":N,"to":M,"before":[…]}  entries N up to M; `before`: the full subtrees of the tree of N
    entries.ndjson   {"index":N,"leaf":…,"salt":…,"body":…}                salt and body are null once they are purged
    checkpoints.txt  signed notes (c2sp.org/tlog-checkpoint)               with an empty line between them; the last one has size M
    pubkeys.txt      name+id+key                                           oldest first; then a space, and the signature of the key before
    versions.ndjson  {"version":"Type/id/_history/1","index":N}            optional: the versions of the record, and the entry of each

Exit codes: 0 nothing wrong · 1 no export, wrong usage · 2 content changed · 3 entries missing or out of order · 4 truncated or forked, seen
from the trusted checkpoint · 5 bad or unknown signature · 6 versions and entries do not match · 7 more than five minutes without an entry.

The keys stand in the export. Only a checkpoint kept elsewhere shows that the end was not cut off, and that nobody else wrote all of it.
"""

import argparse
import binascii
import hashlib
import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, pairwise
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = "infusion-records-audit-1"
OK, UNUSABLE, CHANGED, MISSING, FORKED, UNSIGNED, MISMATCHED, SILENT = range(8)
_WORDS = "verified|cannot be verified|content changed|entries missing or out of order|truncated or forked|bad or unknown signature"
MEANINGS = (*_WORDS.split("|"), "versions and entries do not match", "too long without an entry")
HASH_BYTES, SALT_BYTES, SILENCE_SECONDS = 32, 16, 300
STOPPED = "110121"  # the subtype of an AuditEvent (DICOM): the service was stopped, so that it may be silent

_VERSION = r"[A-Za-z]+/[A-Za-z0-9.-]{1,64}/_history/[1-9][0-9]*"
_NUMBER = r"0|[1-9][0-9]{0,17}"
_VALUE = r'(?:null|"([A-Za-z0-9+/=]+)")'
_MANIFEST = re.compile(
    rf'\{{"format":"{FORMAT}","origin":"([^"\\\x00-\x1f]+)","from":({_NUMBER}),"to":({_NUMBER}),"before":\[((?:"[^",]+"(?:,(?="))?)*)\]\}}\n'
)
_ENTRY = re.compile(rf'\{{"index":({_NUMBER}),"leaf":{_VALUE},"salt":{_VALUE},"body":{_VALUE}\}}\n'.encode())
_VERSION_LINE = re.compile(rf'\{{"version":"({_VERSION})","index":({_NUMBER})\}}\n'.encode())
_NOTE = re.compile(r"((?:[^\x00-\x1f]+\n){3,})\n((?:— [^\x00-\x1f]+\n)+)(?:\n(?!\Z)|\Z)")
_SIGNATURE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/=]+)")


class Fault(Exception):
    """What is wrong with an export: its exit code, and where."""

    def __init__(self, code: int, where: str) -> None:
        super().__init__(f"{MEANINGS[code]}: {where}")
        self.code = code


class Key(NamedTuple):
    """A key of pubkeys.txt: who signs, the four bytes that name it, and the key."""

    name: str
    id: bytes
    public: bytes


class Point(NamedTuple):
    """A checkpoint whose signatures are good. `signer` is the place of the newest key among them."""

    size: int
    signer: int
    root: bytes


@dataclass(slots=True)
class Tree:
    """The roots of the full subtrees of a tree that grows, the largest first (RFC 6962)."""

    size: int
    peaks: list[bytes]

    def append(self, leaf: bytes) -> None:
        """One leaf more."""
        self.peaks.append(leaf)
        full = self.size
        while full & 1:
            right = self.peaks.pop()
            self.peaks[-1] = hashlib.sha256(b"\x01" + self.peaks[-1] + right).digest()
            full >>= 1
        self.size += 1

    def differs(self, roots: Mapping[int, bytes]) -> bool:
        """Whether another root is expected at this size."""
        if self.size not in roots:
            return False
        found = self.peaks[-1] if self.peaks else hashlib.sha256(b"").digest()
        for peak in reversed(self.peaks[:-1]):
            found = hashlib.sha256(b"\x01" + peak + found).digest()
        return found != roots[self.size]


@dataclass(slots=True)
class Diary:
    """What the bodies say: when they were recorded, and which versions were made by what succeeded. A silence after a stop is none."""

    latest: datetime | None = None
    is_stopped: bool = False
    silence: str = ""
    purged: set[int] = field(default_factory=set)
    versions: set[tuple[str, int]] = field(default_factory=set)

    def read(self, index: int, body: bytes) -> None:
        """The next body. One that is no AuditEvent says nothing: it is what was stored."""
        try:
            event = json.loads(body)
            recorded = datetime.fromisoformat(event["recorded"])
            if event.get("action") in ("C", "U", "D") and event.get("outcome") == "0":
                names = (str(entity.get("what", {}).get("reference")) for entity in event.get("entity", []))
                self.versions.update((name, index) for name in names if re.fullmatch(_VERSION, name))
            latest = self.latest or recorded
            if (recorded - latest).total_seconds() > SILENCE_SECONDS and not self.is_stopped and not self.silence:
                self.silence = f"from {latest.isoformat()} to {recorded.isoformat()}, before entry {index}"
            self.latest = max(latest, recorded)
            self.is_stopped = any(code.get("code") == STOPPED for code in event.get("subtype", []))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return


def verify(folder: Path, trusted: Path | None = None, purged_allowed: bool = False) -> tuple[int, str]:
    """Verifies the export in a directory, against a file of checkpoints kept elsewhere: the exit code, and a line that says it."""
    try:
        origin, start, end, before = _manifest(_text(folder / "manifest.json"))
        keys = _keys(_text(folder / "pubkeys.txt"))
        points = _points(_text(folder / "checkpoints.txt"), keys, origin, "checkpoint")
        kept = _points(_text(trusted), keys, origin, "trusted checkpoint") if trusted else []
        _check_points(points, kept, start, end)
        diary = _read_entries(folder / "entries.ndjson", Tree(start, before), end, points, kept)
        if diary.purged and not purged_allowed:
            raise Fault(CHANGED, f"{len(diary.purged)} entries have no body; --purged-allowed if they were purged lawfully")
        compared = _compare(folder / "versions.ndjson", diary)
        if diary.silence:
            raise Fault(SILENT, diary.silence)
    except Fault as fault:
        return fault.code, str(fault)
    except OSError as error:
        return UNUSABLE, f"{MEANINGS[UNUSABLE]}: {error}"
    anchor = f"from {len(kept)} trusted checkpoints" if kept else "by its own keys alone: keep a checkpoint elsewhere"
    return OK, f"{MEANINGS[OK]}: entries {start} to {end}, {len(points)} checkpoints, {len(diary.purged)} purged, {compared}, {anchor}"


def _manifest(text: str) -> tuple[str, int, int, list[bytes]]:
    found = _MANIFEST.fullmatch(text)
    if found is None:
        raise Fault(MISSING, "the manifest is damaged")
    start, end, before = int(found[2]), int(found[3]), [_decoded(peak) for peak in re.findall('[^",]+', found[4])]
    if start > end or len(before) != start.bit_count() or any(len(peak) != HASH_BYTES for peak in before):
        raise Fault(MISSING, "the manifest does not say which entries there are")
    return found[1], start, end, before


def _keys(text: str) -> list[Key]:
    keys: list[Key] = []
    for number, line in enumerate(text.split("\n")[:-1] if text.endswith("\n") else [""]):
        told, _, introduction = line.partition(" ")
        name, _, rest = told.partition("+")
        id, _, value = rest.partition("+")
        raw = _decoded(value)
        key = Key(name, hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4], raw[1:])
        if raw[:1] != b"\x01" or len(key.public) != HASH_BYTES or id != key.id.hex():
            raise Fault(UNSIGNED, f"line {number + 1} of pubkeys.txt is no Ed25519 key")
        if bool(keys) != bool(introduction) or (keys and not _verifies(keys[-1], f"{told}\n", _decoded(introduction))):
            raise Fault(UNSIGNED, f"the key in line {number + 1} of pubkeys.txt is not introduced by the one before it")
        keys.append(key)
    return keys


def _points(text: str, keys: Sequence[Key], origin: str, named: str) -> list[Point]:
    """The checkpoints of a file, each signed by a known key of the log; signatures of others are passed over."""
    points: list[Point] = []
    place = 0
    while note := _NOTE.match(text, place):
        place = note.end()
        made = [(found[1], _decoded(found[2])) for found in map(_SIGNATURE.fullmatch, note[2].split("\n")) if found]
        known = [(key, raw[4:]) for name, raw in made for key in keys if (key.name, key.id) == (name, raw[:4]) and name == origin]
        first, size, root = note[1].split("\n")[:3]
        is_signed = known and all(_verifies(key, note[1], signature) for key, signature in known)
        if not is_signed or first != origin or not re.fullmatch(_NUMBER, size) or len(_decoded(root)) != HASH_BYTES:
            raise Fault(UNSIGNED, f"{named} {len(points) + 1} is no checkpoint of this log that a known key has signed")
        points.append(Point(int(size), max(keys.index(key) for key, _ in known), _decoded(root)))
    if not points or place != len(text) or any(later.size <= earlier.size for earlier, later in pairwise(points)):
        raise Fault(UNSIGNED, f"after {named} {len(points)} comes something else, or they are out of order")
    return points


def _verifies(key: Key, text: str, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def _check_points(points: Sequence[Point], kept: Sequence[Point], start: int, end: int) -> None:
    """The last checkpoint is the end of the export. No later one has an older key, so that nobody can introduce our keys by his."""
    for earlier, later in pairwise(sorted((*points, *kept))):
        if later.signer < earlier.signer:
            raise Fault(UNSIGNED, f"the checkpoint of {later.size} entries is signed by a key that had been replaced")
    if points[0].size < start or points[-1].size > end:
        raise Fault(
            MISSING, f"there are checkpoints of {points[0].size} to {points[-1].size} entries, and the entries from {start} to {end}"
        )
    if points[-1].size < end:
        raise Fault(UNSIGNED, f"no checkpoint covers entry {end - 1}")
    for point in kept:
        if not start <= point.size <= end:
            raise Fault(FORKED, f"the trusted checkpoint has {point.size} entries, the export those from {start} to {end}")


def _read_entries(path: Path, tree: Tree, end: int, points: Sequence[Point], kept: Sequence[Point]) -> Diary:
    """Every entry, into the tree and the diary. That the tree is not the one that was signed comes before a fork from a trusted one."""
    signed, trusted = ({point.size: point.root for point in side} for side in (points, kept))
    diary, forks = Diary(), []
    with path.open("rb") as lines:
        for line in chain([b""], lines):
            if line:
                tree.append(_leaf(line, tree.size, diary))
            if tree.differs(signed):
                raise Fault(CHANGED, f"the first {tree.size} entries have not the root that was signed")
            if tree.differs(trusted):
                forks.append(tree.size)
    if tree.size != end:
        raise Fault(MISSING, f"entries up to {end} are promised, and there are those up to {tree.size}")
    if forks:
        raise Fault(FORKED, f"the first {forks[0]} entries are not those of the trusted checkpoint")
    return diary


def _leaf(line: bytes, index: int, diary: Diary) -> bytes:
    found = _ENTRY.fullmatch(line)
    if found is None:
        raise Fault(CHANGED, f"the line of entry {index} is damaged")
    if int(found[1]) != index:
        raise Fault(MISSING, f"entry {int(found[1])} stands where {index} should")
    leaf, salt, body = (None if value is None else _decoded(value) for value in found.groups()[1:])
    if leaf and len(leaf) == HASH_BYTES and salt is None and body is None:
        diary.purged.add(index)
        return leaf
    if salt is None or body is None or len(salt) != SALT_BYTES or hashlib.sha256(b"\x00" + salt + body).digest() != leaf:
        raise Fault(CHANGED, f"entry {index} has not the hash of its content")
    diary.read(index, body)
    return leaf


def _compare(path: Path, diary: Diary) -> str:
    if not path.exists():
        return "versions not compared"
    found = [_VERSION_LINE.fullmatch(line) for line in path.read_bytes().splitlines(keepends=True)]
    listed = {(one[1].decode(), int(one[2])) for one in found if one}
    if len(listed) != len(found):
        raise Fault(MISMATCHED, "a line of versions.ndjson is damaged, or there twice")
    for name, index in sorted(listed ^ diary.versions):
        if index not in diary.purged:
            raise Fault(MISMATCHED, f"{name} is {'stored' if (name, index) in listed else 'recorded'} alone (entry {index})")
    return f"{len(listed)} versions"


def _text(path: Path) -> str:
    return path.read_bytes().decode(errors="replace")


def _decoded(text: str | bytes) -> bytes:
    """The bytes of base64 in its one spelling; none when it is not."""
    spelled = text.encode() if isinstance(text, str) else text
    try:
        raw = binascii.a2b_base64(spelled)
    except binascii.Error:
        return b""
    return raw if binascii.b2a_base64(raw, newline=False) == spelled else b""


def main(arguments: Sequence[str] | None = None) -> int:
    """Verifies the export that the command line names, prints one line, and returns the exit code."""
    parser = argparse.ArgumentParser(prog="verify", description="Verifies an export of the audit trail.")
    parser.add_argument("export", type=Path)
    parser.add_argument("--trusted-checkpoint", type=Path, metavar="FILE")
    parser.add_argument("--purged-allowed", action="store_true")
    try:
        given = parser.parse_args(arguments)
    except SystemExit as stop:
        return UNUSABLE if stop.code else OK
    code, message = verify(given.export, given.trusted_checkpoint, given.purged_allowed)
    sys.stdout.write(f"{message}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
