"""One worker works. When it dies another takes over, and what the dead one would still do is refused."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from service.audit.sequencer import LEASE, Pace
from service.config import PREFIX
from service.storage import audit_log, leases
from service.storage.database import Database
from service.storage.failures import Collision
from tests.sequencing.trails import SIGNER, Worker, add, require_sound
from tests.server import PROGRAM

SHORT = Pace(lease_seconds=0.2)
_PATIENCE = 60.0


def _taken_over(worker: Worker) -> None:
    for _ in range(100):
        if worker.turn():
            return
        time.sleep(0.05)
    raise AssertionError("the lease never ran out")


def test_one_works_and_the_other_follows(database: Database) -> None:
    first, second = Worker(database), Worker(database)
    add(database, 3)
    assert (first.turn(), second.turn(), second.turn()) == (True, False, False)
    first.sequencer.finish()
    add(database, 2, seed=1)
    assert (second.turn(), first.turn()) == (True, False)
    assert second.sign().size == 5 + second.beats
    require_sound(database)


def test_finishing_signs_what_waits(database: Database) -> None:
    worker = Worker(database)
    worker.turn()
    add(database, 3)
    worker.sequencer.finish()
    with database.read() as tx:
        newest, lease = audit_log.newest_checkpoint(tx), leases.find(tx, LEASE)
    assert newest
    assert newest.size == 3 + worker.beats
    assert lease
    assert not lease.is_live


def test_a_dead_worker_is_followed_and_no_place_is_missing(database: Database) -> None:
    dead, heir = Worker(database, pace=SHORT), Worker(database)
    add(database, 4)
    dead.turn()
    add(database, 4, seed=1)
    _taken_over(heir)
    assert heir.sign().size == 8 + dead.beats + heir.beats
    require_sound(database)


def _overslept(database: Database) -> Worker:
    """A worker that slept while another one took over and went on."""
    sleeper, other = Worker(database, pace=SHORT), Worker(database)
    add(database, 2)
    sleeper.turn()
    add(database, 3, seed=1)
    _taken_over(other)
    other.sign()
    add(database, 2, seed=2)
    return sleeper


def test_who_has_lost_the_lease_writes_nothing(database: Database) -> None:
    sleeper = _overslept(database)
    with database.read() as tx:
        before = audit_log.size(tx)
    assert not sleeper.turn(10)
    with database.read() as tx:
        assert audit_log.size(tx) == before


def test_without_the_renewal_it_would_write(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """It tries to; then only the key of the table is between it and a place that is taken."""
    sleeper = _overslept(database)
    monkeypatch.setattr(leases, "renew", lambda *_: True)
    with pytest.raises((Collision, IntegrityError)):
        sleeper.turn(10)


def test_a_lease_from_before_the_clock_was_set_back_is_free(database: Database) -> None:
    with database.write() as tx:
        assert leases.take(tx, "a", "dead", 3600)
        assert not leases.take(tx, "a", "heir", 7200)
        assert leases.take(tx, "a", "heir", 60)


@contextmanager
def _worker(folder: Path, database: Database) -> Iterator["subprocess.Popen[bytes]"]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    url = database.url.render_as_string(hide_password=False)
    given = {f"{PREFIX}DATABASE_URL": url, f"{PREFIX}AUDIT_KEY": SIGNER.secret, f"{PREFIX}AUDIT_CHECKPOINTS": str(folder / "points.txt")}
    with (folder / "worker.log").open("ab") as log:
        process = subprocess.Popen([PROGRAM, "worker"], cwd=folder, env={**kept, **given}, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def _holder(database: Database, processes: dict[int, "subprocess.Popen[bytes]"], but: int | None = None) -> int:
    """Which of the processes has the lease, once one other than `but` has it."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        with database.glance() as tx:
            lease = leases.find(tx, LEASE)
        pid = int(lease.holder.split(":")[1]) if lease and lease.is_live else None
        if pid in processes and pid != but:
            return pid
        time.sleep(0.05)
    raise AssertionError("no worker took the lease")


def _await_signed(database: Database, audit_id: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        with database.read() as tx:
            place, newest = audit_log.place_of(tx, audit_id), audit_log.newest_checkpoint(tx)
        if place and newest and newest.size > place[0]:
            return
        time.sleep(0.05)
    raise AssertionError("the entry was never signed")


def test_kill_9_of_a_worker(database: Database, tmp_path: Path) -> None:
    """Two real workers; the one that works is killed while entries come: the other goes on, and publishes what the dead one did not."""
    with ExitStack() as stack:
        processes = {one.pid: one for one in (stack.enter_context(_worker(tmp_path, database)) for _ in range(2))}
        first = _holder(database, processes)
        for number in range(20):
            made = add(database, 2, seed=number)
            if number == 10:
                os.kill(first, signal.SIGKILL)
        _holder(database, processes, first)
        _await_signed(database, made[-1].audit_id)
    signed = require_sound(database)
    assert (tmp_path / "points.txt").read_text().count(f"\n— {SIGNER.name} ") == signed
