"""Which plan a search is run by: chosen here, by looking, so that it does not depend on what a database believes about its tables.

What belongs to one patient or one visit is never much: such a clause drives without further ado. Otherwise every clause that could drive
is peeked at, up to FEW candidates. One with few drives, and they are all collected. Where each has more, matches are common, and the
search reads in the order asked for and tests as it goes.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from service.search import driver as drivers
from service.search import order, sorted_rows
from service.search.clauses import Clauses
from service.search.compile import BY_VALUE, EVERY, Plan
from service.search.driver import Driver
from service.search.order import By, Key
from service.search.parameter import Registry
from service.search.query import Clause, Match, Query
from service.search.shape import shape, values
from service.search.statement import Binder
from service.search.types import date
from service.search.types.protocol import SearchParameter

FEW = 2000
_ANY = ("",)


class Look(Protocol):
    """What a plan may have to be looked up for."""

    def candidates(self, plan: Plan) -> int:
        """How many candidates a plan's driver has, counted up to FEW."""

    def longest(self) -> int:
        """The greatest class of length that a main date of the type has."""

    def units(self, parameter: SearchParameter) -> tuple[str, ...] | None:
        """The base units of a quantity parameter; None when they are too many to read one by one."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The plans that a search of some shape has: one for each clause that can drive, and the one that reads in the order asked for.

    `bounded`: the main date is bounded from below, which spares postings where no date is long; `windows` are the clauses that do it.
    """

    plans: tuple[Plan, ...]
    orderly: Plan | None
    bounded: bool
    windows: frozenset[int]

    def is_window(self, plan: Plan) -> bool:
        """Whether the main date itself drives: each class of length has its own range then."""
        return plan.driver in self.windows


def chosen(registry: Registry, query: Query, dialect: str, look: Look) -> Plan:
    """The plan of one page."""
    key: Hashable = ("choice", dialect, shape(query))
    choice: Choice = registry.statements.get(key, lambda: _choice(registry, query, dialect))
    for plan in choice.plans:
        if drivers.is_bounded(registry, query.type, query.where[plan.driver]):
            return plan
    if choice.bounded and not all(map(choice.is_window, choice.plans)) and (span := look.longest()) < len(date.LONGEST) - 1:
        choice = _spanned(choice, span)
    plan = _peeked(choice, look)
    return _by_units(registry, query, plan, look) if plan.driver == BY_VALUE else plan


def _spanned(choice: Choice, span: int) -> Choice:
    """With postings that are read within the window only: they are never more than what the window alone holds."""
    plans = tuple(replace(plan, span=span) for plan in choice.plans if not choice.is_window(plan))
    orderly = choice.orderly
    if orderly is not None and choice.is_window(orderly):
        orderly = next((plan for plan in plans if plan.ordered), orderly)
    elif orderly is not None and orderly.driver != BY_VALUE:
        orderly = replace(orderly, span=span)
    return replace(choice, plans=plans, orderly=orderly)


def _by_units(registry: Registry, query: Query, plan: Plan, look: Look) -> Plan:
    """Where quantities are sorted by, their units have to be known; none at all is one that nothing has."""
    parameter = order.keys(registry, query)[0].parameter
    if parameter is None or parameter.kind != "quantity":
        return plan
    units = look.units(parameter)
    return Plan() if units is None else replace(plan, units=units or ("",))


def _peeked(choice: Choice, look: Look) -> Plan:
    if len(choice.plans) == 1 and choice.plans[0] == choice.orderly:
        return choice.orderly
    counted = [(look.candidates(plan), number) for number, plan in enumerate(choice.plans)]
    fewest, number = min(counted, default=(FEW, 0))
    if fewest < FEW:
        return choice.plans[number]
    return choice.orderly or (choice.plans[number] if choice.plans else Plan())


def _choice(registry: Registry, query: Query, dialect: str) -> Choice:
    clauses = Clauses(registry, query.type, Binder(values(query), dialect), fenced=True)
    keys = order.keys(registry, query)
    found: list[tuple[int, Driver]] = []
    for number, clause in enumerate(query.where):
        if all(clause is not answered for _, one in found for answered in one.answers):
            one = drivers.of_clause(clauses, query, number)
            found.extend([(number, one)] if one is not None else ())
    plans = tuple(Plan(number, _is_ordered(one, keys)) for number, one in found)
    windows = frozenset(number for number, _ in found if _is_window(clauses, query.where[number]))
    return Choice(plans, _orderly(clauses, query, keys, found), bool(drivers.since(clauses, query)), windows)


def _is_window(clauses: Clauses, clause: Clause) -> bool:
    return isinstance(clause, Match) and clauses.parameter(clause.parameter).main


def _is_ordered(driver: Driver, keys: Sequence[Key]) -> bool:
    return keys[0].by in driver.orders


def _orderly(clauses: Clauses, query: Query, keys: Sequence[Key], found: Sequence[tuple[int, Driver]]) -> Plan | None:
    """The plan that reads in the order of the first key; None when no index has that order."""
    if keys[0].by is By.VALUE:
        return Plan(BY_VALUE, ordered=True) if sorted_rows.sorted_by(clauses, keys[0], units=_ANY) is not None else None
    own = [number for number, one in found if _is_ordered(one, keys) and one.own]
    others = [number for number, one in found if _is_ordered(one, keys) and not one.own]
    if own or others:
        return Plan((own or others)[0], ordered=True)
    covered = [number for number, _ in found if keys[0].by is By.MAIN and drivers.covering(clauses, query, number) is not None]
    return Plan(covered[0], ordered=True, covers=True) if covered else Plan(EVERY, ordered=True)
