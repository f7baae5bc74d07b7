"""Every entry gets one place, in time, whoever writes meanwhile, and everything is signed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text, update

from service.audit.sequencer import Pace, Sequencer
from service.storage import audit, audit_log
from service.storage.database import Database
from service.storage.tables.audit import audit_event
from service.storage.tables.audit_log import lease
from tests.databases import Databases
from tests.sequencing.owner import owning
from tests.sequencing.trails import Worker, add, entries, ids, recorded, require_sound


def test_entries_get_places_in_order_and_are_signed(database: Database) -> None:
    made = add(database, 5)
    worker = Worker(database)
    assert worker.turn()
    with database.read() as tx:
        assert ids(tx) == [entry.audit_id for entry in made]
    assert worker.sign().size == 5
    assert require_sound(database) == 1


def test_batches_follow_each_other_and_every_thousandth_entry_is_signed(database: Database) -> None:
    worker = Worker(database, pace=Pace(batch=1250))
    worker.sign()
    add(database, 2700)
    for size in (1251, 2501, 2701):
        worker.turn()
        with database.read() as tx:
            assert len(ids(tx)) == size
    worker.sign()
    with database.read() as tx:
        assert [one.size for one in audit_log.checkpoints(tx, 0, 9)] == [1, 1001, 2001, 2701]
    assert require_sound(database) == 4


def test_an_entry_is_signed_within_five_seconds(database: Database) -> None:
    """By turns of 0.2 seconds, wherever in the rhythm of the worker it comes."""
    worker = Worker(database)
    worker.sign()
    for number in range(6):
        for _ in range(number):
            worker.turn()
        [entry] = add(database, 1, seed=number + 1)
        before = worker.watch.seconds
        while True:
            worker.turn()
            with database.read() as tx:
                place, newest = audit_log.place_of(tx, entry.audit_id), audit_log.newest_checkpoint(tx)
            if place and newest and newest.size > place[0]:
                break
        assert worker.watch.seconds - before <= 5
    require_sound(database)


def test_an_idle_log_is_signed_every_minute_and_the_beat_is_an_entry(database: Database) -> None:
    worker = Worker(database)
    for _ in range(10 * 12):
        worker.turn(5.0)
    assert 9 <= worker.beats <= 11
    assert require_sound(database) == worker.beats
    with database.read() as tx:
        assert audit_log.size(tx) == worker.beats


def test_a_busy_log_needs_no_beat(database: Database) -> None:
    worker = Worker(database)
    for number in range(40):
        if number % 4 == 0:
            add(database, 1, seed=number + 1)
        worker.turn(5.0)
    assert worker.beats == 0


def test_many_writers_at_once(database: Database) -> None:
    """While eight threads record, every entry gets exactly one place."""
    worker = Worker(database)
    with ThreadPoolExecutor(8) as pool:
        done = [pool.submit(lambda seed: [add(database, 3, seed * 100 + part) for part in range(10)], seed) for seed in range(1, 9)]
        while not all(one.done() for one in done):
            worker.turn()
    assert [one.result() for one in done]
    worker.sign()
    assert require_sound(database) > 0
    with database.read() as tx:
        assert len(ids(tx)) == 240 + worker.beats


def _late(database: Database, worker: Worker) -> tuple[list[str], list[str]]:
    """An event whose serial comes first is committed last, long after turns that saw later ones: the log before, and the trail."""
    with database.write() as tx:
        audit.append(tx, entries(2, seed=1))
        add(database, 3, seed=2)
        for _ in range(5):
            worker.turn()
        with database.read() as seen:
            before = ids(seen)
    for _ in range(5):
        worker.turn()
    with database.read() as tx:
        return before, recorded(tx)


@pytest.fixture
def postgresql(databases: Databases) -> Iterator[Database]:
    """Only PostgreSQL lets writes run side by side."""
    with databases.fresh("postgresql") as url:
        database = Database(url)
        yield database
        database.dispose()


def test_late_commits_are_not_missed(postgresql: Database) -> None:
    worker = Worker(postgresql, pace=Pace(sweep_serials=0))
    before, every = _late(postgresql, worker)
    assert len(before) == 3
    with postgresql.read() as tx:
        assert ids(tx) == before + every[:2]


def test_without_the_list_of_writers_late_commits_are_missed(postgresql: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_log, "writers", lambda _: frozenset())
    worker = Worker(postgresql, pace=Pace(sweep_seconds=1e9))
    worker.turn()
    before, every = _late(postgresql, worker)
    with postgresql.read() as tx:
        assert ids(tx) == before != every


def _below_the_mark(database: Database, worker: Worker) -> str:
    """An event that somebody put below the mark: what it is called."""
    add(database, 3)
    worker.sign()
    worker.sequencer.finish()
    [entry] = add(database, 1, seed=9)
    with database.write() as tx:
        tx.connection.execute(update(lease).values(mark=10_000))
    return entry.audit_id


def test_an_event_below_the_mark_is_found_by_the_sweep(database: Database) -> None:
    audit_id = _below_the_mark(database, Worker(database))
    Worker(database).sign()
    with database.read() as tx:
        assert audit_log.place_of(tx, audit_id)
    require_sound(database)


def test_without_the_sweep_it_is_missed(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    audit_id = _below_the_mark(database, Worker(database))
    monkeypatch.setattr(Sequencer, "_passed_over", lambda *_: ())
    worker = Worker(database)
    for _ in range(10):
        worker.turn(1.0)
    with database.read() as tx:
        assert audit_log.place_of(tx, audit_id) is None


def _copied(database: Database, serial: int, audit_id: str) -> None:
    """One more event, whose serial no sequence drew."""
    others = {"serial": str(serial), "audit_id": f"'{audit_id}'"}
    names = [column.name for column in audit_event.columns]
    columns, cells = ", ".join(f'"{name}"' for name in names), ", ".join(others.get(name, f'"{name}"') for name in names)
    with owning(database) as connection:
        connection.execute(text(f"INSERT INTO audit_event ({columns}) SELECT {cells} FROM audit_event WHERE serial = 1"))


def test_the_log_is_swept_again_every_hour(database: Database) -> None:
    """Whatever comes below the mark while the worker is at work has its place within the hour."""
    worker = Worker(database)
    add(database, 3)
    _copied(database, 1000, "early")
    worker.sign()
    for _ in range(3):  # the sweep of the start
        worker.turn()
    _copied(database, 500, "late")
    worker.turn()
    with database.read() as tx:
        assert audit_log.place_of(tx, "early")
        assert audit_log.place_of(tx, "late") is None
    for _ in range(3):
        worker.turn(1800.0)
    with database.read() as tx:
        assert audit_log.place_of(tx, "late")
