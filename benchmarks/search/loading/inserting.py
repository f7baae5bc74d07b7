"""Rows into SQLite, in large transactions, each table in the order of its key."""

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from benchmarks.search.dataset import charts
from benchmarks.search.dataset.clinic import Clinic
from benchmarks.search.dataset.elements import Json
from benchmarks.search.dataset.premises import premises
from benchmarks.search.loading import rows, told
from service.search.parameter import Registry

_RESOURCES_OF_A_TRANSACTION = 20_000


def insert(path: Path, registry: Registry, clinic: Clinic) -> int:
    """Load the clinic into empty tables; how many resources there are then."""
    trees = chain(premises(clinic), (tree for visit in clinic.visits for tree in charts.chart(clinic, visit)))
    numbered = enumerate(trees, start=1)
    told.tell(f"sqlite:///{path}")
    last = 0
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("synchronous=OFF", "cache_size=-512000"):
        connection.execute(f"PRAGMA {pragma}")
    for some in _batches(numbered):
        last = some[-1][0]
        connection.execute("BEGIN")
        _write(connection, registry, some)
        connection.execute("COMMIT")
    connection.close()
    return last


def _batches(numbered: Iterable[tuple[int, Json]]) -> Iterator[list[tuple[int, Json]]]:
    remaining = iter(numbered)
    while some := list(islice(remaining, _RESOURCES_OF_A_TRANSACTION)):
        yield some


def _write(connection: sqlite3.Connection, registry: Registry, numbered: Iterable[tuple[int, Json]]) -> None:
    found: dict[str, list[tuple[Any, ...]]] = {name: [] for name in rows.NAMES}
    for res_id, tree in numbered:
        for name, some in rows.rows(registry, res_id, tree, rows.nominal_stamp(tree)):
            found[name] += some
    for name, some in found.items():
        if some:
            some.sort(key=_comparable)
            connection.executemany(f"INSERT INTO {name} VALUES ({','.join('?' * len(some[0]))})", some)


def _comparable(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple("" if value is None else value for value in row)
