"""Query -> Page: compile, run, include, count; and the plain matches that conditional interactions need.

Everything runs in the transaction it is given, so a write sees its own effects. Bodies are handed on as they are stored.
"""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select

from service.errors import Issue
from service.search.chain import resolved
from service.search.compile import Compiled, compiled
from service.search.include import included
from service.search.paging import Cursors, Position
from service.search.parameter import Registry
from service.search.query import Query
from service.search.unparse import unparse
from service.storage.database import Transaction, horizon
from service.storage.tables.resources import resource

INCLUDES = 5000


@dataclass(frozen=True, slots=True)
class Found:
    """One resource of a result: `text` is its stored JSON, `last_updated` in microseconds."""

    type: str
    id: str
    version: int
    last_updated: int
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page. `total` is None when it was not asked for and does not follow; `next` is a cursor; `horizon` bounds a pull; `issues` are
    about the page, `query.ignored` about the question."""

    matches: tuple[Found, ...]
    included: tuple[Found, ...] = ()
    total: int | None = None
    next: str | None = None
    previous: str | None = None
    horizon: int | None = None
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A match of a condition."""

    res_id: int
    id: str
    version: int


def execute(tx: Transaction, registry: Registry, query: Query, cursors: Cursors, most_included: int = INCLUDES) -> Page:
    """One page of `query`. Raises BadRequest for a cursor that does not belong to it."""
    canonical = unparse(registry, replace(query, cursor=None))
    position = cursors.read(canonical, query.cursor) if query.cursor is not None else None
    bound = _horizon(tx, query, position)
    search = compiled(registry, resolved(tx, registry, query), tx.dialect, bound)
    if query.counts_only:
        return Page((), total=_count(tx, search), horizon=bound)
    rows = tx.connection.execute(search.page(query.count + 1, position)).all()
    page, more = rows[: query.count], len(rows) > query.count
    others, issues = included(tx, registry, query, page, most_included)
    return Page(
        matches=tuple(_found(registry, row) for row in page),
        included=tuple(_found(registry, row) for row in others),
        total=_total(tx, search, query, len(page), alone=position is None and not more),
        next=cursors.write(canonical, _last(search, page[-1], bound)) if more else None,
        horizon=bound,
        issues=issues,
    )


def matching(tx: Transaction, registry: Registry, query: Query, limit: int) -> list[Candidate]:
    """At most `limit` matches, oldest first."""
    search = compiled(registry, resolved(tx, registry, query), tx.dialect)
    rows = tx.connection.execute(search.ids(resource.c.res_id).limit(limit)).scalars().all()
    current = select(resource.c.res_id, resource.c.fhir_id, resource.c.version).where(resource.c.res_id.in_(sorted(set(rows))))
    return [Candidate(row.res_id, row.fhir_id, row.version) for row in tx.connection.execute(current.order_by(resource.c.res_id))]


def _horizon(tx: Transaction, query: Query, position: Position | None) -> int | None:
    if not query.pulls:
        return None
    return position.horizon if position else horizon(tx)


def _count(tx: Transaction, search: Compiled) -> int:
    return int(tx.connection.execute(search.total()).scalar_one())


def _total(tx: Transaction, search: Compiled, query: Query, length: int, alone: bool) -> int | None:
    """A page that is the whole result says so for nothing."""
    if query.total == "none":
        return None
    if alone:
        return length
    return _count(tx, search) if query.total else None


def _last(search: Compiled, row: Any, bound: int | None) -> Position:
    return Position(tuple(row[1 : 1 + len(search.keys)]), row.res_id, bound)


def _found(registry: Registry, row: Any) -> Found:
    return Found(registry.definitions.type_name(row.type), row.fhir_id, row.version, row.last_updated, row.body)
