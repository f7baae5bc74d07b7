"""Transactions on SQLite and PostgreSQL, the instant that a write carries, and the horizon of a pull.

**Writes.** On SQLite a write holds the one write lock from its first statement (`BEGIN IMMEDIATE`). On PostgreSQL writes run
side by side under READ COMMITTED. A write that stays open longer than its limit is rolled back.

**Stamps.** Every version of one write carries the same `last_updated`: whole milliseconds, in microseconds.

**The horizon** is an instant such that no version at or before it can still appear. SQLite: stamps grow strictly from
write to write, so the horizon lies just after the newest committed stamp. PostgreSQL: a write takes a shared advisory lock
whose key is the millisecond at which it opened, and reads the clock for its stamp only while it holds that lock; so just before
the oldest key still locked no open write can stamp. The horizon lies half-way between two milliseconds, where no version
can be: continuing from it with `ge`, `gt`, `sa` or `_since` gives the same answer. It needs a database clock that is not set back.

**The generation** of the list of search parameters (`tables.parameters`) is read by every write once it is marked as open: after a change
of the list has been committed and the writes of that time have `settled`, every write knows of it.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from psycopg.types.array import ListBinaryDumper
from sqlalchemy import Connection, Engine, create_engine, event, func, select, text
from sqlalchemy.engine import make_url

from service import clock
from service.errors import Overloaded
from service.storage import failures
from service.storage.tables.parameters import generation
from service.storage.tables.resources import resource, version
from service.storage.together import Together

MILLISECOND = 1000
_HALF = MILLISECOND // 2
_WAL_RESET_FIXED = (3, 51, 3)

_OPEN_WRITE = """
    WITH opened AS MATERIALIZED (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS at),
         held AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(at) AS lock FROM opened)
    SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS stamp, held.lock,
           ARRAY(SELECT nextval('resource_res_id_seq') FROM generate_series(1, %s::int)) AS ids, search_generation_now() AS generation
    FROM held
"""

_SETTLE_SECONDS = 0.005
_CACHE_KIBIBYTES = 16_000
_PLANNING = " -c random_page_cost=1.1"  # postings are read in the order of their index, and disks no longer seek

_MORE_IDS = text("SELECT nextval('resource_res_id_seq') FROM generate_series(1, :count)")
_NOW = text("SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint")

_OLDEST_WRITE = text(
    """
    SELECT now.at, (SELECT min(key) FROM (SELECT (classid::bigint << 32) | objid::bigint AS key FROM pg_locks
                                          WHERE locktype = 'advisory' AND objsubid = 1
                                            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS held
                    WHERE key BETWEEN now.at - 86400000 AND now.at)
    FROM (SELECT floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint AS at) AS now
    """
)
"""The present millisecond, and the oldest one of the last day that an open write holds; other keys are not ours."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take and how many may run: seconds, and connections of one process."""

    write_seconds: float = 30.0
    statement_seconds: float = 30.0
    busy_seconds: float = 10.0
    pool_size: int = 8


@dataclass(frozen=True, slots=True)
class Transaction:
    """One open transaction. `stamp` (microseconds), `ids` (fresh res_ids) and `generation` belong to writes, `pull_horizon` to pulls."""

    connection: Connection
    dialect: str
    stamp: int = 0
    ids: tuple[int, ...] = ()
    pull_horizon: int | None = None
    generation: int = 0


class Unsafe(Exception):
    """The database is set up so that acknowledged writes may be lost; the service does not start on it."""


class Database:
    """The one way to connections. Thread-safe."""

    def __init__(self, url: str, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.url = make_url(url)
        if self.url.drivername in ("postgresql", "postgres"):
            self.url = self.url.set(drivername="postgresql+psycopg")
        self.dialect = self.url.get_backend_name()
        self.engine = _engine(self.url, self.limits)
        self._writer = threading.Lock()
        self.together: Together[Any] = Together()

    @contextmanager
    def read(self, pull: bool = False) -> Iterator[Transaction]:
        """A read-only snapshot: every statement in it sees the same state. With `pull`, `horizon` works in it."""
        with failures.translated():
            ahead = self._horizon_ahead() if pull and self.dialect == "postgresql" else None
            with self.engine.connect() as connection:
                if self.dialect == "postgresql":
                    connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                with connection.begin():
                    yield Transaction(connection, self.dialect, pull_horizon=ahead)

    @contextmanager
    def glance(self) -> Iterator[Transaction]:
        """For a single statement: no snapshot over several, one round trip less on PostgreSQL."""
        with failures.translated(), self.engine.connect() as connection:
            options = {"isolation_level": "AUTOCOMMIT"} if self.dialect == "postgresql" else {"infusion_glance": True}
            yield Transaction(connection.execution_options(**options), self.dialect)

    @contextmanager
    def write(self, creates: int = 0) -> Iterator[Transaction]:
        """A write transaction with its stamp and `creates` fresh res_ids: commits at the end, rolls back on any exception.

        Raises Overloaded when it cannot start, has been open too long or lost its connection, failures.Collision when it should
        be tried again.
        """
        started = clock.monotonic()
        with failures.translated(), self._exclusive(), self.engine.connect() as connection:
            connection = connection.execution_options(infusion_write=True)
            with failures.committing(connection.begin()):
                stamp, ids, known = self._opened(connection, creates)
                yield Transaction(connection, self.dialect, stamp, ids, generation=known)
                if clock.monotonic() - started > self.limits.write_seconds:
                    raise failures.overloaded(
                        "write-time", f"The write took longer than {self.limits.write_seconds:g} seconds and was undone."
                    )

    @contextmanager
    def appending(self) -> Iterator[Transaction]:
        """For one statement that adds rows which no pull looks for: without stamp and horizon, a third of the round trips of a write.

        On SQLite, where it takes two, they are one transaction. Raises what `write` raises.
        """
        if self.dialect == "postgresql":
            with self.glance() as tx:
                yield tx
            return
        with failures.translated(), self._exclusive(), self.engine.connect() as connection:
            connection = connection.execution_options(infusion_write=True)
            with connection.begin():
                yield Transaction(connection, self.dialect)

    def require_durable(self) -> None:
        """Refuse a PostgreSQL that may lose acknowledged writes, or that does not store UTF-8. Raises Unsafe."""
        if self.dialect != "postgresql":
            return
        with self.glance() as tx:
            for name, bad in (("fsync", "off"), ("synchronous_commit", "off")):
                if tx.connection.scalar(text(f"SHOW {name}")) == bad:
                    raise Unsafe(f"PostgreSQL runs with {name}=off: acknowledged writes could be lost. Set {name}=on.")
            if tx.connection.scalar(text("SHOW server_encoding")) != "UTF8":
                raise Unsafe("The PostgreSQL database is not encoded in UTF8. Create it with ENCODING 'UTF8'.")

    def refresh_statistics(self) -> None:
        """After many writes: let PostgreSQL do now what it would do in a minute, so that searches are planned by what is there and
        are answered from their index alone. SQLite needs neither.

        When it has no time now, it will do so later by itself.
        """
        if self.dialect == "postgresql":
            with suppress(Overloaded), self.glance() as tx:
                tx.connection.execute(text("VACUUM (ANALYZE)"))

    def settled(self) -> None:
        """Wait until every write that is open now has ended. On SQLite a write of one's own has waited for them already."""
        if self.dialect != "postgresql":
            return
        with self.glance() as tx:
            now = tx.connection.scalar(_NOW)
            while (oldest := tx.connection.execute(_OLDEST_WRITE).one()[1]) is not None and oldest <= now:
                time.sleep(_SETTLE_SECONDS)

    def dispose(self) -> None:
        """Close the pool."""
        self.engine.dispose()

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """On SQLite the writers of one process queue here, which is cheaper than SQLite's own waiting."""
        if self.dialect != "sqlite":
            yield
            return
        if not self._writer.acquire(timeout=self.limits.busy_seconds):
            raise failures.overloaded("busy", "Other writes hold the database. Nothing was written; send it again.")
        try:
            yield
        finally:
            self._writer.release()

    def _opened(self, connection: Connection, creates: int) -> tuple[int, tuple[int, ...], int]:
        if self.dialect == "postgresql":
            stamp, _, ids, known = connection.exec_driver_sql(_OPEN_WRITE, (creates,)).one()
            return stamp * MILLISECOND, tuple(ids), known or 0
        newest, highest, known = connection.execute(
            select(
                select(version.c.last_updated).order_by(version.c.last_updated.desc()).limit(1).scalar_subquery(),
                select(resource.c.res_id).order_by(resource.c.res_id.desc()).limit(1).scalar_subquery(),
                select(generation.c.number).scalar_subquery(),
            )
        ).one()
        return _later_than(newest or 0), tuple(range((highest or 0) + 1, (highest or 0) + 1 + creates)), known or 0

    def _horizon_ahead(self) -> int:
        """The horizon, taken before the snapshot that it bounds: a write that is in neither would be missed."""
        time.sleep(2 * MILLISECOND / 1e6)
        with self.glance() as tx:
            return _postgresql_horizon(tx.connection)


def later(tx: Transaction, than: int) -> Transaction:
    """`tx` with a stamp after the instant `than`.

    A writer that waited for another one's lock got its stamp before the wait; its version must still be the later one.
    """
    if tx.stamp > than:
        return tx
    clock_now = tx.connection.scalar(_NOW) if tx.dialect == "postgresql" else 0
    return replace(tx, stamp=max(int(clock_now or 0) * MILLISECOND, than + MILLISECOND))


def with_ids(tx: Transaction, count: int) -> Transaction:
    """`tx` with `count` more fresh res_ids after those that it has."""
    if tx.dialect == "postgresql":
        more = tuple(tx.connection.scalars(_MORE_IDS, {"count": count}))
    else:
        highest = tx.ids[-1] if tx.ids else int(tx.connection.scalar(select(func.max(resource.c.res_id))) or 0)
        more = tuple(range(highest + 1, highest + 1 + count))
    return replace(tx, ids=(*tx.ids, *more))


def horizon(tx: Transaction) -> int:
    """The instant (microseconds) up to which `tx` sees every version that will ever be stamped at or before it."""
    if tx.pull_horizon is not None:
        return tx.pull_horizon
    if tx.dialect == "postgresql":
        return _postgresql_horizon(tx.connection)
    newest = tx.connection.scalar(select(version.c.last_updated).order_by(version.c.last_updated.desc()).limit(1))
    return (newest or 0) + _HALF


def _postgresql_horizon(connection: Connection) -> int:
    now, oldest = connection.execute(_OLDEST_WRITE).one()
    return int(min(now, oldest if oldest is not None else now)) * MILLISECOND - _HALF


def _later_than(newest: int) -> int:
    """A stamp of whole milliseconds after `newest`: waits out the current millisecond; steps ahead of a clock set back."""
    while (stamp := clock.now() // MILLISECOND * MILLISECOND) == newest:
        time.sleep(0.0002)
    return stamp if stamp > newest else newest + MILLISECOND


def _engine(url: Any, limits: Limits) -> Engine:
    pool = {"pool_size": limits.pool_size, "max_overflow": 0, "pool_timeout": limits.busy_seconds, "pool_use_lifo": True}
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": limits.busy_seconds, "check_same_thread": False}, **pool)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    milliseconds = {"statement_timeout": limits.statement_seconds, "idle_in_transaction_session_timeout": limits.write_seconds}
    options = " ".join(f"-c {name}={int(seconds * 1000)}" for name, seconds in milliseconds.items()) + _PLANNING
    engine = create_engine(url, connect_args={"options": options, "connect_timeout": 10}, **pool)
    event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _prepare_postgresql(connection: Any, _record: Any) -> None:
    """Arrays travel in binary: as text, every quotation mark of every body would be escaped one by one."""
    connection.adapters.register_dumper(list, ListBinaryDumper)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    journal = "WAL" if sqlite3.sqlite_version_info >= _WAL_RESET_FIXED else "DELETE"
    for pragma in (f"journal_mode={journal}", "synchronous=FULL", "foreign_keys=ON", f"cache_size=-{_CACHE_KIBIBYTES}"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if "infusion_glance" not in options:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if "infusion_write" in options else "BEGIN")
