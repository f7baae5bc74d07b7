"""The rows of a search: its statements, built once per shape and plan, and run with the values at hand."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Select, bindparam, func, select

from service.search import order
from service.search.choose import FEW, chosen
from service.search.compile import Compiled, Plan, compiled
from service.search.paging import Position
from service.search.parameter import Registry
from service.search.present_units import present_units
from service.search.query import Query, Value
from service.search.shape import shape, values
from service.search.statement import Binder, Statement, render
from service.search.types.protocol import SearchParameter
from service.storage.database import Transaction
from service.storage.tables.search import date as dates

_OWN_COLUMNS = 5
_LONGEST = select(func.max(dates.c.span)).where(dates.c.param.in_(bindparam("keys", expanding=True)))
Make = Callable[[Compiled], Select[Any]]


@dataclass(frozen=True, slots=True)
class Ran:
    """A statement that was run: what for, and how the driver took it."""

    purpose: str
    sql: str
    parameters: Any


@dataclass(frozen=True, slots=True)
class Search:
    """A query whose look-ups are done, in one transaction. `ran` collects what it runs, for those who ask."""

    tx: Transaction
    registry: Registry
    query: Query
    horizon: int | None = None
    ran: list[Ran] | None = None

    def page(self, count: int, position: Position | None) -> list[Any]:
        """At most `count` matches after `position`: res_id, keys, type, fhir_id, version, last_updated, body."""
        plan = self.plan()
        keys = order.keys(self.registry, self.query)
        absent = order.is_absent(keys, position)
        found = self._part(plan, count, position, absent)
        if plan.ordered and keys[0].may_be_absent and not absent and len(found) < count:
            found.extend(self._part(plan, count - len(found), None, absent=True))
        return found

    def total(self) -> int:
        """How many resources match. They are counted without an order: the rows of a sort key lack those without a value."""
        unsorted = replace(self, query=replace(self.query, sort=()))
        return int(unsorted._run(unsorted.plan(), ("total",), Compiled.total, {}, fenced=False).scalar_one())

    def res_ids(self, limit: int) -> list[int]:
        """The res_ids of at most `limit` matches, in no order."""
        return self._column("res_id", limit)

    def fhir_ids(self, limit: int) -> list[str]:
        """The FHIR ids of at most `limit` matches, in no order."""
        return self._column("fhir_id", limit)

    def plan(self) -> Plan:
        """The plan for this search as things are now."""
        return chosen(self.registry, self.query, self.tx.dialect, self)

    def candidates(self, plan: Plan) -> int:
        """How many candidates a plan's driver has, counted up to FEW."""
        return int(self._run(plan, ("peek",), Compiled.peek, {"count": FEW}, fenced=True).scalar_one())

    def units(self, parameter: SearchParameter) -> tuple[str, ...] | None:
        """The base units of a quantity parameter; None when they are too many to read one by one."""
        return present_units(self.tx, self.registry, self.query, parameter)

    def longest(self) -> int:
        """The greatest class of length that a main date of the type has."""
        main = next(one for one in self.registry.for_type(self.query.type).values() if one.main)
        return int(self.tx.connection.execute(_LONGEST, {"keys": main.keys}).scalar() or 0)

    def _part(self, plan: Plan, count: int, position: Position | None, absent: bool) -> list[Any]:
        """One part of a page, each resource once. One that came twice left room for others, which are read after it."""
        plan, found = _of_part(plan, absent), dict[int, Any]()
        while True:
            rows = self._rows(plan, count - len(found), position, absent)
            room = count - len(found)
            found.update((row.res_id, row) for row in rows if row.res_id not in found)
            if len(rows) < room or len(found) == count:
                return list(found.values())
            position = placed(rows[-1])

    def _rows(self, plan: Plan, count: int, position: Position | None, absent: bool) -> Sequence[Any]:
        positioned = position is not None
        extra = {"count": count, **order.position_values(position)}
        rows: Sequence[Any] = self._run(plan, ("page", positioned, absent), lambda one: one.page(positioned, absent), extra).all()
        return rows

    def _column(self, name: str, limit: int) -> list[Any]:
        return list(self._run(self.plan(), ("ids", name), lambda one: one.ids(name), {"count": limit}).scalars())

    def _run(self, plan: Plan, kind: tuple[Hashable, ...], make: Make, extra: Mapping[str, Any], fenced: bool = True) -> Any:
        found = values(self.query)
        statement = self._statement(plan, kind, make, found, fenced)
        bound = {} if self.horizon is None else {"horizon": self.horizon}
        parameters = statement.parameters(found, {**extra, **bound})
        if self.ran is not None:
            self.ran.append(Ran(str(kind[0]), statement.sql, parameters))
        return self.tx.connection.exec_driver_sql(statement.sql, parameters)

    def _statement(self, plan: Plan, kind: tuple[Hashable, ...], make: Make, found: Sequence[Value], fenced: bool) -> Statement:
        bounded = self.horizon is not None

        def build() -> Statement:
            binder = Binder(found, self.tx.dialect)
            search = compiled(self.registry, self.query, binder, plan, fenced, bounded)
            assert search is not None, "a plan names a clause that can drive"
            return render(self.tx, make(search), binder)

        if not _distinct(found):
            return build()
        key = (self.tx.dialect, kind, fenced, bounded, plan, shape(self.query))
        statement: Statement = self.registry.statements.get(key, build)
        return statement


def placed(row: Any) -> Position:
    """The position of a row: its sort keys stand between res_id and the resource's own columns."""
    return Position(tuple(row[1:-_OWN_COLUMNS]), row.res_id)


def _of_part(plan: Plan, absent: bool) -> Plan:
    """Those without a value are not among the rows of the parameter."""
    return plan.without_value if absent else plan


def _distinct(found: Sequence[Value]) -> bool:
    """Whether every value is an object of its own: a statement tells them apart by identity."""
    return len({id(value) for value in found}) == len(found)
