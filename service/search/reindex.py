"""Rebuilding the index of one type while the service goes on, in steps that can be taken up again.

Each step is a write of its own: it locks a run of resources, removes every row that the index has for them, and writes what the
present parameters extract. Writers of those resources wait for a step, readers never do. `after` is the res_id after which to go on.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import and_, bindparam, delete, func, select, update
from sqlalchemy.sql.elements import ColumnElement

from service.fhir.document import Limits, decode
from service.search.index import Entry, difference, write
from service.search.parameter import Registry
from service.storage.database import Database, Transaction
from service.storage.tables.resources import resource, version
from service.storage.tables.search import TABLES

STEP = 200
_SPAN = update(resource).where(resource.c.res_id == bindparam("at")).values(lo=bindparam("from"), hi=bindparam("to"))
_LIMITS = Limits(depth=1000, digits=100_000)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a type is: resources done in this run, resources of the type, and where to go on after an interruption."""

    type: str
    done: int
    total: int
    after: int


def reindex(database: Database, registry: Registry, type: str, after: int = 0) -> Iterator[Progress]:
    """Rebuild the index of `type` from the resource after `after`; yields after every step."""
    number, done = registry.definitions.type_number(type), 0
    with database.read() as tx:
        total = int(tx.connection.execute(select(func.count()).where(_remaining(number, after))).scalar_one())
    while True:
        with database.write() as tx:
            ids = _step(tx, registry, type, _remaining(number, after))
        if not ids:
            return
        done, after = done + len(ids), ids[-1]
        yield Progress(type, done, max(total, done), after)


def _remaining(number: int, after: int) -> ColumnElement[bool]:
    return and_(resource.c.type == number, resource.c.res_id > after)


def _step(tx: Transaction, registry: Registry, type: str, remaining: ColumnElement[bool]) -> list[int]:
    chosen = select(resource.c.res_id).where(remaining).order_by(resource.c.res_id).limit(STEP)
    ids = list(tx.connection.execute(chosen.with_for_update(key_share=True)).scalars())
    if not ids:
        return []
    for table in TABLES:
        tx.connection.execute(delete(table).where(table.c.res_id.in_(ids)))
    current = select(resource.c.res_id, resource.c.created, version.c.body).join(
        version, and_(version.c.res_id == resource.c.res_id, version.c.version == resource.c.version)
    )
    found = tx.connection.execute(current.where(resource.c.res_id.in_(ids), version.c.body.is_not(None)))
    entries = [Entry(row.res_id, type, decode(row.body.encode(), _LIMITS).tree, created=row.created) for row in found]
    changed = difference(registry, entries)
    write(tx, changed)
    if entries:
        tx.connection.execute(_SPAN, [{"at": res_id, "from": lo, "to": hi} for res_id, (lo, hi) in changed.spans.items()])
    return ids
