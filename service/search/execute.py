"""Query -> Page: look up, choose a plan, run, include, count; and the plain matches that conditional interactions need.

Everything runs in the transaction it is given, so a write sees its own effects. Bodies are handed on as they are stored.
"""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import BindParameter, bindparam, select

from service.errors import Issue
from service.search import across
from service.search.include import Includer, included
from service.search.paging import Cursors, Position
from service.search.parameter import Registry
from service.search.query import Across, Query
from service.search.resolve import resolved
from service.search.rows import Search
from service.search.sight import Sight
from service.search.unparse import Pair, unparse
from service.storage.database import Transaction, horizon
from service.storage.tables.resources import resource

INCLUDES = 5000
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
    horizon: int | None = None
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A match of a condition."""

    res_id: int
    id: str
    version: int


def execute(
    tx: Transaction, registry: Registry, asked: Query | Across, cursors: Cursors, sight: Sight, most_included: int = INCLUDES
) -> Page:
    """One page of what `sight` sees.

    Raises BadRequest for a cursor that does not belong to the question, and for what cannot be looked up.
    """
    queries = asked.queries if isinstance(asked, Across) else (asked,)
    first, canonical = queries[0], _canonical(registry, asked, sight)
    position = cursors.read(canonical, first.cursor) if first.cursor is not None else None
    bound = _horizon(tx, first, position)
    searches = [Search(tx, registry, resolved(tx, registry, query, sight), bound) for query in queries]
    if first.counts_only:
        return Page((), total=across.total(searches), horizon=bound)
    found = across.page(searches, first.count + 1, position)
    page, more = found[: first.count], len(found) > first.count
    total = _total(first, len(page), alone=position is None and not more)
    others, issues = included(Includer(tx, registry, sight, most_included), first, [one.row for one in page])
    return Page(
        matches=tuple(_found(registry, one.row) for one in page),
        included=tuple(_found(registry, row) for row in others),
        total=across.total(searches) if total == _ASK else total,
        next=cursors.write(canonical, replace(page[-1].position, horizon=bound)) if more else None,
        horizon=bound,
        issues=issues,
    )


def matching(tx: Transaction, registry: Registry, query: Query, limit: int, sight: Sight) -> list[Candidate]:
    """At most `limit` matches that `sight` sees, oldest first."""
    found = Search(tx, registry, resolved(tx, registry, query, sight)).res_ids(limit)
    return [Candidate(row.res_id, row.fhir_id, row.version) for row in tx.connection.execute(_CURRENT, {"res_ids": found})]


def _canonical(registry: Registry, asked: Query | Across, sight: Sight) -> list[Pair]:
    """What a cursor is signed with: the question, whatever it was written like, where it was asked, and what whoever asked may see."""
    if isinstance(asked, Across):
        first, bare = asked.first, replace(asked, queries=tuple(replace(query, cursor=None) for query in asked.queries))
        return [("", _place(first)), ("", sight.key), *unparse(registry, bare)]
    return [(asked.type, _place(asked)), ("", sight.key), *unparse(registry, replace(asked, cursor=None))]


def _place(query: Query) -> str:
    return f"{query.compartment.kind}/{query.compartment.id}" if query.compartment else ""


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


def _found(registry: Registry, row: Any) -> Found:
    return Found(registry.definitions.type_name(row.type), row.fhir_id, row.version, row.last_updated, row.body)
