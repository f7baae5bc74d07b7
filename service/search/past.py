"""The versions of the past that a caller may see: histories of one resource, of types and of the whole record.

A version is within reach when its own content is, and the resource as it is now (a deleted one: as it was last). The second is a condition
in SQL on the resources that live, so that what is out of reach is not even read; the first needs the content. A correction of the patient
thus hides the versions that were filed wrongly from both. docs/decisions/0021-one-restriction.md
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, false, or_, true

from service.errors import BadRequest
from service.search.clauses import Candidate, Clauses
from service.search.parameter import Registry
from service.search.query import EVERYTHING, NOTHING, Query
from service.search.resolve import resolved
from service.search.shape import values
from service.search.sight import Sight
from service.search.statement import Binder
from service.search.viewer import Viewer
from service.storage import history, versions
from service.storage.database import Transaction
from service.storage.history import Position, Span
from service.storage.tables.resources import resource
from service.storage.versions import Key, Row

_CHUNK = 200
MOST_READ = 20_000
"""Versions that are read for one page, shown or not."""


@dataclass(frozen=True, slots=True)
class Types:
    """The types that are asked about, and the letter of the scope that this needs."""

    letter: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Past:
    """Whose eyes see which types, in one transaction."""

    tx: Transaction
    registry: Registry
    sight: Sight
    types: Types

    @property
    def viewer(self) -> Viewer:
        """Judges single contents."""
        return Viewer(self.tx, self.registry, self.sight, self.types.letter)


def visible(past: Past, span: Span, after: Position | None) -> Iterator[tuple[Row, bool]]:
    """The versions of `span` after the position that may be seen, newest first; each with whether it brought back what had been deleted.

    Raises BadRequest when it takes too long to find them.
    """
    among = or_(false(), *(_condition(past, name, place) for place, name in enumerate(past.types.names)))
    known: dict[Key, bool] = {}
    for _ in range(MOST_READ // _CHUNK):
        rows = history.page(past.tx, span, after, _CHUNK, among)
        yield from (one for one in rows if _is_visible(past, one[0], known))
        if len(rows) < _CHUNK:
            return
        last = rows[-1][0]
        after = (last.last_updated, last.res_id, last.version)
    says = f"This history passes over more than {MOST_READ} versions that are not to be shown. Ask for the history of one resource."
    raise BadRequest.of("too-costly", "history-size", says)


def _condition(past: Past, type: str, place: int) -> ColumnElement[bool]:
    """That a resource is of the type, and either deleted or within reach as it is."""
    of_type = resource.c.type == past.registry.definitions.type_number(type)
    if past.sight.of(past.types.letter, type) in (EVERYTHING, NOTHING):
        return of_type if past.sight.of(past.types.letter, type) == EVERYTHING else false()
    asked = resolved(past.tx, past.registry, Query(type), past.sight, past.types.letter)
    clauses = Clauses(past.registry, type, Binder(values(asked), past.tx.dialect, prefix=f"type{place}at"), fenced=False)
    at = Candidate(resource.c.res_id, resource.c.lo, resource)
    met = and_(true(), *(clauses.condition(clause, at) for clause in asked.where))
    return and_(of_type, or_(resource.c.deleted, met))


def _is_visible(past: Past, row: Row, known: dict[Key, bool]) -> bool:
    type = past.registry.definitions.type_name(row.key[0])
    if row.body is not None and not past.viewer.holds(type, row.body):
        return False
    if row.key not in known:
        known[row.key] = _was_visible(past, type, row.key)
    return known[row.key]


def _was_visible(past: Past, type: str, key: Key) -> bool:
    """A deleted resource as it was last; the condition in SQL has judged the living."""
    newest = versions.read(past.tx, key)
    if newest is None or newest.body is not None:
        return newest is not None
    last = versions.last_living(past.tx, key)
    return last is not None and past.viewer.holds(type, last)
