"""One statement on PostgreSQL by the driver itself, committed by itself: for what every request does.

Between a statement and the driver SQLAlchemy spends three times what the driver does. Its pool and its errors stay: a connection that
was lost is told as it would tell it, and the pool begins anew.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import exc

from service.storage import failures
from service.storage.database import Database


def run(database: Database, statement: str, parameters: Sequence[Any] | Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of the statement; none when it returns none. Raises what `failures.translated` raises."""
    with failures.translated(), _lent(database) as (lent, driver):
        try:
            driver.autocommit = True
            cursor = driver.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            if driver.closed:
                # the others of the pool are as old; SQLAlchemy has no public name for what it does itself then
                database.engine.pool._invalidate(lent, error)
            raise _told(error, bool(driver.closed)) from error
        finally:
            if not driver.closed:
                driver.autocommit = False


@contextmanager
def _lent(database: Database) -> Iterator[tuple[Any, Any]]:
    """A connection of the pool: as the pool has it, and as the driver has it."""
    try:
        lent = database.engine.raw_connection()
    except psycopg.Error as error:
        raise _told(error, is_lost=True) from error
    try:
        yield lent, lent.driver_connection
    finally:
        lent.close()


def _told(error: psycopg.Error, is_lost: bool) -> Exception:
    """The error as SQLAlchemy raises it, which is what `failures` understands."""
    return exc.DBAPIError.instance(None, None, error, psycopg.Error, hide_parameters=True, connection_invalidated=is_lost)
