"""A record with its trail, log and checkpoints in a real database, and its exports as values that the mutations of exports work on."""

import base64
import json
import re
from datetime import timedelta
from pathlib import Path

from service.audit import export, tree
from service.audit.checkpoint import Signer
from service.audit.event import Event
from service.audit.export import Exported
from service.audit.kinds import HEARTBEAT
from service.records import trail
from service.records.commit import commit
from service.records.context import Context, Service
from service.storage import audit_log
from service.storage.database import Database
from tests.access import TESTS
from tests.records.samples import create, delete, observation, patient, update
from tests.sequencing.trails import ORIGIN, SIGNER, Worker
from tests.unit.audit.exports import BEGIN, Entry, Export, Line, Log

NEWER = Signer(ORIGIN, b"n" * 32)
_NOTE = re.compile(r"(?:[^\n]+\n)+\n(?:— [^\n]+\n)+")
_LINE = re.compile(r'\{"index":(\d+),"leaf":"([^"]+)","salt":(?:null|"([^"]+)"),"body":(?:null|"([^"]+)")\}')


def lived(service: Service, rounds: int = 6, signer: Signer = SIGNER, first: int = 0) -> Worker:
    """Creates, updates, deletes and what else is recorded; each round ends with a checkpoint. Whoever signed."""
    worker, ctx = Worker(service.database, signer), Context(service, TESTS)
    for number in range(first, first + rounds):
        commit(ctx, [create(patient(str(number)))])
        commit(ctx, [update(patient(str(number), id=f"p{number}", active=value)) for value in (True,)])
        commit(ctx, [update(observation(f"Patient/p{number}", id=f"o{number}"))])
        commit(ctx, [update(observation(f"Patient/p{number}", id=f"o{number}", status="amended"))])
        commit(ctx, [delete(f"Observation/o{number}")])
        trail.record(service, Event(HEARTBEAT, subject="tests"), TESTS)
        worker.sign()
    worker.sequencer.finish()
    return worker


def rotate(database: Database) -> None:
    """From now on `NEWER` signs."""
    with database.write() as tx:
        audit_log.add_key(tx, 1, SIGNER.introduce(NEWER.key), 0)


def exported(service: Service, folder: Path, start: int = 0, end: int | None = None) -> Exported:
    """An export of the log."""
    return export.write(service.database, folder, service.definitions.type_name, start, end)


def notes(database: Database) -> list[audit_log.Signed]:
    """Every checkpoint."""
    with database.read() as tx:
        return audit_log.checkpoints(tx, 0, 10_000)


def files(folder: Path) -> dict[str, bytes]:
    """The bytes of each file of an export but the program."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".py"}


def values(folder: Path) -> Export:
    """An export as values, which spell the same files."""
    told = json.loads((folder / "manifest.json").read_text())
    lines = [_LINE.fullmatch(line) for line in (folder / "entries.ndjson").read_text().splitlines()]
    versions = [json.loads(line) for line in (folder / "versions.ndjson").read_text().splitlines()]
    return Export(
        told["origin"],
        told["from"],
        told["to"],
        tuple(base64.b64decode(peak) for peak in told["before"]),
        tuple(Line(int(line[1]), *(base64.b64decode(line[place] or "") for place in (2, 3, 4))) for line in lines if line),
        tuple(_NOTE.findall((folder / "checkpoints.txt").read_text())),
        tuple((folder / "pubkeys.txt").read_text().splitlines()),
        tuple((one["version"], one["index"]) for one in versions),
    )


def log(full: Export, signed: list[audit_log.Signed], signers: list[Signer]) -> Log:
    """The log that a whole export is of, as if it had never been in a database."""
    entries = [Entry(line.salt or b"", line.body or b"") for line in full.lines]
    made = Log(
        signers, full.origin, entries, [(one.size, one.note) for one in signed], list(full.versions or ()), BEGIN + timedelta(days=9)
    )
    for one in signed:
        made.signed_by[one.size] = next(signer for signer in signers if f" {base64.b64encode(signer.key.id).decode()[:5]}" in one.note)
    assert all(tree.leaf_hash(entry.salt, entry.body) == line.leaf for entry, line in zip(entries, full.lines, strict=True))
    return made
