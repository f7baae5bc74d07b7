"""Versions append, one after the other, and never change (both databases)."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import exc, text

from service.errors import Overloaded
from service.storage import locks, secrets, versions
from service.storage.database import Database, Limits, Unsafe, later
from service.storage.failures import Collision
from service.storage.versions import Row
from tests.events import audited

PATIENT = 104


@pytest.fixture
def database(database_url: str):
    opened = Database(database_url, Limits(busy_seconds=5))
    yield opened
    opened.dispose()


def _create(database: Database, id: str = "a", body: str | None = "{}") -> Row:
    with database.write(creates=1) as tx:
        row = Row(tx.ids[0], (PATIENT, id), 1, tx.stamp, "POST", body)
        versions.append(tx, audited(tx, row))
    return row


def _create_then(database: Database, before_commit: Callable[[], object]) -> None:
    with database.write(creates=1) as tx:
        versions.append(tx, audited(tx, Row(tx.ids[0], (PATIENT, "a"), 1, tx.stamp, "POST", "{}")))
        before_commit()


def _stop() -> None:
    raise ValueError("stop")


def test_a_created_resource_is_read_back(database: Database) -> None:
    row = _create(database, body='{"a":1.10}')
    with database.glance() as tx:
        assert versions.read(tx, row.key) == row
        assert versions.read(tx, (PATIENT, "b")) is None
        assert versions.read_version(tx, row.key, 1) == row
        assert versions.read_version(tx, row.key, 2) is None


def test_two_creations_of_one_id_collide(database: Database) -> None:
    _create(database)
    with pytest.raises(Collision):
        _create(database)


def test_a_version_must_follow_the_current_one(database: Database) -> None:
    row = _create(database)
    with pytest.raises(Collision), database.write() as tx:
        versions.append(tx, audited(tx, Row(row.res_id, row.key, 3, tx.stamp, "PUT", "{}")))


def test_a_deletion_is_a_version_without_a_body(database: Database) -> None:
    row = _create(database)
    with database.write() as tx:
        versions.append(tx, audited(tx, Row(row.res_id, row.key, 2, tx.stamp, "DELETE", None)))
    with database.write() as tx:
        assert versions.current(tx, [row.key])[row.key].body is None
        assert versions.existing(tx, [row.key]) == set()


@pytest.mark.parametrize("statement", ["UPDATE version SET body = 'x'", "DELETE FROM version"])
def test_the_database_refuses_to_change_a_version(database: Database, statement: str) -> None:
    _create(database)
    with pytest.raises(exc.DBAPIError, match="append-only"), database.write() as tx:
        tx.connection.execute(text(statement))


def test_an_exception_leaves_nothing_behind(database: Database) -> None:
    with pytest.raises(ValueError, match="stop"):
        _create_then(database, _stop)
    with database.glance() as tx:
        assert versions.read(tx, (PATIENT, "a")) is None


def test_a_write_that_takes_too_long_is_undone(database_url: str) -> None:
    hasty = Database(database_url, Limits(write_seconds=0.2))
    with pytest.raises(Overloaded):
        _create_then(hasty, lambda: threading.Event().wait(0.25))
    with hasty.glance() as tx:
        assert versions.read(tx, (PATIENT, "a")) is None
    hasty.dispose()


def test_a_stamp_is_later_than_the_version_it_replaces(database: Database) -> None:
    with database.write() as tx:
        assert later(tx, tx.stamp - 1000).stamp == tx.stamp
        assert later(tx, tx.stamp).stamp > tx.stamp
        assert later(tx, tx.stamp + 5_000_000).stamp == tx.stamp + 5_001_000


def test_a_resource_that_is_referred_to_in_an_open_write_cannot_be_deleted_meanwhile(databases) -> None:
    with databases.fresh("postgresql") as url:
        database = Database(url, Limits(statement_seconds=0.5))
        row = _create(database)
        with database.write() as tx:
            assert versions.existing(tx, [row.key]) == {row.key}
            with pytest.raises(Overloaded), database.write() as other:
                versions.current(other, [row.key], deleting=[row.key])
            with database.write() as third:
                assert row.key in versions.current(third, [row.key])
        database.dispose()


def test_named_locks_hold_others_off(databases) -> None:
    with databases.fresh("postgresql") as url:
        database = Database(url, Limits(statement_seconds=0.5))
        with database.write() as tx:
            locks.hold(tx, ["Patient&identifier=1", "Patient&identifier=2"])
            with pytest.raises(Overloaded), database.write() as other:
                locks.hold(other, ["Patient&identifier=2"])
            with database.write() as third:
                locks.hold(third, ["Patient&identifier=3"])
        database.dispose()


def test_two_processes_agree_on_a_secret(database: Database, database_url: str) -> None:
    other = Database(database_url)
    assert secrets.obtain(database, "cursor-key") == secrets.obtain(other, "cursor-key")
    assert secrets.obtain(database, "other") != secrets.obtain(database, "cursor-key")
    other.dispose()


def test_postgresql_that_may_lose_writes_is_refused(databases) -> None:
    with databases.fresh("postgresql") as url:
        database = Database(url)
        database.require_durable()
        name = database.url.database
        with database.glance() as tx:
            tx.connection.execute(text(f'ALTER DATABASE "{name}" SET synchronous_commit = off'))
        database.dispose()
        with pytest.raises(Unsafe, match="synchronous_commit=off"):
            database.require_durable()
        database.dispose()


def test_sqlite_runs_durably_and_without_wal_where_wal_can_lose_data(databases) -> None:
    with databases.fresh("sqlite") as url:
        database = Database(url)
        with database.read() as tx:
            pragmas = {name: tx.connection.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous", "foreign_keys")}
        database.dispose()
    assert pragmas["synchronous"] == 2
    assert pragmas["foreign_keys"] == 1
    assert pragmas["journal_mode"] in ("delete", "wal")


def test_of_many_changes_one_that_does_not_follow_undoes_all(database: Database) -> None:
    rows = [_create(database, id) for id in "abc"]
    steps = (2, 2, 3)
    with pytest.raises(Collision), database.write() as tx:
        versions.append(
            tx, audited(tx, *(Row(row.res_id, row.key, step, tx.stamp, "PUT", "{}") for row, step in zip(rows, steps, strict=True)))
        )
    with database.write() as tx:
        assert {one.version for one in versions.current(tx, [row.key for row in rows]).values()} == {1}
        versions.append(tx, audited(tx, *(Row(row.res_id, row.key, 2, tx.stamp, "PUT", "{}") for row in rows)))
    with database.write() as tx:
        assert {one.version for one in versions.current(tx, [row.key for row in rows]).values()} == {2}


def test_a_connection_that_is_lost_while_committing_leaves_the_outcome_open(databases) -> None:
    with databases.fresh("postgresql") as url:
        database = Database(url)
        with pytest.raises(Overloaded) as refusal:
            _create_then(database, lambda: _cut_others(database))
        assert refusal.value.issues[0].rule == "outcome-unknown"
        database.dispose()


def _cut_others(database: Database) -> None:
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with database.glance() as tx:
        tx.connection.execute(text(others))
