"""What must be true of a database whatever happened to the service: compared row by row with what the stored versions say."""

import json
from collections.abc import Iterable

from sqlalchemy import select

from service.audit import tree
from service.fhir.document import Number
from service.records.context import Service
from service.search import index
from service.storage.database import Transaction
from service.storage.tables import search
from service.storage.tables.audit import audit_event
from service.storage.tables.resources import resource, version
from tests.properties.races import require_dense


def require_sound(service: Service) -> None:
    """Versions dense, current rows right, the index exactly what the current versions yield, and every database's own checks."""
    require_dense(service)
    require_audited(service)
    with service.database.read() as tx:
        _require_index(tx, service)
        if tx.dialect == "sqlite":
            assert tx.connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
            assert tx.connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []


def require_audited(service: Service) -> None:
    """No version without the event that names it, no event of a success without its version, and no event that was changed."""
    with service.database.read() as tx:
        events = {row.audit_id: row for row in tx.connection.execute(select(audit_event))}
        stored = {row.audit_id: (row.type, row.fhir_id, row.version) for row in tx.connection.execute(select(version))}
    for row in events.values():
        assert tree.leaf_hash(row.salt, row.body) == row.leaf, f"event {row.audit_id} was changed"
    told = {
        id: row.target for id, row in events.items() if row.outcome == "0" and row.action in "CUD" and "/_history/" in (row.target or "")
    }
    written = {id: f"{service.definitions.type_name(number)}/{name}/_history/{count}" for id, (number, name, count) in stored.items() if id}
    assert told == written, f"events and versions differ: {sorted(set(told.items()) ^ set(written.items()))[:4]}"


def require_whole_transactions(service: Service, groups: Iterable[Iterable[str]]) -> None:
    """Of each group of ids (the entries of one transaction) all exist or none."""
    with service.database.read() as tx:
        there = set(tx.connection.scalars(select(resource.c.fhir_id)))
    for group in map(set, groups):
        assert group <= there or not group & there, f"half of a transaction: {sorted(group & there)}"


def stored_ids(service: Service) -> set[tuple[str, str]]:
    """(type, id) of every resource that is not deleted."""
    with service.database.read() as tx:
        rows = tx.connection.execute(select(resource.c.type, resource.c.fhir_id).where(resource.c.deleted.is_(False)))
        return {(service.definitions.type_name(row.type), row.fhir_id) for row in rows}


def _require_index(tx: Transaction, service: Service) -> None:
    expected: dict[str, set[index.Row]] = {table.name: set() for table in search.TABLES}
    current = select(resource.c.res_id, resource.c.type, resource.c.created, resource.c.lo, resource.c.hi, version.c.body).join_from(
        resource, version, (version.c.res_id == resource.c.res_id) & (version.c.version == resource.c.version)
    )
    for row in tx.connection.execute(current.where(version.c.body.is_not(None))):
        content = json.loads(row.body, parse_float=Number)
        extracted = service.registry.extract(service.definitions.type_name(row.type), content, row.created)
        assert (row.lo, row.hi) == (extracted.lo, extracted.hi), f"the main date of {row.res_id}"
        for name, rows in index.rows(extracted, row.res_id).items():
            expected[name] |= rows
    for table in search.TABLES:
        stored = {tuple(row) for row in tx.connection.execute(select(table))}
        assert stored == expected[table.name], f"{table.name}: {_difference(stored, expected[table.name])}"


def _difference(stored: set[tuple[object, ...]], expected: set[tuple[object, ...]]) -> str:
    return f"too many {sorted(map(str, stored - expected))[:3]}, missing {sorted(map(str, expected - stored))[:3]}"
