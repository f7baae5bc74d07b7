"""What the owner of the database does to it, with no trigger in the way, is told by the export of it (S-31), and by which exit code."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import text

from service.audit import subtrees, tree, verify
from service.audit.checkpoint import Checkpoint, Signer, sign
from service.audit.tree import Frontier
from service.audit.verify import CHANGED, FORKED, MISMATCHED, MISSING, OK, SILENT, UNSIGNED
from service.records import lifecycle
from service.records.commit import commit
from service.records.context import Context, Service
from service.storage import audit_log, migrate
from service.storage.database import Database
from tests.access import TESTS
from tests.records.samples import patient, update
from tests.sequencing.owner import owning
from tests.sequencing.real import exported, lived, notes
from tests.sequencing.trails import ORIGIN, SIGNER, Worker
from tests.services import on_database

STRANGER = Signer(ORIGIN, b"x" * 32)


def _told(service: Service, folder: Path, kept: str | None = None) -> int:
    """The exit code of a new export, with the checkpoint that an auditor kept."""
    shutil.rmtree(folder / "export", ignore_errors=True)
    exported(service, folder / "export")
    trusted = None
    if kept:
        trusted = folder / "kept.txt"
        trusted.write_text(kept)
    return verify.verify(folder / "export", trusted)[0]


def _execute(database: Database, *statements: str, **values: object) -> None:
    with owning(database) as connection:
        for statement in statements:
            connection.execute(text(statement), values)


FIRST = "(SELECT audit_id FROM audit_log WHERE idx = 3)"
EDITS: dict[str, tuple[tuple[str, ...], int]] = {
    "a body": ((f"UPDATE audit_event SET body = :body WHERE audit_id = {FIRST}",), CHANGED),
    "a salt": ((f"UPDATE audit_event SET salt = :salt WHERE audit_id = {FIRST}",), CHANGED),
    "a leaf": (("UPDATE audit_log SET leaf = :salt WHERE idx = 3",), CHANGED),
    "an event": ((f"DELETE FROM audit_event WHERE audit_id = {FIRST}",), MISSING),
    "an entry": (("DELETE FROM audit_log WHERE idx = 3",), MISSING),
    "the last entry": (("DELETE FROM audit_log WHERE idx = (SELECT max(idx) FROM audit_log)",), MISSING),
    "two entries in one another's place": (
        (
            "UPDATE audit_log SET idx = -1 WHERE idx = 3",
            "UPDATE audit_log SET idx = 3 WHERE idx = 4",
            "UPDATE audit_log SET idx = 4 WHERE idx = -1",
        ),
        CHANGED,
    ),
    "an entry taken out, the rest moved up": (
        (
            "DELETE FROM audit_log WHERE idx = 3",
            "UPDATE audit_log SET idx = -idx - 1 WHERE idx > 3",
            "UPDATE audit_log SET idx = -idx - 2 WHERE idx < 0",
        ),
        CHANGED,
    ),
    "the note of a checkpoint": (("UPDATE audit_checkpoint SET note = replace(note, 'clinic', 'klinik')",), UNSIGNED),
    "the key": (("UPDATE audit_key SET line = :line",), UNSIGNED),
    "a version": (("DELETE FROM version WHERE type = (SELECT max(type) FROM version) AND version = 1",), MISMATCHED),
    "the event of a version": (
        (f"UPDATE version SET audit_id = {FIRST} WHERE audit_id = (SELECT audit_id FROM audit_log WHERE idx = 0)",),
        MISMATCHED,
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_s31_an_edit_of_the_database_is_told(service: Service, tmp_path: Path, name: str) -> None:
    lived(service, 2)
    assert _told(service, tmp_path) == OK
    statements, code = EDITS[name]
    body = json.dumps({"resourceType": "AuditEvent"}).encode()
    _execute(service.database, *statements, body=body, salt=Random(1).randbytes(16 if "salt" in name else 32), line=str(STRANGER.key))
    assert _told(service, tmp_path) == code


def test_s31_a_version_without_its_event_is_told(service: Service, tmp_path: Path) -> None:
    """Copied from another by somebody who also gave it an event that there never was."""
    lived(service, 1)
    columns = "type, fhir_id, last_updated, method, body"
    copied = f"SELECT res_id, 99, {columns}, 'nowhere' FROM version WHERE version = 1 LIMIT 1"
    _execute(service.database, f"INSERT INTO version (res_id, version, {columns}, audit_id) {copied}")
    assert _told(service, tmp_path) == MISMATCHED


def _rewritten(database: Database, signer: Signer) -> None:
    """Another content of the fourth entry, every hash above it, and every checkpoint signed again: nothing is left of what was."""
    body, salt = b'{"resourceType":"AuditEvent"}', b"s" * 16
    frontier, points = Frontier(), {one.size for one in notes(database)}
    with database.read() as tx:
        leaves = audit_log.leaves(tx, 0, audit_log.size(tx))
    leaves[3] = tree.leaf_hash(salt, body)
    with owning(database) as connection:
        values = {"body": body, "salt": salt, "leaf": leaves[3]}
        connection.execute(text(f"UPDATE audit_event SET body = :body, salt = :salt, leaf = :leaf WHERE audit_id = {FIRST}"), values)
        for index, leaf in enumerate(leaves):
            frontier, nodes = subtrees.appended(frontier, leaf)
            row = {"leaf": leaf, "nodes": nodes, "idx": index}
            connection.execute(text("UPDATE audit_log SET leaf = :leaf, nodes = :nodes WHERE idx = :idx"), row)
            if frontier.size in points:
                made = {
                    "note": sign(Checkpoint(ORIGIN, frontier.size, frontier.root), signer),
                    "root": frontier.root,
                    "size": frontier.size,
                }
                connection.execute(text("UPDATE audit_checkpoint SET note = :note, root = :root WHERE size = :size"), made)


def _without_versions(service: Service) -> None:
    """So that nothing but the entries tells what happened."""
    worker = Worker(service.database)
    for _ in range(5):
        worker.beat()
        worker.sign()
    worker.sequencer.finish()


@pytest.mark.parametrize("is_key_swapped", [False, True])
def test_s31_all_of_it_written_anew_is_told_by_the_signature(service: Service, tmp_path: Path, is_key_swapped: bool) -> None:
    """Without the key; with one of his own in its place, which only a checkpoint that was kept elsewhere tells."""
    _without_versions(service)
    kept = notes(service.database)[2].note
    _rewritten(service.database, STRANGER)
    if is_key_swapped:
        _execute(service.database, "UPDATE audit_key SET line = :line", line=str(STRANGER.key))
    assert _told(service, tmp_path) == (OK if is_key_swapped else UNSIGNED), "an export alone shows only that it fits together"
    assert _told(service, tmp_path, kept) == UNSIGNED


def test_s31_all_of_it_written_anew_with_the_key_is_a_fork(service: Service, tmp_path: Path) -> None:
    _without_versions(service)
    kept = notes(service.database)[-1].note
    _rewritten(service.database, SIGNER)
    assert _told(service, tmp_path, kept) == FORKED


def test_s31_the_tail_dropped_is_told_by_a_kept_checkpoint(service: Service, tmp_path: Path) -> None:
    """The log, its checkpoints, the trail and the record, all as they were."""
    lived(service, 3)
    *_, older, newest = notes(service.database)
    _execute(
        service.database,
        "DELETE FROM version WHERE audit_id IN (SELECT audit_id FROM audit_log WHERE idx >= :size)",
        "DELETE FROM audit_event WHERE audit_id IN (SELECT audit_id FROM audit_log WHERE idx >= :size)",
        "DELETE FROM audit_log WHERE idx >= :size",
        "DELETE FROM audit_checkpoint WHERE size > :size",
        size=older.size,
    )
    assert _told(service, tmp_path) == OK, "nothing in the database tells it"
    assert _told(service, tmp_path, older.note) == OK
    assert _told(service, tmp_path, newest.note) == FORKED


def test_s31_a_restored_backup_is_told(parts: Service, tmp_path: Path) -> None:
    """A copy of the file is put back, and the service goes on from it: shorter at first, then another log than was published."""
    path = tmp_path / "records.db"
    migrate.upgrade(Database(f"sqlite:///{path}"))
    [before] = on_database(parts, f"sqlite:///{path}")
    lived(before, 2)
    before.database.dispose()
    shutil.copyfile(path, tmp_path / "backup.db")
    lived(before, 2, first=10)
    kept = notes(before.database)[-1]
    assert _told(before, tmp_path, kept.note) == OK
    before.database.dispose()
    shutil.copyfile(tmp_path / "backup.db", path)
    assert _told(before, tmp_path, kept.note) == FORKED
    lived(before, 5, first=20)
    assert notes(before.database)[-1].size > kept.size
    assert _told(before, tmp_path, kept.note) == FORKED
    before.database.dispose()


def _say(service: Service, minutes: int, kind: Callable[[Service, str], None] | None = None) -> Service:
    """The same service, some minutes later; it records something."""
    later = replace(service, clock=lambda: service.clock() + minutes * 60_000_000)
    if kind:
        kind(later, "tests")
    else:
        commit(Context(later, TESTS), [update(patient("1", id="p1", birthDate=f"1970-01-0{minutes % 9 + 1}"))])
    return later


@pytest.mark.parametrize("is_stopped", [False, True])
def test_s31_silence_is_told_unless_the_service_was_stopped(service: Service, tmp_path: Path, is_stopped: bool) -> None:
    now = service.clock()
    fixed = replace(service, clock=lambda: now)
    _say(fixed, 0)
    if is_stopped:
        _say(fixed, 0, lifecycle.stopped)
    _say(fixed, 6)
    Worker(service.database).sign()
    assert _told(service, tmp_path) == (OK if is_stopped else SILENT)
