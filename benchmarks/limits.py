"""The machine's own limit for writes: the rows that the service wrote, inserted again by the bare driver, a commit for each group.

The copies go into the same tables, under resource numbers of their own, so that the indexes are as large as they were for the
service. On PostgreSQL one pipelined round trip holds the whole transaction, with one `unnest` statement a table: less cannot be sent.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import psycopg
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

from benchmarks.servers import Store
from service.storage.tables import search
from service.storage.tables.resources import resource, version

Row = tuple[Any, ...]
Group = Sequence[tuple[Table, list[Row]]]
Write = Callable[[Group], None]

_TABLES = (resource, version, *search.TABLES)
_SHIFT = 1_000_000_000
_PASSES = count(1)


def written(store: Store, resources: int, size: int) -> list[Group]:
    """The rows of the newest `resources` resources, in groups of `size` resources."""
    read = _sqlite_rows if store.root is None else _postgresql_rows
    newest = [row[0] for row in read(store, f"SELECT res_id FROM resource ORDER BY res_id DESC LIMIT {resources}")]
    by_table = {table: read(store, f"SELECT {_columns(table)} FROM {table.name} WHERE res_id >= {newest[-1]}") for table in _TABLES}
    sorted_rows: dict[Table, dict[int, list[Row]]] = {table: {} for table in _TABLES}
    for table, rows in by_table.items():
        at = _place(table, "res_id")
        for row in rows:
            sorted_rows[table].setdefault(row[at], []).append(row)
    return [_group(sorted_rows, newest[start : start + size]) for start in range(0, len(newest), size)]


def rate(store: Store, groups: Sequence[Group], connections: int, seconds: float) -> float:
    """Groups inserted a second over `connections` connections."""
    done = [0] * connections
    until = time.perf_counter() + seconds
    run = _run_sqlite if store.root is None else _run_postgresql
    threads = [threading.Thread(target=run, args=(store, groups, until, done, number)) for number in range(connections)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.perf_counter() - started)


def _run_postgresql(store: Store, groups: Sequence[Group], until: float, done: list[int], number: int) -> None:
    with psycopg.connect(store.url, autocommit=True, prepare_threshold=0) as connection:
        for group in _copies(groups, until):
            with connection.pipeline(), connection.transaction():
                for table, rows in group:
                    connection.execute(_unnest(table), [list(column) for column in zip(*rows, strict=True)])
            done[number] += 1


def _run_sqlite(store: Store, groups: Sequence[Group], until: float, done: list[int], number: int) -> None:
    connection = sqlite3.connect(store.files[0] / "records.db", isolation_level=None, timeout=30)
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    for group in _copies(groups, until):
        connection.execute("BEGIN IMMEDIATE")
        for table, rows in group:
            marks = ",".join("?" * len(table.columns))
            connection.executemany(f"INSERT INTO {table.name} ({_columns(table)}) VALUES ({marks})", rows)
        connection.execute("COMMIT")
        done[number] += 1
    connection.close()


def _copies(groups: Sequence[Group], until: float) -> Any:
    """The groups again and again until the time is up, each time as new resources."""
    while time.perf_counter() < until:
        turn = next(_PASSES)
        for group in groups:
            if time.perf_counter() >= until:
                return
            yield [(table, [_renumbered(table, row, turn) for row in rows]) for table, rows in group]


def _renumbered(table: Table, row: Row, turn: int) -> Row:
    values = list(row)
    values[_place(table, "res_id")] += turn * _SHIFT
    if "fhir_id" in table.columns:
        values[_place(table, "fhir_id")] += f"-{turn}"
    return tuple(values)


def _group(rows: dict[Table, dict[int, list[Row]]], ids: Sequence[int]) -> Group:
    found = [(table, [row for id in ids for row in rows[table].get(id, ())]) for table in _TABLES]
    return [(table, some) for table, some in found if some]


def _place(table: Table, name: str) -> int:
    return list(table.columns.keys()).index(name)


def _columns(table: Table) -> str:
    return ", ".join(table.columns.keys())


def _unnest(table: Table) -> str:
    kinds = [column.type.compile(dialect=postgresql.dialect()).split(" COLLATE")[0] for column in table.columns]
    arrays = ", ".join(f"%s::{kind}[]" for kind in kinds)
    return f"INSERT INTO {table.name} ({_columns(table)}) SELECT * FROM unnest({arrays})"


def _postgresql_rows(store: Store, statement: str) -> list[Row]:
    with psycopg.connect(store.url) as connection:
        return connection.execute(statement).fetchall()


def _sqlite_rows(store: Store, statement: str) -> list[Row]:
    with sqlite3.connect(store.files[0] / "records.db") as connection:
        return connection.execute(statement).fetchall()
