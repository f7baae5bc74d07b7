"""Rebuilding the index of one type while the service goes on, in steps that can be taken up again.

Each step is a write of its own: it locks a run of resources, removes every row that the index has for them, writes what the present
parameters extract, and remembers how far it came. Writers of those resources wait for a step, readers never do. What the type awaited
becomes active in the write that finds nothing left. `search.adoption` says what must come before.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import BigInteger, and_, bindparam, delete, func, select, update
from sqlalchemy.sql.elements import ColumnElement

from service.errors import Conflict
from service.fhir.document import Limits, decode
from service.search import active_list
from service.search.activation import DROPPING
from service.search.index import Entry, difference, write
from service.search.parameter import Registry
from service.search.registries import Registries
from service.storage.database import Transaction
from service.storage.tables.resources import resource, version
from service.storage.tables.search import TABLES

STEP = 200
_LIMITS = Limits(depth=1000, digits=100_000)
_SPAN = (
    update(resource)
    .where(resource.c.res_id == bindparam("at"))
    .values(lo=bindparam("from", type_=BigInteger), hi=bindparam("to", type_=BigInteger))
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a type is: resources done in this run, and those that there were to do."""

    type: str
    done: int
    total: int


def reindex(registries: Registries, type: str) -> Iterator[Progress]:
    """Rebuild the index of `type` from where an interrupted run with the same parameters stopped; yields after every step.

    Raises Conflict when another version of the service writes to the database meanwhile.
    """
    total = registries.transact(lambda tx, registry: _count(tx, registry, type))
    done = 0
    while ids := registries.transact(lambda tx, registry: _step(tx, registry, type)):
        done += len(ids)
        yield Progress(type, done, max(total, done))
    registries.expire()


def _count(tx: Transaction, registry: Registry, type: str) -> int:
    number = registry.definitions.type_number(type)
    after = active_list.reached(tx, number, _mark(registry, type))
    return int(tx.connection.execute(select(func.count()).where(_remaining(number, after))).scalar_one())


def _step(tx: Transaction, registry: Registry, type: str) -> list[int]:
    """The next resources; none when all are done and what waited for them is active."""
    number, digests, mark = registry.definitions.type_number(type), registry.kept_up(type), _mark(registry, type)
    _require_alone(registry, type)
    ids = _rebuilt(tx, registry, type, _remaining(number, active_list.reached(tx, number, mark)))
    if ids:
        active_list.reach(tx, number, mark, ids[-1])
    else:
        active_list.reach(tx, number, mark, None)
        if active_list.activate(tx, registry.definitions, type, digests):
            active_list.advance(tx)
    return ids


def _mark(registry: Registry, type: str) -> str:
    return active_list.mark([f"{code}={digest}" for code, digest in registry.kept_up(type).items()])


def _require_alone(registry: Registry, type: str) -> None:
    """Raises Conflict when a write disowned a parameter that was to be indexed."""
    entries = registry.listing.entries if registry.listing else {}
    mine = registry.kept_up(type)
    stated = [one for one in entries.values() if one.type == type and one.state != DROPPING]
    if any(mine.get(one.code) != one.digest for one in stated):
        raise Conflict.of(
            "conflict",
            "other-version",
            "Another version of the service, or one with another TIME_ZONE, writes to this database. Stop it and run the reindex again.",
        )


def _remaining(number: int, after: int) -> ColumnElement[bool]:
    return and_(resource.c.type == number, resource.c.res_id > after)


def _rebuilt(tx: Transaction, registry: Registry, type: str, remaining: ColumnElement[bool]) -> list[int]:
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
