"""The rows of a search: its statements, built once per shape and run with the values at hand."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select

from service.search.compile import Compiled, compiled
from service.search.order import position_values
from service.search.paging import Position
from service.search.parameter import Registry
from service.search.query import Query, Value
from service.search.shape import shape, values
from service.search.statement import Binder, Statement, render
from service.storage.database import Transaction
from service.storage.tables.resources import resource

Make = Callable[[Compiled], Select[Any]]


def page(tx: Transaction, registry: Registry, query: Query, count: int, position: Position | None, horizon: int | None) -> Sequence[Any]:
    """At most `count` matches after `position`: res_id, sort keys, type, fhir_id, version, last_updated, body."""
    positioned = position is not None
    extra = {"count": count, **position_values(position), **_horizon(horizon)}
    rows: Sequence[Any] = _run(tx, registry, query, ("page", positioned), lambda search: search.page(positioned), extra).all()
    return rows


def total(tx: Transaction, registry: Registry, query: Query, horizon: int | None) -> int:
    """How many resources match."""
    return int(_run(tx, registry, query, ("total",), lambda search: search.total(), _horizon(horizon)).scalar_one())


def res_ids(tx: Transaction, registry: Registry, query: Query, limit: int) -> list[int]:
    """The res_ids of at most `limit` matches, in no order."""
    return _column(tx, registry, query, resource.c.res_id, limit)


def fhir_ids(tx: Transaction, registry: Registry, query: Query, limit: int) -> list[str]:
    """The FHIR ids of at most `limit` matches, in no order."""
    return _column(tx, registry, query, resource.c.fhir_id, limit)


def _column(tx: Transaction, registry: Registry, query: Query, column: ColumnElement[Any], limit: int) -> list[Any]:
    found = _run(tx, registry, query, ("ids", str(column), limit), lambda search: search.ids(column).limit(limit), {})
    return list(found.scalars())


def _horizon(horizon: int | None) -> dict[str, int]:
    return {} if horizon is None else {"horizon": horizon}


def _run(tx: Transaction, registry: Registry, query: Query, kind: tuple[Hashable, ...], make: Make, extra: Mapping[str, Any]) -> Any:
    found = values(query)
    bounded = "horizon" in extra

    def build() -> Statement:
        binder = Binder(found)
        return render(tx, make(compiled(registry, query, tx.dialect, binder, bounded)), binder)

    if _distinct(found):
        statement: Statement = registry.statements.get((tx.dialect, kind, bounded, shape(query)), build)
    else:
        statement = build()
    return statement.run(tx, found, extra)


def _distinct(found: Sequence[Value]) -> bool:
    """Whether every value is an object of its own: a statement tells them apart by identity."""
    return len({id(value) for value in found}) == len(found)
