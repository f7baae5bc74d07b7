"""The index rows of resources, written by difference: only what an update changes is touched.

What the old version had in the index is extracted from it again, so that no table needs an index by resource. On PostgreSQL all
tables are written by one statement, on SQLite by one `executemany` per table. Runs in the transaction of the write.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import itemgetter

from sqlalchemy import BigInteger, Integer, SmallInteger, Table, select

from service.search.main_date import MISSING
from service.search.parameter import Extracted, Registry
from service.search.types.protocol import Json
from service.storage import arrays
from service.storage.database import Transaction
from service.storage.tables.resources import resource
from service.storage.tables.search import TABLES, reference

Row = tuple[int | str | None, ...]
Tables = dict[str, set[Row]]
_TYPES: dict[type, str] = {Integer: "int4", BigInteger: "int8", SmallInteger: "int2"}
_TABLES = {table.name: table for table in TABLES}
_ORDER = {table.name: itemgetter(slice(len(table.primary_key))) for table in TABLES}
"""The primary key of a row, by which all writers insert: the columns that may be NULL come after it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One resource whose index changes: its new content and its previous one, None where it does not exist (any more); and the stamp of
    its first version."""

    res_id: int
    type: str
    tree: Json | None
    previous_tree: Json | None = None
    created: int = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """The rows that come and go with some entries, and what the main date of each spans, by res_id."""

    added: Tables
    removed: Tables
    spans: Mapping[int, tuple[int, int]]


def difference(registry: Registry, entries: Sequence[Entry]) -> Difference:
    """What brings the index from the previous to the new content of every entry."""
    found = Difference({name: set() for name in _TABLES}, {name: set() for name in _TABLES}, spans := {})
    for entry in entries:
        new, spans[entry.res_id] = _extracted(registry, entry, entry.tree)
        old, _ = _extracted(registry, entry, entry.previous_tree)
        for name in _TABLES:
            found.added[name].update(new[name] - old[name])
            found.removed[name].update(old[name] - new[name])
    return found


def write(tx: Transaction, found: Difference) -> None:
    """Bring the index to the new content."""
    (_write_postgresql if tx.dialect == "postgresql" else _write_sqlite)(tx, found.added, found.removed)


def referrers(tx: Transaction, registry: Registry, type: str, id: str, limit: int) -> list[tuple[str, str]]:
    """At most `limit` current resources that refer to `type`/`id`, as (type, id)."""
    table = reference.c
    number = registry.definitions.type_number(type)
    rows = (
        select(table.res_id)
        .distinct()
        .where(table.param.in_(registry.referring_keys(type)), table.target_id == id, table.target_type == number)
    )
    chosen = rows.order_by(table.res_id).limit(limit).subquery("page")
    found = select(resource.c.type, resource.c.fhir_id).join(chosen, chosen.c.res_id == resource.c.res_id).order_by(resource.c.res_id)
    return [(registry.definitions.type_name(row.type), row.fhir_id) for row in tx.connection.execute(found)]


def _extracted(registry: Registry, entry: Entry, tree: Json | None) -> tuple[Tables, tuple[int, int]]:
    if tree is None:
        return {name: set() for name in _TABLES}, (MISSING, MISSING)
    found = registry.extract(entry.type, tree, entry.created)
    return rows(found, entry.res_id), (found.lo, found.hi)


def rows(extracted: Extracted, res_id: int) -> Tables:
    """The rows of one resource by table, columns in the order of the table."""
    found, lo = extracted.rows, extracted.lo
    return {
        "search_token": {(param, code, lo, res_id, system) for param, code, system in found.token},
        "search_reference": {(param, id, lo, res_id, number) for param, id, number in found.reference},
        "search_date": {(*row, res_id) for row in found.date},
        "search_string": {(param, prefix, res_id, digest, folded, exact) for param, prefix, digest, folded, exact in found.string},
        "search_number": {(*row, res_id) for row in found.number},
        "search_quantity": {(param, code, low, high, res_id, system) for param, code, low, high, system in found.quantity},
        "search_uri": {(*row, res_id) for row in found.uri},
        "search_composite": {(*row[:5], res_id, *row[5:]) for row in found.composite},
    }


def _write_sqlite(tx: Transaction, added: Tables, removed: Tables) -> None:
    for name, table in _TABLES.items():
        keys = [at for at, column in enumerate(table.columns) if column.primary_key]
        if removed[name]:
            tx.connection.exec_driver_sql(_sqlite_delete(table), [tuple(row[at] for at in keys) for row in removed[name]])
        if added[name]:
            tx.connection.exec_driver_sql(_sqlite_insert(table), sorted(added[name], key=_ORDER[name]))


@cache
def _sqlite_insert(table: Table) -> str:
    return f"INSERT OR IGNORE INTO {table.name} VALUES ({', '.join('?' for _ in table.columns)})"  # noqa: S608 - names of tables only


@cache
def _sqlite_delete(table: Table) -> str:
    return f"DELETE FROM {table.name} WHERE {' AND '.join(f'{column.name} = ?' for column in table.primary_key)}"  # noqa: S608 - names of tables only


def _write_postgresql(tx: Transaction, added: Tables, removed: Tables) -> None:
    going = tuple(name for name in _TABLES if removed[name])
    coming = tuple(name for name in _TABLES if added[name])
    if not going and not coming:
        return
    columns = [*_arrays(going, removed, keys_only=True), *_arrays(coming, added, keys_only=False)]
    tx.connection.exec_driver_sql(_postgresql(going, coming), tuple(columns))


def _arrays(names: Iterable[str], rows: Tables, keys_only: bool) -> Iterator[str]:
    for name in names:
        columns = zip(*sorted(rows[name], key=_ORDER[name]), strict=True)
        for column, values in zip(_TABLES[name].columns, columns, strict=True):
            if column.primary_key or not keys_only:
                yield arrays.literal(values)


@cache
def _postgresql(going: tuple[str, ...], coming: tuple[str, ...]) -> str:
    """One statement for the tables that change: a common table expression for each, and nothing selected."""
    parts = [f"gone_{name} AS ({_postgresql_delete(_TABLES[name])})" for name in going]
    parts += [f"come_{name} AS ({_postgresql_insert(_TABLES[name])})" for name in coming]
    return f"WITH {', '.join(parts)} SELECT 1"


def _postgresql_delete(table: Table) -> str:
    names = [column.name for column in table.primary_key]
    same = " AND ".join(f"t.{name} = d.{name}" for name in names)
    return f"DELETE FROM {table.name} t USING {_unnest(table, keys_only=True)} AS d({', '.join(names)}) WHERE {same}"  # noqa: S608 - names only


def _postgresql_insert(table: Table) -> str:
    return f"INSERT INTO {table.name} SELECT * FROM {_unnest(table, keys_only=False)} ON CONFLICT DO NOTHING"  # noqa: S608 - names only


def _unnest(table: Table, keys_only: bool) -> str:
    columns = [f"%s::{_TYPES.get(type(column.type), 'text')}[]" for column in table.columns if column.primary_key or not keys_only]
    return f"unnest({', '.join(columns)})"
