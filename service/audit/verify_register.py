"""Verifies an export of the register, anywhere: one file, Python's standard library and `cryptography`, no database, no network.

    python verify.py EXPORT [--trusted-checkpoint FILE]

An export is a directory:

    manifest.txt             what it is, then `SHA-256 bytes path` of every other file; signed as a note (c2sp.org/signed-note)
    pubkeys.txt              name+id+key, oldest first; then a space, and the signature of the key before. The last key signed the manifest
    verify.py, README.txt    this program; what the files are
    SCHEDULES/ledger.ndjson  the lines of every vial from the first to the last, each with the hash of the one before it
    SCHEDULES/vials.ndjson   what each vial holds: the sum of its lines
    SCHEDULES/Type.ndjson    the versions of the records that the lines follow from
    SCHEDULES/*.csv, *.pdf   the reports, for people

A line at a site that the export was not made for is sealed: its amounts and hashes stand there, who took part does not.

Exit codes: 0 nothing wrong · 1 no export, wrong usage · 2 content changed · 3 files or lines missing, or too many · 5 bad or unknown
signature · 6 amounts do not tie, or a line has no record. The keys stand in the export: only a checkpoint of the audit log that was kept
elsewhere shows that they are those of the clinic.
"""

import argparse
import binascii
import hashlib
import json
import re
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = "infusion-records register export 1"
OK, UNUSABLE, CHANGED, MISSING, _, UNSIGNED, MISMATCHED = range(7)
_WORDS = "verified|cannot be verified|content changed|files or lines missing, or too many||bad or unknown signature|amounts do not tie"
MEANINGS = _WORDS.split("|")
MANIFEST, KEYS, LEDGER, VIALS = "manifest.txt", "pubkeys.txt", "ledger.ndjson", "vials.ndjson"
FIRST = "0" * 64
FIELDS = (
    *("vial", "number", "kind", "reverses", "source", "draw", "occurred", "recorded", "origin", "target", "amount_ug", "volume_ul"),
    *("site", "safe", "patient", "encounter", "performer", "witness", "flags", "policy", "previous"),
)
"""What a line says, in the order in which it is hashed; `hash` follows."""
SEALED = ("vial", "number", "kind", "reverses", "recorded", "origin", "target", "amount_ug", "previous", "hash", "sealed")

_PLAIN = r"[^\x00-\x1f]+"
_NAME = r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9]+)*"
_NOTE = re.compile(rf"((?:{_PLAIN}\n)+)\n— ([^\s+]+) ([A-Za-z0-9+/=]+)\n")
_FILE = rf"[0-9a-f]{{64}} (?:0|[1-9][0-9]{{0,14}}) {_NAME}(?:/{_NAME})?\n"
_TEXT = re.compile(rf"{FORMAT}\norigin: ([^\s+]+)\nmade: ({_PLAIN})\nperiod: ({_PLAIN})\nsites: {_PLAIN}\n((?:{_FILE})+)")

Tree = dict[str, Any]


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


class Held(NamedTuple):
    """What a directory of schedules was found to hold."""

    lines: int
    vials: int
    sealed: int


def verify(folder: Path, trusted: Path | None = None) -> tuple[int, str]:
    """Verifies the export in a directory, against a file of checkpoints kept elsewhere: the exit code, and a line that says it."""
    try:
        keys = _keys(_text(folder / KEYS))
        made, files = _manifest(_text(folder / MANIFEST), keys)
        if trusted:
            _trust(_text(trusted), keys)
        _check_files(folder, files)
        held = [_check_register(folder / place) for place in sorted({path.partition("/")[0] for path in files if path.endswith(LEDGER)})]
    except Fault as fault:
        return fault.code, str(fault)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        return CHANGED, f"{MEANINGS[CHANGED]}: a line is none of a register ({type(error).__name__})"
    except (OSError, ValueError) as error:
        return UNUSABLE, f"{MEANINGS[UNUSABLE]}: {error}"
    lines, vials, sealed = (sum(numbers) for numbers in zip(*held, strict=True)) if held else (0, 0, 0)
    anchor = "by a key of the trusted checkpoints" if trusted else "by its own keys alone: keep a checkpoint elsewhere"
    return OK, f"{MEANINGS[OK]}: made {made}, {len(files)} files, {vials} vials, {lines} lines ({sealed} sealed), {anchor}"


def _keys(text: str) -> list[Key]:
    keys: list[Key] = []
    for number, line in enumerate(text.split("\n")[:-1] if text.endswith("\n") else [""]):
        told, _, introduction = line.partition(" ")
        name, _, rest = told.partition("+")
        id, _, value = rest.partition("+")
        raw = _decoded(value)
        key = Key(name, hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4], raw[1:])
        if raw[:1] != b"\x01" or len(key.public) != 32 or id != key.id.hex():
            raise Fault(UNSIGNED, f"line {number + 1} of {KEYS} is no Ed25519 key")
        if bool(keys) != bool(introduction) or (keys and not _verifies(keys[-1], f"{told}\n", _decoded(introduction))):
            raise Fault(UNSIGNED, f"the key in line {number + 1} of {KEYS} is not introduced by the one before it")
        keys.append(key)
    return keys


def _manifest(text: str, keys: Sequence[Key]) -> tuple[str, dict[str, tuple[int, str]]]:
    """When the export was made, and the size and sum of every file; once the newest key is known to have signed that."""
    note = _NOTE.fullmatch(text)
    if note is None:
        raise Fault(UNSIGNED, f"{MANIFEST} is no signed note")
    signature = _decoded(note[3])
    if (note[2], signature[:4]) != keys[-1][:2] or not _verifies(keys[-1], note[1], signature[4:]):
        raise Fault(UNSIGNED, f"the last key of {KEYS} has not signed {MANIFEST}")
    told = _TEXT.fullmatch(note[1])
    if told is None or told[1] != keys[-1].name:
        raise Fault(UNSIGNED, f"{MANIFEST} is signed, and is no manifest of an export of the register")
    rows = [line.split(" ") for line in told[4].split("\n")[:-1]]
    paths = [path for _, _, path in rows]
    if any(later <= earlier for earlier, later in pairwise(paths)) or KEYS not in paths or MANIFEST in paths:
        raise Fault(MISSING, f"{MANIFEST} names a file twice, out of order, itself, or not {KEYS}")
    return f"{told[2]} for {told[3]}", {path: (int(size), digest) for digest, size, path in rows}


def _trust(text: str, keys: Sequence[Key]) -> None:
    """At least one key of the export has signed what was kept, so that the last one, which it introduced, is the clinic's."""
    for note in re.finditer(rf"((?:{_PLAIN}\n){{3,}})\n((?:— {_PLAIN}\n)+)", text):
        for name, value in re.findall(r"— ([^\s+]+) ([A-Za-z0-9+/=]+)\n", note[2]):
            raw = _decoded(value)
            if any((key.name, key.id) == (name, raw[:4]) and _verifies(key, note[1], raw[4:]) for key in keys):
                return
    raise Fault(UNSIGNED, "no key of the export has signed a trusted checkpoint")


def _verifies(key: Key, text: str, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text.encode(errors="surrogatepass"))
    except (InvalidSignature, ValueError):
        return False
    return True


def _check_files(folder: Path, files: dict[str, tuple[int, str]]) -> None:
    """Every file is there as it was signed, and nothing else is."""
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()}
    for path in sorted(found ^ {MANIFEST, *files}):
        raise Fault(MISSING, f"{path} is {'not in the manifest' if path in found else 'not there'}")
    for path, (size, digest) in sorted(files.items()):
        with (folder / path).open("rb") as file:
            summed = hashlib.file_digest(file, "sha256").hexdigest()
        if (folder / path).stat().st_size != size or summed != digest:
            raise Fault(CHANGED, f"{path} is not what was signed")


def _check_register(folder: Path) -> Held:
    """The chains and balances of one directory of schedules, and that each line has its record."""
    vials = {tree["vial"]: tree for tree in _trees(folder / VIALS)}
    records = {_version(tree) for path in sorted(folder.glob("[A-Z]*.ndjson")) for tree in _trees(path)}
    seen, count, sealed = set(), 0, 0
    for vial, lines in groupby(_trees(folder / LEDGER), key=lambda tree: tree.get("vial")):
        told = list(lines)
        if vial not in vials or vial in seen:
            raise Fault(MISSING, f"the lines of vial {vial} are torn apart, or it is not in {folder.name}/{VIALS}")
        seen.add(vial)
        _check_chain(told)
        _check_amounts(vials[vial], told)
        for line in told:
            if "sealed" not in line and line["source"] not in records:
                raise Fault(MISMATCHED, f"line {line['number']} of vial {vial} follows from {line['source']}, which is not there")
        count, sealed = count + len(told), sealed + sum("sealed" in line for line in told)
    for vial in sorted(vials.keys() - seen):
        raise Fault(MISSING, f"vial {vial} has no lines")
    return Held(count, len(vials), sealed)


def _check_chain(lines: Sequence[Tree]) -> None:
    """The lines of a vial are numbered without a gap, each knows the hash of the one before it, and has the hash of what it says."""
    previous = FIRST
    for number, line in enumerate(lines, 1):
        if tuple(line) not in ((*FIELDS, "hash"), SEALED):
            raise Fault(CHANGED, f"line {number} of vial {line.get('vial')} says more or less than a line does")
        if line["number"] != number or line["previous"] != previous:
            raise Fault(MISSING, f"line {line['number']} of vial {line['vial']} does not follow the one before it")
        said = json.dumps([line[name] for name in FIELDS], ensure_ascii=False, separators=(",", ":")) if "sealed" not in line else None
        if said is not None and hashlib.sha256(said.encode(errors="surrogatepass")).hexdigest() != line["hash"]:
            raise Fault(CHANGED, f"line {number} of vial {line['vial']} has not the hash of what it says")
        previous = line["hash"]


def _check_amounts(vial: Tree, lines: Sequence[Tree]) -> None:
    """The lines sum to what the vial is said to hold, which is never less than nothing; what is moved back is what was moved."""
    held: dict[str, int] = {}
    moved = {line["number"]: line for line in lines}
    own = f"vial/{vial['vial']}@"
    for _, together in groupby(lines, key=lambda line: line["recorded"]):
        for line in together:
            _check_reversal(line, moved)
            if line["origin"] or line["target"]:
                held[line["origin"]] = held.get(line["origin"], 0) - line["amount_ug"]
                held[line["target"]] = held.get(line["target"], 0) + line["amount_ug"]
        if any(amount < 0 for account, amount in held.items() if account.startswith(own)):
            raise Fault(MISMATCHED, f"vial {vial['vial']} would hold less than nothing")
    remaining = sum(amount for account, amount in held.items() if account.startswith(own))
    if (remaining, len(lines), lines[-1]["hash"]) != (vial["remaining_ug"], vial["entries"], vial["head"]):
        raise Fault(MISMATCHED, f"vial {vial['vial']} is said to hold {vial['remaining_ug']} ug, and its lines sum to {remaining}")


def _check_reversal(line: Tree, moved: dict[int, Tree]) -> None:
    if not line["reverses"]:
        return
    former = moved.get(line["reverses"]) if line["reverses"] < line["number"] else None
    names = ("kind", "origin", "target", "amount_ug")
    if former is None or [former[name] for name in names] != [line[name] for name in ("kind", "target", "origin", "amount_ug")]:
        raise Fault(
            MISMATCHED, f"line {line['number']} of vial {line['vial']} moves something else back than line {line['reverses']} moved"
        )


def _version(tree: Tree) -> str:
    return f"{tree.get('resourceType')}/{tree.get('id')}/_history/{tree.get('meta', {}).get('versionId')}"


def _trees(path: Path) -> Iterator[Tree]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                tree = json.loads(line)
            except ValueError:
                tree = None
            if not isinstance(tree, dict):
                raise Fault(CHANGED, f"line {number} of {path.parent.name}/{path.name} is no JSON object")
            yield tree


def _text(path: Path) -> str:
    return path.read_bytes().decode(errors="replace")


def _decoded(text: str) -> bytes:
    """The bytes of base64 in its one spelling; none when it is not."""
    try:
        raw = binascii.a2b_base64(text.encode())
    except (binascii.Error, ValueError):
        return b""
    return raw if binascii.b2a_base64(raw, newline=False) == text.encode() else b""


def main(arguments: Sequence[str] | None = None) -> int:
    """Verifies the export that the command line names, prints one line, and returns the exit code."""
    parser = argparse.ArgumentParser(prog="verify", description="Verifies an export of the register of controlled substances.")
    parser.add_argument("export", type=Path)
    parser.add_argument("--trusted-checkpoint", type=Path, metavar="FILE")
    try:
        given = parser.parse_args(arguments)
    except SystemExit as stop:
        return UNUSABLE if stop.code else OK
    code, message = verify(given.export, given.trusted_checkpoint)
    sys.stdout.write(f"{message}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
