"""Logs and their exports, as the verifier reads them: made by the service's own tree and checkpoints, and written file by file."""

import base64
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from service.audit import checkpoint, tree, verify
from service.audit.checkpoint import Checkpoint, Signer
from service.audit.tree import Frontier

ORIGIN = "clinic.example/audit"
BEGIN = datetime(2026, 11, 17, 8, tzinfo=UTC)
_KINDS = ("Observation", "MedicationAdministration", "Encounter")


def text(raw: bytes) -> str:
    """Bytes in base64."""
    return base64.b64encode(raw).decode()


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a log: the stored bytes."""

    salt: bytes
    body: bytes

    @property
    def leaf(self) -> bytes:
        """Its leaf in the tree."""
        return tree.leaf_hash(self.salt, self.body)


@dataclass(frozen=True, slots=True)
class Line:
    """An entry of an export. What is purged has neither salt nor body."""

    index: int
    leaf: bytes
    salt: bytes | None
    body: bytes | None

    def spelled(self) -> str:
        """The line of the file."""
        salt, body = ("null" if value is None else f'"{text(value)}"' for value in (self.salt, self.body))
        return f'{{"index":{self.index},"leaf":"{text(self.leaf)}","salt":{salt},"body":{body}}}\n'


@dataclass(frozen=True, slots=True)
class Export:
    """An export as values. `versions` is None where it has no such file."""

    origin: str
    start: int
    end: int
    before: tuple[bytes, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...]
    keys: tuple[str, ...]
    versions: tuple[tuple[str, int], ...] | None = None

    def files(self) -> dict[str, bytes]:
        """The bytes of each file."""
        manifest = {
            "format": verify.FORMAT,
            "origin": self.origin,
            "from": self.start,
            "to": self.end,
            "before": [text(peak) for peak in self.before],
        }
        found = {
            "manifest.json": json.dumps(manifest, separators=(",", ":")) + "\n",
            "entries.ndjson": "".join(line.spelled() for line in self.lines),
            "checkpoints.txt": "\n".join(self.notes),
            "pubkeys.txt": "".join(f"{key}\n" for key in self.keys),
        }
        if self.versions is not None:
            found["versions.ndjson"] = "".join(f'{{"version":"{name}","index":{index}}}\n' for name, index in self.versions)
        return {name: content.encode() for name, content in found.items()}


def write(files: dict[str, bytes], folder: Path) -> Path:
    """The files in a directory, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("manifest.json", "entries.ndjson", "checkpoints.txt", "pubkeys.txt", "versions.ndjson"):
        (folder / name).unlink(missing_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


@dataclass(slots=True)
class Log:
    """A log that grows: entries, and the checkpoints that its signers made. `signers` are its keys, the oldest first."""

    signers: list[Signer]
    origin: str = ORIGIN
    entries: list[Entry] = field(default_factory=list)
    points: list[tuple[int, str]] = field(default_factory=list)
    versions: list[tuple[str, int]] = field(default_factory=list)
    moment: datetime = BEGIN
    signed_by: dict[int, Signer] = field(default_factory=dict)

    def note(self) -> str:
        """A checkpoint of the present size by the newest key; kept among `points`."""
        point = Checkpoint(self.origin, len(self.entries), tree.root(entry.leaf for entry in self.entries))
        self.signed_by[point.size] = self.signers[-1]
        made = checkpoint.sign(point, self.signers[-1])
        self.points.append((point.size, made))
        return made

    def export(self, start: int = 0, with_versions: bool = True) -> Export:
        """Everything from entry `start` to the last checkpoint."""
        end = self.points[-1][0]
        chosen = [Line(index, one.leaf, one.salt, one.body) for index, one in enumerate(self.entries[:end]) if index >= start]
        keys = [str(self.signers[0].key), *(old.introduce(new.key) for old, new in zip(self.signers, self.signers[1:], strict=False))]
        before = Frontier().extend(entry.leaf for entry in self.entries[:start]).peaks
        notes = tuple(note for size, note in self.points if size >= start)
        versions = tuple((name, index) for name, index in self.versions if start <= index < end) if with_versions else None
        return Export(self.origin, start, end, before, tuple(chosen), notes, tuple(keys), versions)


def signer(random: Random, name: str = ORIGIN) -> Signer:
    """A key that the same random numbers make again."""
    return Signer(name, random.randbytes(32))


def event(random: Random, recorded: datetime, version: str | None, subtype: str = "110120") -> bytes:
    """The body of an entry: an AuditEvent of little more than the verifier looks at."""
    tree = {
        "resourceType": "AuditEvent",
        "subtype": [{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": subtype}],
        "action": "C" if version else random.choice("RE"),
        "recorded": recorded.isoformat().replace("+00:00", "Z"),
        "outcome": "0",
        "entity": [{"what": {"reference": f"Patient/{random.randrange(9)}"}}],
    }
    if version:
        tree["entity"] = [{"what": {"reference": version}}]
    return json.dumps(tree).encode()


def grow(log: Log, random: Random, count: int) -> None:
    """`count` entries more, less than a minute apart, with checkpoints among them and one at the end."""
    for _ in range(count):
        log.moment += timedelta(seconds=random.randrange(60))
        version = f"{random.choice(_KINDS)}/{random.randrange(10**6)}/_history/{1 + random.randrange(3)}" if random.random() < 0.5 else None
        if version:
            log.versions.append((version, len(log.entries)))
        log.entries.append(Entry(random.randbytes(16), event(random, log.moment, version)))
        if random.random() < 0.15:
            log.note()
    if not log.points or log.points[-1][0] != len(log.entries):
        log.note()


def grown(random: Random) -> Log:
    """A log of 8 to 40 entries with some checkpoints; of some, the key was replaced on the way."""
    log = Log([signer(random)])
    grow(log, random, random.randrange(5, 20))
    if random.random() < 0.3:
        log.signers.append(signer(random))
    grow(log, random, random.randrange(3, 20))
    return log


def purged(line: Line) -> Line:
    """A line whose body was taken away lawfully: the leaf stays."""
    return replace(line, salt=None, body=None)
