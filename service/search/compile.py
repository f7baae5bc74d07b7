"""Plan -> Select. A search visits the candidates of its driver, tests every other clause on each, and stops when the page is full.

Where the driver hands out its candidates in the order of the first key (`plan.ordered`), that is all there is to a page, whatever the size
of the tables. Otherwise its candidates are few: all of them are sorted. Resources without a value of the first key come last, in a
part of their own, for an index knows only those that have one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    distinct,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
    true,
    union_all,
)

from service.search import driver as drivers
from service.search import order, sorted_rows
from service.search.clauses import Bool, Candidate, Clauses
from service.search.driver import Arm, Driver
from service.search.main_date import MISSING
from service.search.order import By, Key
from service.search.parameter import Registry
from service.search.query import All, Clause, Filter, Has, Match, Not, Query
from service.search.query import Any as AnyOf
from service.search.statement import Binder
from service.search.type_plan import WITHOUT_ROWS
from service.search.types import date
from service.storage.tables.resources import resource, version

EVERY, BY_VALUE = -1, -2
"""Drivers that are no clause: every resource of the type, and the rows of the parameter that is sorted by."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a search is run: the number of the clause that drives it, and whether that hands out candidates in the order asked for.

    `covers`: the clause is a composite, and the postings of its code drive. `span`: no main date of the type is longer than that class of
    length (`types.date.LONGEST`), so that postings need not be read further back. `units`: the base units that a quantity to sort by has.
    """

    driver: int = EVERY
    ordered: bool = False
    covers: bool = False
    span: int | None = None
    units: tuple[str, ...] | None = None

    @property
    def without_value(self) -> "Plan":
        """The plan for the resources that the rows of a sort parameter do not have: every resource of the type, by res_id."""
        return Plan(EVERY, True) if self.driver == BY_VALUE else self


@dataclass(frozen=True, slots=True)
class Compiled:
    """One search as it will be run. `fenced` keeps PostgreSQL from another plan; `bounded`: a pull, which the parameter `horizon` ends."""

    clauses: Clauses
    query: Query
    keys: tuple[Key, ...]
    plan: Plan
    driver: Driver
    bounded: bool

    def page(self, positioned: bool, absent: bool) -> Select[Any]:
        """At most `count` rows after the position, if there is one: res_id, keys, resource and body.

        `absent`: those without a value of the first key, when the plan is ordered by it. In an ordered plan a resource may come twice.
        """
        page = (self._ordered if self.plan.ordered else self._collected)(positioned, absent).subquery("page")
        ranked = self._ranked(page)
        columns = [column for column, _ in ranked[:-1]]
        return bodies(page, columns, fenced=self.clauses.fenced).order_by(*_ordering(ranked))

    def total(self) -> Select[Any]:
        """How many resources match."""
        if len(self.driver.arms) == 1:
            at, source = self._candidates(self.driver.arms[0])
            counted = func.count() if self.driver.unique else func.count(distinct(at.res_id))
            return select(counted).select_from(source).where(*self._conditions(self.driver.arms[0], at))
        found = self._found().subquery()
        return select(func.count() if self.driver.unique else func.count(distinct(found.c.res_id))).select_from(found)

    def ids(self, column: str) -> Select[Any]:
        """At most `count` values of a column of the matches' rows in `resource`, each match once, unordered."""
        found = self._found().subquery()
        chosen = (select(found.c.res_id) if self.driver.unique else select(found.c.res_id).distinct()).limit(_COUNT).subquery("chosen")
        if column == "res_id":
            return select(chosen.c.res_id)
        return select(resource.c[column]).join(chosen, resource.c.res_id == chosen.c.res_id)

    def peek(self) -> Select[Any]:
        """How many candidates the driver has, counted up to `count`."""
        rows = [
            select(literal(1).label("one")).select_from(arm.source).where(arm.condition, *self._within_span(arm))
            for arm in self.driver.arms
        ]
        if self.driver.own:
            rows = [rows[0].where(*self._own_conditions())]
        return select(func.count()).select_from(_together(rows).limit(_COUNT).subquery())

    def _ordered(self, positioned: bool, absent: bool) -> Select[Any]:
        """Each range of the driver is read along its index until it has a page; what they have is merged."""
        pages = [self._read(arm, positioned, absent) for arm in self.driver.arms]
        if len(pages) == 1:
            return pages[0]
        merged = _together([select(page.subquery()) for page in pages]).subquery()
        return select(merged).order_by(*_ordering(self._ranked(merged))).limit(_COUNT)

    def _read(self, arm: Arm, positioned: bool, absent: bool) -> Select[Any]:
        at, source = self._candidates(arm, sorting=True)
        columns, conditions = self._keys(at), self._conditions(arm, at)
        if self.keys[0].may_be_absent:
            columns[0], present = self._first(arm, at, absent)
            conditions.append(present)
        ranked = [(column, key.descending) for column, key in zip(columns, self.keys, strict=True)]
        ranked.append((at.res_id, self.keys[-1].descending))
        if positioned:
            conditions.append(order.after(ranked))
        found = select(at.res_id.label("res_id"), *_labelled(columns)).select_from(source).where(*conditions)
        return found.order_by(*_ordering(ranked)).limit(_COUNT)

    def _collected(self, positioned: bool, _absent: bool) -> Select[Any]:
        """All candidates, sorted."""
        found = self._found(sorting=True).subquery("found")
        matches = (select(found) if self.driver.unique else select(found).distinct()).subquery("matches")
        ranked = self._ranked(matches)
        chosen = select(matches).where(order.after(ranked)) if positioned else select(matches)
        return chosen.order_by(*_ordering(ranked)).limit(_COUNT)

    def _found(self, sorting: bool = False) -> Any:
        """The res_ids, and the keys if they matter, of what matches in every range."""
        rows = []
        for arm in self.driver.arms:
            at, source = self._candidates(arm, sorting)
            keys = _labelled(self._keys(at)) if sorting else ()
            rows.append(select(at.res_id.label("res_id"), *keys).select_from(source).where(*self._conditions(arm, at)))
        return _together(rows)

    def _keys(self, at: Candidate) -> list[ColumnElement[Any]]:
        return [key.of(at.res_id, at.lo, at.own) for key in self.keys]

    def _ranked(self, rows: Any) -> list[tuple[ColumnElement[Any], bool]]:
        ranked = [(rows.c[f"key{number}"], key.descending) for number, key in enumerate(self.keys)]
        return [*ranked, (rows.c.res_id, self.keys[-1].descending)]

    def _first(self, arm: Arm, at: Candidate, absent: bool) -> tuple[ColumnElement[Any], Bool]:
        """The first key as the index has it, and that there is one; or the value that stands for none, and that there is none."""
        key = self.keys[0]
        if key.by is By.MAIN:
            return (literal(key.absent, BigInteger), at.lo == MISSING) if absent else (at.lo, at.lo > MISSING)
        if not absent:
            assert arm.value is not None
            return arm.value, true()
        assert key.parameter is not None
        missing = not_(self.clauses.has_rows(key.parameter, at))
        if key.parameter.kind == "quantity" or (key.descending and key.parameter.kind != "date"):
            missing = or_(missing, key.of(at.res_id, at.lo, at.own) == key.absent)
        return literal(key.absent), missing

    def _candidates(self, arm: Arm, sorting: bool = False) -> tuple[Candidate, Any]:
        """A candidate's columns and where they come from; its row in `resource` beside it where something needs that."""
        source = arm.source
        if self.driver.own:
            return Candidate(source.c.res_id, source.c.lo, source), source
        if not self._needs_own(arm, sorting):
            assert arm.lo is not None
            return Candidate(source.c.res_id, arm.lo), source
        if not self.clauses.fenced:
            own = resource.alias()
            joined = source.join(own, own.c.res_id == source.c.res_id)
            return Candidate(source.c.res_id, own.c.lo if arm.lo is None else arm.lo, own), joined
        row = select(resource).where(resource.c.res_id == source.c.res_id).correlate(source).offset(_NONE)
        beside = row.lateral("own")
        return Candidate(source.c.res_id, beside.c.lo if arm.lo is None else arm.lo, beside), source.join(beside, true())

    def _needs_own(self, arm: Arm, sorting: bool) -> bool:
        if self.bounded or arm.lo is None or any(map(self._looks_at_own, self._rest())):
            return True
        return sorting and any(key.by in (By.ID, By.UPDATED) for key in self.keys)

    def _looks_at_own(self, clause: Clause) -> bool:
        if isinstance(clause, Match):
            parameter = self.clauses.parameter(clause.parameter)
            return clause.parameter in WITHOUT_ROWS or (parameter.main and parameter.single)
        if isinstance(clause, All | AnyOf):
            return any(map(self._looks_at_own, clause.clauses))
        if isinstance(clause, Not | Filter):
            return self._looks_at_own(clause.clause)
        return isinstance(clause, Has)

    def _rest(self) -> list[Clause]:
        return [clause for clause in self.query.where if all(clause is not answered for answered in self.driver.answers)]

    def _conditions(self, arm: Arm, at: Candidate) -> list[Bool]:
        conditions = [arm.condition, *(self.clauses.condition(clause, at) for clause in self._rest())]
        if self.bounded:
            conditions.append(at.own.c.last_updated <= bindparam("horizon", 0, BigInteger))
        return [*conditions, *self._within_span(arm)]

    def _within_span(self, arm: Arm) -> list[Bool]:
        """Where the main date is bounded and none is long: how far the rows need to be read."""
        if self.plan.span is None or arm.lo is None:
            return []
        earliest, last = self.clauses.window(drivers.since(self.clauses, self.query), date.LONGEST[self.plan.span])
        assert earliest is not None, "a plan has a span where the main date is bounded"
        return [arm.lo >= earliest, arm.lo <= last] if last is not None else [arm.lo >= earliest]

    def _own_conditions(self) -> list[Bool]:
        rows = self.driver.arms[0].source
        at = Candidate(rows.c.res_id, rows.c.lo, rows)
        own = [clause for clause in self._rest() if isinstance(clause, Match) and clause.parameter in WITHOUT_ROWS]
        return [self.clauses.condition(clause, at) for clause in own]


_COUNT = bindparam("count", 0, Integer)
_NONE: ColumnElement[int] = literal_column("0")
"""OFFSET 0: PostgreSQL runs what has one as it stands."""


def bodies(page: Any, extra: Sequence[ColumnElement[Any]] = (), fenced: bool = False) -> Select[Any]:
    """Resources and stored JSON of the res_ids in `page`."""
    stored = select(resource.c.type, resource.c.fhir_id, resource.c.version, resource.c.last_updated, version.c.body).join(
        version, and_(version.c.res_id == resource.c.res_id, version.c.version == resource.c.version)
    )
    if not fenced:
        joined = page.join(resource, resource.c.res_id == page.c.res_id)
        joined = joined.join(version, and_(version.c.res_id == resource.c.res_id, version.c.version == resource.c.version))
        return select(page.c.res_id, *extra, *stored.selected_columns).select_from(joined)
    one = stored.where(resource.c.res_id == page.c.res_id).correlate(page).offset(_NONE).lateral("one")
    return select(page.c.res_id, *extra, *one.c).select_from(page.join(one, true()))


def _labelled(columns: Sequence[ColumnElement[Any]]) -> list[ColumnElement[Any]]:
    return [column.label(f"key{number}") for number, column in enumerate(columns)]


def _together(rows: Sequence[Select[Any]]) -> Any:
    return rows[0] if len(rows) == 1 else union_all(*rows)


def _ordering(ranked: Sequence[tuple[ColumnElement[Any], bool]]) -> list[ColumnElement[Any]]:
    return [column.desc() if descending else column.asc() for column, descending in ranked]


def compiled(registry: Registry, query: Query, binder: Binder, plan: Plan, fenced: bool, bounded: bool = False) -> Compiled | None:
    """The search run by `plan`; None when the clause that should drive it cannot."""
    clauses = Clauses(registry, query.type, binder, fenced and binder.dialect == "postgresql")
    keys = order.keys(registry, query)
    driver = _driver(clauses, query, keys, plan)
    return None if driver is None else Compiled(clauses, query, keys, plan, driver, bounded)


def _driver(clauses: Clauses, query: Query, keys: Sequence[Key], plan: Plan) -> Driver | None:
    if plan.driver == EVERY:
        return drivers.every(clauses)
    if plan.driver == BY_VALUE:
        return sorted_rows.sorted_by(clauses, keys[0], plan.units)
    return (drivers.covering if plan.covers else drivers.of_clause)(clauses, query, plan.driver)
