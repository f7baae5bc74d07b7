"""What the worker does from its start to its stop, and the commands around it."""

import json
import logging
import stat
import threading
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import func, select

from service import cli
from service.audit import verify
from service.audit.checkpoint import Signer, read_keys
from service.config import PREFIX, SettingsError
from service.jobs.timetable import Job, Timetable
from service.records import audit_log as view
from service.records import lifecycle, trail, upkeep
from service.records.context import Service
from service.storage import audit_log, receipts, tokens
from service.storage.database import Database
from service.storage.failures import overloaded
from service.storage.receipts import Kept
from service.storage.tables.audit import audit_event
from service.storage.tables.state import receipt
from tests.sequencing.owner import owning
from tests.sequencing.trails import SIGNER, Watch, Worker, add, require_sound


@pytest.fixture
def keyed(service: Service, tmp_path: Path) -> Service:
    """A service whose worker has a key, and a file for its checkpoints."""
    settings = replace(service.settings, audit_key=SIGNER.secret, audit_checkpoints=str(tmp_path / "points.txt"))
    return replace(service, settings=settings)


def _work(service: Service, until: threading.Event | None = None, **options: str) -> None:
    """A worker from start to stop: it stops after its first turns, or when something else says so."""
    stop = until or threading.Event()
    thread = threading.Thread(target=upkeep.run, args=(service, stop), kwargs=options)
    thread.start()
    while until is None and thread.is_alive():
        with service.database.glance() as tx:
            newest = audit_log.newest_checkpoint(tx)
        if newest and newest.size > 1:
            stop.set()
            break
    thread.join(timeout=60)
    assert not thread.is_alive()


def _told(database: Database) -> list[str]:
    """What the events tell of, in their order."""
    with database.read() as tx:
        return list(tx.connection.scalars(select(audit_event.c.interaction).order_by(audit_event.c.serial)))


def test_a_worker_records_its_start_and_its_stop_and_signs_both(keyed: Service, tmp_path: Path) -> None:
    add(keyed.database, 3)
    _work(keyed)
    told = _told(keyed.database)
    assert told[3] == "110120"
    assert told[-1] == "110121"
    require_sound(keyed.database)
    with keyed.database.read() as tx:
        newest = audit_log.newest_checkpoint(tx)
        assert newest
        assert newest.size == len(told) == audit_log.size(tx)
    assert (tmp_path / "points.txt").read_text().endswith(newest.note)


def test_a_restore_is_recorded_with_its_reason(keyed: Service) -> None:
    _work(keyed, restored="disk failure")
    with keyed.database.read() as tx:
        bodies = [json.loads(body) for body in tx.connection.scalars(select(audit_event.c.body).order_by(audit_event.c.serial))]
    assert "disk failure" in json.dumps(bodies[1])


def test_the_worker_waits_for_a_database_that_cannot(keyed: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first times nothing can be recorded; it goes on when it can."""
    tries, record = [], trail.record

    def unsteady(*arguments: object, **options: object) -> object:
        tries.append(1)
        if len(tries) < 3:
            raise overloaded("busy", "Not now.")
        return record(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(trail, "record", unsteady)
    monkeypatch.setattr(upkeep, "_WAIT_SECONDS", 0.01)
    _work(keyed)
    assert len(tries) > 3
    assert "110120" in _told(keyed.database)


@pytest.mark.parametrize(("key", "told"), [("", "is not set"), ("PRIVATE+KEY+a+b+c", "is malformed")])
def test_without_a_good_key_there_is_no_worker(service: Service, key: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told) as refused:
        upkeep.signer(replace(service.settings, audit_key=key))
    assert key == "" or key not in str(refused.value)


def test_what_has_expired_is_cleared_away(service: Service) -> None:
    now = service.clock()
    with service.database.write() as tx:
        for number, expires in enumerate((now - 1, now + 60_000_000)):
            receipts.keep(tx, ("tests", "route", str(number)), Kept("hash", 200, {}, ""), 0, expires)
    jobs = {job.name: job for job in upkeep.jobs(service)}
    assert {"assertions", "tokens", "answers"} <= jobs.keys()
    for job in jobs.values():
        job.run()
    with service.database.read() as tx:
        assert tx.connection.scalars(select(receipt.c.key)).all() == ["1"]


def test_a_token_is_kept_for_a_day(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(tokens, "forget", lambda _, before: asked.append(before))
    next(job for job in upkeep.jobs(service) if job.name == "tokens").run()
    assert service.clock() - asked[0] >= 24 * 3600 * 1_000_000


def test_a_job_is_done_when_it_is_due_and_its_failure_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    done, watch = [], Watch()

    def fail() -> None:
        done.append("bad")
        raise ValueError("of a patient")

    table = Timetable([Job("bad", fail, 10), Job("good", lambda: done.append("good"), 60)], watch)
    with caplog.at_level(logging.WARNING, logger="infusion_records.jobs"):
        for seconds in (0, 5, 10, 49, 1):
            watch.seconds += seconds
            table.run()
    assert done == ["bad", "good", "bad", "bad", "good"]
    assert "of a patient" not in caplog.text


def test_a_command_leaves_a_stop_only_where_nobody_works(service: Service) -> None:
    lifecycle.left(service, "tests")
    assert _told(service.database) == []
    add(service.database, 1)
    lifecycle.left(service, "tests")
    lifecycle.left(service, "tests")
    assert _told(service.database) == ["read", "110121"]
    Worker(service.database).turn()
    add(service.database, 1, seed=1)
    lifecycle.left(service, "tests")
    assert _told(service.database)[-1] == "read"


def test_whoever_starts_is_told_that_no_worker_is_alive(service: Service) -> None:
    assert "infusion-records worker" in view.advice(service)
    worker = Worker(service.database)
    worker.turn()
    assert view.advice(service) == ""
    worker.sequencer.finish()
    assert "infusion-records worker" in view.advice(service)


def _run(database_url: str, *arguments: object, key: str = SIGNER.secret) -> Result:
    variables = {f"{PREFIX}DATABASE_URL": database_url, f"{PREFIX}AUDIT_KEY": key}
    return CliRunner().invoke(cli.main, [str(one) for one in arguments], env=variables)


def test_export_and_verify_by_command(database: Database, database_url: str, tmp_path: Path) -> None:
    add(database, 5)
    worker = Worker(database)
    kept = worker.sign()
    worker.sequencer.finish()
    (tmp_path / "kept.txt").write_text(kept.note)
    done = _run(database_url, "audit", "export", "-o", tmp_path / "a", "--from", 2)
    assert (done.exit_code, done.output.split(" entries")[0]) == (0, str(kept.size - 2)), done.output
    assert _told(database)[-2:] == ["110106", "110121"]
    checked = _run(database_url, "audit", "verify", tmp_path / "a", "--trusted-checkpoint", tmp_path / "kept.txt")
    assert (checked.exit_code, checked.output.startswith("verified: entries 2 to ")) == (verify.OK, True)
    entries = tmp_path / "a/entries.ndjson"
    entries.write_bytes(entries.read_bytes().splitlines(keepends=True)[0])
    assert _run(database_url, "audit", "verify", tmp_path / "a").exit_code == verify.MISSING
    assert _run(database_url, "audit", "verify", tmp_path / "nowhere").exit_code == verify.UNUSABLE
    assert _run(database_url, "audit", "export", "-o", tmp_path / "a").exit_code == 2
    assert "No checkpoint covers" in _run(database_url, "audit", "export", "-o", tmp_path / "b", "--to", 999).output


def test_a_key_is_made_for_its_owner_alone_and_never_overwritten(database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "secrets/key"
    made = _run(database_url, "audit", "new-key", path, "--name", "clinic.example/audit")
    assert made.exit_code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    signer = Signer.parse(path.read_text().strip())
    assert made.output == f"{signer.key}\n"
    assert signer.secret not in made.output
    assert _run(database_url, "audit", "new-key", path, "--name", "clinic.example/audit").exit_code == 2
    assert Signer.parse(path.read_text().strip()) == signer
    assert _run(database_url, "audit", "new-key", tmp_path / "other", "--name", "a b").exit_code == 2
    assert not (tmp_path / "other").exists()


def test_a_new_key_is_introduced_by_the_old_one(database: Database, database_url: str, tmp_path: Path) -> None:
    assert _run(database_url, "audit", "rotate-key", tmp_path / "early").exit_code == 1, "the log has no key yet"
    assert not (tmp_path / "early").exists()
    old = Worker(database)
    old.sign()
    done = _run(database_url, "audit", "rotate-key", tmp_path / "new")
    assert done.exit_code == 0, done.output
    new = Signer.parse((tmp_path / "new").read_text().strip())
    with database.read() as tx:
        lines = audit_log.keys(tx)
    assert read_keys("".join(f"{line}\n" for line in lines)) == (SIGNER.key, new.key)
    assert lines[-1] == done.output.strip()
    old.sign()
    old.sequencer.finish()
    again = _run(database_url, "audit", "rotate-key", tmp_path / "newer")
    assert again.exit_code == 1, "only the newest introduces"
    Worker(database, new).sign()
    assert require_sound(database, (SIGNER, new)) >= 2
    assert _run(database_url, "audit", "export", "-o", tmp_path / "a").exit_code == 0
    code, told = verify.verify(tmp_path / "a")
    assert code == verify.OK, told
    bodies = [json.loads(line)["body"] for line in (tmp_path / "a/entries.ndjson").read_text().splitlines()]
    assert any(new.key.id.hex() in b64decode(body).decode() for body in bodies)


def test_the_worker_needs_its_key_and_the_newest_schema(database_url: str, bare_database_url: str) -> None:
    refused = _run(database_url, "worker", key="")
    assert (refused.exit_code, "AUDIT_KEY is not set" in refused.output) == (2, True)
    assert "Run: infusion-records db upgrade" in _run(bare_database_url, "worker").output


def test_the_log_says_when_it_may_not_go_on(database: Database, database_url: str) -> None:
    Worker(database).sign()
    with database.write() as tx:
        assert tx.connection.scalar(select(func.count()).select_from(audit_event))
    with owning(database) as connection:
        connection.exec_driver_sql("UPDATE lease SET expires = 0")
    stranger = Signer(SIGNER.name, b"x" * 32)
    refused = _run(database_url, "worker", key=stranger.secret)
    assert (refused.exit_code, "none of this log's" in refused.output) == (1, True)
    assert stranger.secret not in refused.output
