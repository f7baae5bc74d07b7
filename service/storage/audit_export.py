"""What an export of the audit trail is made of, read piece by piece: nothing that is asked for here changes any more."""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import func, select, tuple_

from service.storage.database import Database
from service.storage.tables.audit import audit_event
from service.storage.tables.audit_log import audit_log
from service.storage.tables.resources import version

_ENTRIES = 500
_VERSIONS = 2000


class Entry(NamedTuple):
    """An entry of the log with the bytes that were hashed."""

    idx: int
    leaf: bytes
    salt: bytes | None
    body: bytes | None


class Told(NamedTuple):
    """A version of the record. `idx`: the entry that tells of it; None where the event is not there, or never was."""

    type: int
    fhir_id: str
    version: int
    idx: int | None


def entries(database: Database, start: int, end: int) -> Iterator[Entry]:
    """The entries from `start` up to, but without, `end`. Those that are not there are left out."""
    columns = (audit_log.c.idx, audit_log.c.leaf, audit_event.c.salt, audit_event.c.body)
    joined = select(*columns).join_from(audit_log, audit_event, audit_log.c.audit_id == audit_event.c.audit_id)
    for place in range(start, end, _ENTRIES):
        piece = joined.where(audit_log.c.idx >= place, audit_log.c.idx < min(place + _ENTRIES, end)).order_by(audit_log.c.idx)
        with database.glance() as tx:
            rows = tx.connection.execute(piece).all()
        yield from (Entry(*row) for row in rows)


def versions(database: Database) -> Iterator[Told]:
    """Every version of the record whose event has a place, has none because it is gone, or was never written.

    Left out are those whose event waits for its place, and those from before there was an audit trail.
    """
    with database.glance() as tx:
        begin = tx.connection.scalar(select(func.min(audit_event.c.recorded)))
    if begin is None:
        return
    order = (version.c.last_updated, version.c.res_id, version.c.version)
    columns = (*order, version.c.type, version.c.fhir_id, version.c.audit_id, audit_log.c.idx, audit_event.c.serial)
    joined = select(*columns).select_from(
        version.outerjoin(audit_log, audit_log.c.audit_id == version.c.audit_id).outerjoin(
            audit_event, audit_event.c.audit_id == version.c.audit_id
        )
    )
    after = (-1, -1, -1)
    while True:
        with database.glance() as tx:
            rows = tx.connection.execute(joined.where(tuple_(*order) > after).order_by(*order).limit(_VERSIONS)).all()
        for row in rows:
            is_waiting = row.idx is None and row.serial is not None
            is_from_before = row.audit_id is None and row.last_updated < begin
            if not is_waiting and not is_from_before:
                yield Told(row.type, row.fhir_id, row.version, row.idx)
        if len(rows) < _VERSIONS:
            return
        after = (rows[-1].last_updated, rows[-1].res_id, rows[-1].version)
