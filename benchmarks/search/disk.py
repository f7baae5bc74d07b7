"""Bytes on disk, by table and index."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from benchmarks.search.loading.rows import NAMES
from benchmarks.search.stores import Store

_POSTGRESQL = """
    SELECT c.relname, pg_table_size(c.oid), NULL FROM pg_class c
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT t.relname, pg_relation_size(i.indexrelid), c.relname FROM pg_index i
    JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
    WHERE c.relnamespace = 'public'::regnamespace
"""
_SQLITE = """
    SELECT m.tbl_name, sum(s.pgsize), CASE m.type WHEN 'index' THEN m.name END
    FROM dbstat s JOIN sqlite_master m USING (name) GROUP BY s.name
"""


@dataclass(frozen=True, slots=True)
class Part:
    """A table or an index (`index` is None for the table itself) and its bytes."""

    table: str
    size: int
    index: str | None


def parts(store: Store) -> Sequence[Part]:
    """The tables of the record and of the search, and their indexes, in the order of the schema; [] where SQLite cannot tell."""
    if store.kind == "sqlite":
        with sqlite3.connect(store.url.removeprefix("sqlite:///")) as connection:
            try:
                rows = connection.execute(_SQLITE).fetchall()
            except sqlite3.OperationalError:
                return []
    else:
        with psycopg.connect(store.url) as connection:
            rows = connection.execute(_POSTGRESQL).fetchall()
    found = [Part(table, int(size), index) for table, size, index in rows if table in NAMES]
    return sorted(found, key=lambda part: (NAMES.index(part.table), part.index or ""))
