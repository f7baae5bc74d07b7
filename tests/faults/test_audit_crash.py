"""S-1: the database is killed with kill -9 while it writes; no version is without its event, no success is told of that did not happen."""

import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from service.errors import Overloaded
from service.records import commit as commits
from service.records import trail
from service.records.commit import commit
from service.records.context import Context, Service
from service.records.write import Mark
from service.storage import audit, migrate
from service.storage.database import Database
from service.storage.tables.audit import audit_event
from tests import postgres
from tests.access import TESTS
from tests.faults.checker import require_audited, require_sound
from tests.faults.target import await_true, children
from tests.properties.races import require_dense
from tests.records.samples import create, observation, one, patient, update
from tests.services import on_database


@dataclass
class Writers:
    """Threads that write through `service` until they are stopped, and remember the marks of what was acknowledged."""

    service: Service
    marks: list[Mark] = field(default_factory=list)
    surprises: list[BaseException] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)

    def start(self, count: int) -> None:
        """Write with that many threads."""
        self.threads = [threading.Thread(target=self._work, args=(number,)) for number in range(count)]
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        """End them."""
        self.stopped.set()
        for thread in self.threads:
            thread.join(60)

    def _work(self, number: int) -> None:
        turn = 0
        while not self.stopped.is_set():
            turn += 1
            changes = [create(observation()), update(patient(f"{number}", id=f"w{number}", multipleBirthInteger=turn))]
            try:
                done = commit(Context(self.service, TESTS), changes)
            except Overloaded:
                self.stopped.wait(0.02)
            except BaseException as error:  # noqa: BLE001 - told at the end
                self.surprises.append(error)
                return
            else:
                self.marks += [mark for each in done for mark in each.marks]


def _kill(server: postgres.Server) -> None:
    """The main process and every backend, at once."""
    for process in (server.process_id, *children(server.process_id)):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    server.stop()


@pytest.fixture
def data() -> Iterator[Path]:
    """A folder that PostgreSQL may enter, whoever it runs as."""
    with tempfile.TemporaryDirectory(prefix="infusion-crash-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.mark.parametrize("rounds", [2, pytest.param(12, marks=pytest.mark.nightly)])
def test_S1_kill_9_of_the_database(parts: Service, data: Path, rounds: int) -> None:
    kept: list[Mark] = []
    for turn in range(rounds):
        server = postgres.Server({"fsync": "on", "full_page_writes": "on"}, kept=data)
        migrate.upgrade(database := Database(server.url))
        database.dispose()
        for service in on_database(parts, server.url):
            _require_kept(service, kept)
            writers = Writers(service)
            writers.start(6)
            await_true(lambda writers=writers, turn=turn: len(writers.marks) > 60 + 20 * turn)
            _kill(server)
            writers.stop()
            assert writers.surprises == []
            kept += writers.marks
    server = postgres.Server(kept=data)
    for service in on_database(parts, server.url):
        _require_kept(service, kept)
        require_sound(service)
    server.stop()


def _require_kept(service: Service, marks: list[Mark]) -> None:
    require_audited(service)
    with service.database.read() as tx:
        there = {row.audit_id: row.leaf for row in tx.connection.execute(audit_event.select())}
    assert [mark for mark in marks if there.get(mark.audit_id) != mark.leaf] == []


class TestTheChecksCanFail:
    """The checks above notice a build that tells of its writes outside their transaction, or not of all."""

    def test_events_that_are_committed_first(self, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
        one(Context(service, TESTS), create(patient("1")))
        append, database = audit.append, service.database
        if database.dialect == "sqlite":
            pytest.skip("one connection writes at a time: it would wait for itself")
        monkeypatch.setattr(trail.audit, "append", lambda _tx, entries: _apart(database, append, entries))
        monkeypatch.setattr(commits.index, "write", _fail)
        with pytest.raises(RuntimeError):
            one(Context(service, TESTS), create(patient("2")))
        with pytest.raises(AssertionError, match="events and versions differ"):
            require_audited(service)

    def test_an_event_that_names_another_version(self, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
        told = trail.told
        monkeypatch.setattr(commits.trails, "told", lambda *arguments: list(reversed(told(*arguments))))
        commit(Context(service, TESTS), [create(patient("1")), create(patient("2"))])
        require_dense(service)
        with pytest.raises(AssertionError, match="events and versions differ"):
            require_audited(service)

    def test_an_event_that_was_not_written(self, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(trail.audit, "append", lambda *_arguments: None)
        with pytest.raises(Exception, match=r"(?i)foreign key"):
            one(Context(service, TESTS), create(patient("1")))

    def test_a_leaf_that_is_not_that_of_the_body(self, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(trail, "leaf_hash", lambda _salt, _body: bytes(32))
        one(Context(service, TESTS), create(patient("1")))
        with pytest.raises(AssertionError, match="was changed"):
            require_audited(service)


def _apart(database: Database, append: Callable[..., None], entries: object) -> None:
    with database.appending() as tx:
        append(tx, entries)


def _fail(*_arguments: object) -> None:
    raise RuntimeError("stop")
