"""Versions of resources: append one, read one, find which resources exist.

A resource is addressed by its key, the pair (type number, FHIR id). The current row and the new version are written in the
transaction of the caller; `append` refuses a version that does not follow the one it replaces.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Select, bindparam, insert, select, tuple_, update

from service.storage import arrays
from service.storage.database import Transaction
from service.storage.failures import Collision
from service.storage.tables.resources import NEVER, resource, version

Key = tuple[int, str]
_CHUNK = 400


@dataclass(frozen=True, slots=True)
class Current:
    """The newest version of a resource: where it is and what it says. `body` is None for a deleted one; `created`: when version 1 was."""

    res_id: int
    version: int
    last_updated: int
    body: str | None
    created: int


@dataclass(frozen=True, slots=True)
class Row:
    """One version as stored. `body` is None for a deletion; `method` is the HTTP verb that made it.

    `span` is what the main date covers, for a version that is written; `audit_id` the event of the audit trail that tells of it.
    """

    res_id: int
    key: Key
    version: int
    last_updated: int
    method: str
    body: str | None
    span: tuple[int, int] = (int(NEVER), int(NEVER))
    audit_id: str | None = None


_ROW = (version.c.res_id, version.c.type, version.c.fhir_id, version.c.version, version.c.last_updated, version.c.method, version.c.body)
_NEWEST = select(*_ROW, resource.c.created).join_from(
    resource, version, (version.c.res_id == resource.c.res_id) & (version.c.version == resource.c.version)
)
_KEY = tuple_(resource.c.type, resource.c.fhir_id)
_NUMBERS = select(resource.c.type, resource.c.fhir_id, resource.c.version)
_LIVING = select(resource.c.type, resource.c.fhir_id).where(resource.c.deleted.is_(False))
_READ = """
    SELECT v.res_id, v.type, v.fhir_id, v.version, v.last_updated, v.method, v.body
    FROM resource r JOIN version v ON v.res_id = r.res_id AND v.version = r.version
    WHERE r.type = ? AND r.fhir_id = ?
"""
_READS = {"sqlite": _READ, "postgresql": _READ.replace("?", "%s")}
_READ_VERSION = select(*_ROW).join_from(resource, version, version.c.res_id == resource.c.res_id)
_LAST_LIVING = (
    select(version.c.body)
    .join_from(resource, version, version.c.res_id == resource.c.res_id)
    .where(resource.c.type == bindparam("type_number"), resource.c.fhir_id == bindparam("id"), version.c.body.is_not(None))
    .order_by(version.c.version.desc())
    .limit(1)
)
_READ_VERSION = _READ_VERSION.where(
    resource.c.type == bindparam("type_number"), resource.c.fhir_id == bindparam("id"), version.c.version == bindparam("number")
)


def read(tx: Transaction, key: Key) -> Row | None:
    """The newest version of the resource `key`, deleted or not; None when it never existed."""
    found = tx.connection.exec_driver_sql(_READS[tx.dialect], key).one_or_none()
    return _row(found) if found else None


def read_several(tx: Transaction, keys: Collection[Key]) -> dict[Key, Row]:
    """The newest version of each resource that exists or existed, a few at once."""
    wanted = sorted(set(keys))
    found: dict[Key, Row] = {}
    for start in range(0, len(wanted), _FEW):
        some = wanted[start : start + _FEW]
        if tx.dialect == "postgresql":
            numbers, ids = zip(*some, strict=True)
            rows = tx.connection.exec_driver_sql(_READ_FEW, (arrays.literal(numbers), arrays.literal(ids)))
        else:
            text = _READ.partition("WHERE")[0] + "WHERE " + " OR ".join(["(r.type = ? AND r.fhir_id = ?)"] * len(some))
            rows = tx.connection.exec_driver_sql(text, tuple(part for key in some for part in key))
        found |= {(row.type, row.fhir_id): _row(row) for row in rows}
    return found


_FEW = 100
_READ_FEW = """
    SELECT v.res_id, v.type, v.fhir_id, v.version, v.last_updated, v.method, v.body
    FROM unnest(%s::int2[], %s::text[]) AS wanted(type, fhir_id)
    CROSS JOIN LATERAL (SELECT * FROM resource WHERE type = wanted.type AND fhir_id = wanted.fhir_id OFFSET 0) AS r
    JOIN version v ON v.res_id = r.res_id AND v.version = r.version
"""


def read_version(tx: Transaction, key: Key, number: int) -> Row | None:
    """Version `number` of the resource `key`; None when there is no such version."""
    found = tx.connection.execute(_READ_VERSION, {"type_number": key[0], "id": key[1], "number": number}).one_or_none()
    return _row(found) if found else None


def last_living(tx: Transaction, key: Key) -> str | None:
    """What a resource said when it was last not deleted; None when it never existed."""
    found = tx.connection.execute(_LAST_LIVING, {"type_number": key[0], "id": key[1]}).scalar_one_or_none()
    return None if found is None else str(found)


def current(tx: Transaction, keys: Iterable[Key], deleting: Collection[Key] = ()) -> dict[Key, Current]:
    """The newest version of each resource that exists or existed, locked against other writers until the end of `tx`.

    The lock of those in `deleting` also keeps others from referring to them; the lock of the rest lets that go on.
    Raises Collision when one appears that could not be locked yet.
    """
    found: dict[Key, Current] = {}
    wanted = sorted(set(keys))
    locked = _lock(tx, [key for key in wanted if key in deleting], key_share=False)
    locked |= _lock(tx, [key for key in wanted if key not in deleting], key_share=True)
    for row in selected(tx, _NEWEST, wanted):
        if tx.dialect == "postgresql" and row.res_id not in locked:  # made between the two statements
            raise Collision
        found[row.type, row.fhir_id] = Current(row.res_id, row.version, row.last_updated, row.body, row.created)
    return found


def newest(tx: Transaction, keys: Iterable[Key]) -> dict[Key, Row]:
    """The newest version of each resource that exists or existed, as a reader sees it: nothing is locked."""
    return {(row.type, row.fhir_id): _row(row) for row in selected(tx, _NEWEST, sorted(set(keys)))}


def numbers(tx: Transaction, keys: Iterable[Key]) -> dict[Key, int]:
    """The number of the newest version of each resource that exists or existed."""
    return {(row.type, row.fhir_id): row.version for row in selected(tx, _NUMBERS, sorted(set(keys)))}


def _lock(tx: Transaction, keys: Sequence[Key], key_share: bool) -> set[int]:
    locked: set[int] = set()
    for chunk in _chunks(keys) if tx.dialect == "postgresql" else ():
        rows = select(resource.c.res_id).where(_KEY.in_(chunk)).order_by(resource.c.type, resource.c.fhir_id)
        locked.update(tx.connection.scalars(rows.with_for_update(key_share=key_share)))
    return locked


def existing(tx: Transaction, keys: Iterable[Key]) -> set[Key]:
    """Those of `keys` that exist and are not deleted, held in existence until the end of `tx`.

    The lock is the one of a foreign key: it stops a deletion but not an update, so that many writers may refer to one patient.
    """
    wanted = sorted(set(keys))
    if tx.dialect == "postgresql":
        numbers, ids = zip(*wanted, strict=True) if wanted else ((), ())
        held = tx.connection.exec_driver_sql(_HOLD, (arrays.literal(numbers), arrays.literal(ids)))
        return {(row.type, row.fhir_id) for row in held}
    return {(row.type, row.fhir_id) for row in selected(tx, _LIVING, wanted)}


_HOLD = """
    SELECT held.type, held.fhir_id FROM unnest(%s::int2[], %s::text[]) AS wanted(type, fhir_id)
    CROSS JOIN LATERAL (
        SELECT * FROM resource WHERE type = wanted.type AND fhir_id = wanted.fhir_id AND NOT deleted FOR KEY SHARE
    ) AS held
"""
"""Locks one row after the other in the order of the arrays, which all writers sort: no deadlock."""


def selected(tx: Transaction, statement: Select[Any], keys: Sequence[Key]) -> Iterator[Any]:
    """The rows of `statement`, which selects from `resource`, for the resources `keys`. Sorted keys make it ask least often.

    SQLite finds no index for a list of pairs, and would read the table: there it is asked type by type.
    """
    if tx.dialect == "postgresql":
        for chunk in _chunks(keys):
            yield from tx.connection.execute(statement.where(_KEY.in_(chunk)))
        return
    for number, group in groupby(keys, key=itemgetter(0)):
        for chunk in _chunks(list(group)):
            ids = [id for _, id in chunk]
            yield from tx.connection.execute(statement.where(resource.c.type == number, resource.c.fhir_id.in_(ids)))


def append(tx: Transaction, rows: Sequence[Row]) -> None:
    """Write each row as the newest version of its resource: version 1 creates it, a later one must follow the current one.

    Raises Collision when another transaction created the resource or moved it on in the meantime.
    """
    created = [row for row in rows if row.version == 1]
    changed = [row for row in rows if row.version > 1]
    if created:
        _insert(tx, created)
    if changed:
        _move(tx, changed)
        tx.connection.execute(insert(version), [_values(row) for row in changed])


def _move(tx: Transaction, rows: Sequence[Row]) -> None:
    moves = [
        {
            "at": row.res_id,
            "before": row.version - 1,
            "now": row.version,
            "stamp": row.last_updated,
            "gone": row.body is None,
            "from": row.span[0],
            "to": row.span[1],
        }
        for row in rows
    ]
    if tx.connection.execute(_MOVE, moves).rowcount != len(rows):
        raise Collision


_MOVE = (
    update(resource)
    .where(resource.c.res_id == bindparam("at"), resource.c.version == bindparam("before"))
    .values(version=bindparam("now"), last_updated=bindparam("stamp"), deleted=bindparam("gone"), lo=bindparam("from"), hi=bindparam("to"))
)

_INSERT_MANY = """
    WITH made AS (
        SELECT * FROM unnest(%s::int8[], %s::int2[], %s::text[], %s::int8[], %s::text[], %s::text[], %s::int8[], %s::int8[], %s::text[])
            AS new(res_id, type, fhir_id, last_updated, method, body, lo, hi, audit_id)
    ), current AS (
        INSERT INTO resource (res_id, type, fhir_id, version, last_updated, deleted, created, lo, hi)
        SELECT res_id, type, fhir_id, 1, last_updated, body IS NULL, last_updated, lo, hi FROM made
    )
    INSERT INTO version (res_id, version, type, fhir_id, last_updated, method, body, audit_id)
    SELECT res_id, 1, type, fhir_id, last_updated, method, body, audit_id FROM made
"""


def _insert(tx: Transaction, rows: Sequence[Row]) -> None:
    if tx.dialect == "postgresql":
        values = [(row.res_id, *row.key, row.last_updated, row.method, row.body, *row.span, row.audit_id) for row in rows]
        columns = zip(*values, strict=True)
        tx.connection.exec_driver_sql(_INSERT_MANY, tuple(map(arrays.literal, columns)))
        return
    tx.connection.execute(insert(resource), [_resource_values(row) for row in rows])
    tx.connection.execute(insert(version), [_values(row) for row in rows])


def _resource_values(row: Row) -> dict[str, object]:
    return {
        "res_id": row.res_id,
        "type": row.key[0],
        "fhir_id": row.key[1],
        "version": row.version,
        "last_updated": row.last_updated,
        "deleted": row.body is None,
        "created": row.last_updated,
        "lo": row.span[0],
        "hi": row.span[1],
    }


def _values(row: Row) -> dict[str, object]:
    return {
        "res_id": row.res_id,
        "version": row.version,
        "type": row.key[0],
        "fhir_id": row.key[1],
        "last_updated": row.last_updated,
        "method": row.method,
        "body": row.body,
        "audit_id": row.audit_id,
    }


def _row(found: Any) -> Row:
    return Row(found.res_id, (found.type, found.fhir_id), found.version, found.last_updated, found.method, found.body)


def _chunks(keys: Sequence[Key]) -> Iterator[Sequence[Key]]:
    """Pieces small enough for the number of parameters that one statement may carry."""
    return (keys[start : start + _CHUNK] for start in range(0, len(keys), _CHUNK))
