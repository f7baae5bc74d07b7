"""Query -> Page: compile, run, include, count; and the plain matches that conditional interactions need.

Everything runs in the transaction it is given, so a write sees its own effects. Bodies are handed on as they are stored.
"""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import BindParameter, bindparam, select

from service.errors import Issue
from service.search import rows
from service.search.chain import resolved
from service.search.include import included
from service.search.paging import Cursors, Position
from service.search.parameter import Registry
from service.search.query import Query
from service.search.unparse import unparse
from service.storage.database import Transaction, horizon
from service.storage.tables.resources import resource

INCLUDES = 5000
_OWN_COLUMNS = 5
_ASK = -1
"""A total that only a count can tell."""

_IDS: BindParameter[int] = bindparam("res_ids", expanding=True)
_CURRENT = select(resource.c.res_id, resource.c.fhir_id, resource.c.version).where(resource.c.res_id.in_(_IDS)).order_by(resource.c.res_id)


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
    search = resolved(tx, registry, query)
    if query.counts_only:
        return Page((), total=rows.total(tx, registry, search, bound), horizon=bound)
    found = rows.page(tx, registry, search, query.count + 1, position, bound)
    page, more = found[: query.count], len(found) > query.count
    total = _total(query, len(page), alone=position is None and not more)
    others, issues = included(tx, registry, query, page, most_included)
    return Page(
        matches=tuple(_found(registry, row) for row in page),
        included=tuple(_found(registry, row) for row in others),
        total=rows.total(tx, registry, search, bound) if total == _ASK else total,
        next=cursors.write(canonical, _last(page[-1], bound)) if more else None,
        horizon=bound,
        issues=issues,
    )


def matching(tx: Transaction, registry: Registry, query: Query, limit: int) -> list[Candidate]:
    """At most `limit` matches, oldest first."""
    found = rows.res_ids(tx, registry, resolved(tx, registry, query), limit)
    return [Candidate(row.res_id, row.fhir_id, row.version) for row in tx.connection.execute(_CURRENT, {"res_ids": found})]


def _horizon(tx: Transaction, query: Query, position: Position | None) -> int | None:
    if not query.pulls:
        return None
    return position.horizon if position else horizon(tx)


def _total(query: Query, length: int, alone: bool) -> int | None:
    """A page that is the whole result says so for nothing."""
    if query.total == "none":
        return None
    if alone:
        return length
    return _ASK if query.total else None


def _last(row: Any, bound: int | None) -> Position:
    """The position of a row: its sort keys stand between res_id and the resource's own columns."""
    return Position(tuple(row[1:-_OWN_COLUMNS]), row.res_id, bound)


def _found(registry: Registry, row: Any) -> Found:
    return Found(registry.definitions.type_name(row.type), row.fhir_id, row.version, row.last_updated, row.body)
