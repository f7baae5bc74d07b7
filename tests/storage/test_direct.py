"""One statement by the driver itself: its errors are the service's, and it leaves the pool as it was."""

from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest
from sqlalchemy import text

from service.errors import Overloaded
from service.storage import direct
from service.storage.database import Database, Limits
from service.storage.failures import Collision
from tests.databases import Databases

_CUT = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@pytest.fixture
def database(databases: Databases) -> Iterator[Database]:
    """A PostgreSQL with one connection, and a table with a key."""
    with databases.fresh("postgresql") as url:
        found = Database(url, Limits(pool_size=1, busy_seconds=0.2, statement_seconds=1.0))
        direct.run(found, "CREATE TABLE numbered (number int PRIMARY KEY)", ())
        yield found
        found.dispose()


def _numbers(database: Database) -> list[int]:
    with database.read() as tx:
        return list(tx.connection.scalars(text("SELECT number FROM numbered ORDER BY number")))


def test_it_is_committed_and_answers_with_rows(database: Database) -> None:
    assert direct.run(database, "INSERT INTO numbered VALUES (%s)", (1,)) == []
    assert direct.run(database, "SELECT number, 'x' FROM numbered WHERE number = %(n)s", {"n": 1}) == [(1, "x")]
    assert _numbers(database) == [1]


def test_a_key_that_is_taken_is_a_collision_and_the_connection_goes_on(database: Database) -> None:
    direct.run(database, "INSERT INTO numbered VALUES (1)", ())
    with pytest.raises(Collision):
        direct.run(database, "INSERT INTO numbered VALUES (1)", ())
    with suppress(RuntimeError), database.write() as tx:
        tx.connection.execute(text("INSERT INTO numbered VALUES (2)"))
        raise RuntimeError
    assert _numbers(database) == [1]


def test_a_connection_that_was_cut_is_told_and_replaced(database: Database) -> None:
    with psycopg.connect(database.url.set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    with pytest.raises(Overloaded):
        direct.run(database, "SELECT 1", ())
    assert direct.run(database, "SELECT 1", ()) == [(1,)]


def test_a_statement_that_takes_too_long_and_a_pool_that_is_empty_are_overload(database: Database) -> None:
    with pytest.raises(Overloaded):
        direct.run(database, "SELECT pg_sleep(30)", ())
    with database.read(), pytest.raises(Overloaded):
        direct.run(database, "SELECT 1", ())
    assert direct.run(database, "SELECT 1", ()) == [(1,)]


def test_a_database_that_is_gone_is_overload(databases: Databases) -> None:
    with databases.fresh("postgresql") as url:
        gone = Database(url)
        assert direct.run(gone, "SELECT 1", ()) == [(1,)]
        gone.dispose()
    with pytest.raises(Overloaded):
        direct.run(gone, "SELECT 1", ())
