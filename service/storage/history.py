"""Pages of history at instance, type and system level, newest first (https://hl7.org/fhir/R4/http.html#history).

The order (instant, resource, version) is total, so a page is found by its predecessor's last key: writes that happen between
two pages stand before the first page and move nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, exists, func, select, tuple_

from service.storage.database import Transaction
from service.storage.tables.resources import resource, version
from service.storage.versions import Row

Position = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Span:
    """Which versions: of one resource, of a type or of all; stamped from `since` on; current at some instant of [`at_lo`, `at_hi`].

    `until` is the horizon of a pull: nothing stamped after it is shown. Instants in microseconds.
    """

    type_number: int | None = None
    fhir_id: str | None = None
    since: int | None = None
    at: tuple[int, int] | None = None
    until: int | None = None


def page(
    tx: Transaction, span: Span, after: Position | None, count: int, among: ColumnElement[bool] | None = None
) -> Sequence[tuple[Row, bool]]:
    """At most `count` versions of `span`, those that follow `after`; each with whether it brought back what had been deleted.

    `among` is a condition on the row of the resource, in `resource`.
    """
    newest_first = version.c.last_updated.desc(), version.c.res_id.desc(), version.c.version.desc()
    statement = _selected(span).add_columns(_follows_deletion().label("revives")).order_by(*newest_first)
    if after is not None:
        statement = statement.where(tuple_(version.c.last_updated, version.c.res_id, version.c.version) < after)
    if among is not None:
        statement = statement.join(resource, resource.c.res_id == version.c.res_id).where(among)
    found = tx.connection.execute(statement.limit(count))
    return [
        (Row(one.res_id, (one.type, one.fhir_id), one.version, one.last_updated, one.method, one.body), bool(one.revives)) for one in found
    ]


def total(tx: Transaction, span: Span) -> int:
    """How many versions `span` holds."""
    return int(tx.connection.scalar(select(func.count()).select_from(_selected(span).subquery())) or 0)


def _selected(span: Span) -> Select[tuple[int, int, str, int, int, str, str | None]]:
    statement = select(
        version.c.res_id, version.c.type, version.c.fhir_id, version.c.version, version.c.last_updated, version.c.method, version.c.body
    )
    if span.fhir_id is not None:
        statement = statement.where(version.c.res_id == _resource_of(span))
    elif span.type_number is not None:
        statement = statement.where(version.c.type == span.type_number)
    if span.since is not None:
        statement = statement.where(version.c.last_updated >= span.since)
    if span.until is not None:
        statement = statement.where(version.c.last_updated <= span.until)
    return statement.where(_current_during(*span.at)) if span.at else statement


def _resource_of(span: Span) -> ColumnElement[int]:
    key = and_(resource.c.type == span.type_number, resource.c.fhir_id == span.fhir_id)
    return select(resource.c.res_id).where(key).scalar_subquery()


def _follows_deletion() -> ColumnElement[bool]:
    """Asked of the rows that are shown alone: PostgreSQL would answer EXISTS by reading every deletion there is."""
    former = version.alias("former")
    key = and_(former.c.res_id == version.c.res_id, former.c.version == version.c.version - 1)
    return select(former.c.body.is_(None)).where(key).scalar_subquery()


def _current_during(lo: int, hi: int) -> ColumnElement[bool]:
    """A version is current from its own stamp until the stamp of the one that follows; versions are dense."""
    later = version.alias("later")
    replaced = exists().where(later.c.res_id == version.c.res_id, later.c.version == version.c.version + 1, later.c.last_updated <= lo)
    return and_(version.c.last_updated <= hi, ~replaced)
