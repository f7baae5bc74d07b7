"""Killed in the middle of writes: what was acknowledged is there, nothing is there by half, and the index is the record's."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from service.records import read
from service.records.context import Context, Service
from service.search import index
from service.storage import versions
from tests.access import TESTS
from tests.databases import KINDS, Databases
from tests.faults import dying
from tests.faults.checker import require_sound, require_whole_transactions, stored_ids
from tests.faults.target import Target, await_true, children
from tests.faults.writers import Ledger, Writers
from tests.records.samples import create, observation, one, patient
from tests.server import running
from tests.services import on_database


def _kill(pids: set[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _require_kept(service: Service, ledger: Ledger) -> None:
    """Every acknowledged version is there, character by character."""
    ctx = Context(service, TESTS)
    assert ledger.unexpected == []
    for id, (number, resource) in ledger.acknowledged.items():
        kept = read.vread(ctx, "Observation", id, number)
        assert json.loads(str(kept.text)) == resource
    assert stored_ids(service) >= {("Observation", id) for id in ledger.acknowledged}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rounds", [2, pytest.param(12, marks=pytest.mark.nightly)])
def test_kill_9(databases: Databases, parts: Service, tmp_path: Path, kind: str, rounds: int) -> None:
    """Workers are killed while they write, and at last the whole service; then the database is looked at, and served again."""
    with databases.fresh(kind) as url:
        with running(tmp_path, url, "--workers", "2") as live:
            target = Target(live)
            writers = Writers(live, threads=6)
            for _ in range(rounds):
                before, done = target.workers(), writers.ledger.count()
                await_true(lambda done=done: writers.ledger.count() > done + 15)
                _kill(before)
                await_true(lambda before=before: len(target.workers() - before) == 2)
            done = writers.ledger.count()
            await_true(lambda: writers.ledger.count() > done + 15)
            workers = children(live.process.pid)
            live.process.kill()
            _kill(workers)
            ledger = writers.stop()
        for service in on_database(parts, url):
            _require_kept(service, ledger)
            require_whole_transactions(service, ledger.groups)
            require_sound(service)
        with running(tmp_path, url) as live:
            answer = Target(live).send("PUT", "/Observation/u-0", observation(id="u-0"))
            assert answer.status_code in (200, 201)


@pytest.mark.parametrize("kind", KINDS)
def test_killed_before_each_statement(databases: Databases, parts: Service, kind: str) -> None:
    """A process that dies before its n-th statement leaves nothing of its transaction, for every n; the one that lives leaves it all."""
    with databases.fresh(kind) as url:
        command = [sys.executable, "-m", dying.__name__, url]
        told = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=Path(__file__).parents[2])
        assert told.returncode == 0, told.stderr
        deaths = [int(line) for line in told.stdout.split()]
        assert len(deaths) > 5
        for service in on_database(parts, url):
            require_whole_transactions(service, [dying.ids(number) for number in range(max(deaths) + 2)])
            there = {id for _, id in stored_ids(service)}
            assert there == {"base", *dying.ids(max(deaths) + 1)}
            assert read.read(Context(service, TESTS), "Patient", "base").version == 2
            require_sound(service)


def test_a_failure_at_each_statement_undoes_the_whole(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same without dying: an exception at the n-th statement, and the service goes on."""
    one(Context(service, TESTS), dying.base())
    number = 0
    while True:
        try:
            with dying.failing_at(service, number, _fail):
                dying.write(Context(service, TESTS), number)
        except RuntimeError:
            require_whole_transactions(service, [dying.ids(number)])
            assert not {id for _, id in stored_ids(service)} & set(dying.ids(number))
            number += 1
        else:
            break
    assert number > 5
    require_sound(service)


def _fail() -> None:
    raise RuntimeError("stop")


class TestTheChecksCanFail:
    """The checks above notice what they are for."""

    def test_an_index_that_was_not_written(self, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(index, "write", lambda *_arguments: None)
        one(Context(service, TESTS), create(patient("1")))
        with pytest.raises(AssertionError, match="search_"):
            require_sound(service)

    def test_an_index_that_kept_the_rows_of_an_old_version(self, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
        ctx = Context(service, TESTS)
        one(ctx, dying.base())
        difference = index.difference
        forgetful = lambda registry, entries: difference(registry, [replace(entry, previous_tree=None) for entry in entries])  # noqa: E731
        monkeypatch.setattr(index, "difference", forgetful)
        dying.write(ctx, 0)
        with pytest.raises(AssertionError, match="too many"):
            require_sound(service)

    def test_entries_that_commit_one_by_one(self, service: Service) -> None:
        one(Context(service, TESTS), dying.base())
        for change in dying.changes(0)[:2]:
            one(Context(service, TESTS), change)
        with pytest.raises(AssertionError, match="half of a transaction"):
            require_whole_transactions(service, [dying.ids(0)])

    def test_a_version_that_is_missing(self, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
        values = versions._values
        monkeypatch.setattr(versions, "_values", lambda row: {**values(row), "version": row.version + (row.version > 1)})
        one(Context(service, TESTS), dying.base())
        dying.write(Context(service, TESTS), 0)
        with pytest.raises(AssertionError):
            require_sound(service)

    def test_an_acknowledged_write_that_is_gone(self, service: Service) -> None:
        ledger = Ledger()
        ledger.note({"resourceType": "Observation", "id": "lost", "meta": {"versionId": "1"}})
        with pytest.raises(Exception, match="There is no"):
            _require_kept(service, ledger)
