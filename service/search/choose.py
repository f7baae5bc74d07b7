"""Which plan a search is run by: chosen here, by looking, so that it does not depend on what a database believes about its tables.

What belongs to one patient or one visit is never much: such a clause drives without further ado. Otherwise every clause that could drive
is peeked at, up to FEW candidates. One with few drives, and they are all collected. Where each has more, matches are common, and the
search reads in the order asked for and tests as it goes.
"""

from collections.abc import Callable, Sequence

from service.search import driver as drivers
from service.search import order
from service.search.clauses import Clauses
from service.search.compile import BY_VALUE, EVERY, Plan
from service.search.driver import Driver
from service.search.order import By, Key
from service.search.parameter import Registry
from service.search.query import Query
from service.search.shape import values
from service.search.statement import Binder

FEW = 2000

Peek = Callable[[Plan], int]
"""How many candidates a plan's driver has, counted up to FEW."""


def chosen(registry: Registry, query: Query, dialect: str, peek: Peek) -> Plan:
    """The plan of one page."""
    clauses = Clauses(registry, query.type, Binder(values(query), dialect), fenced=True)
    keys = order.keys(registry, query)
    found = [(number, one) for number in range(len(query.where)) if (one := drivers.of_clause(clauses, query, number)) is not None]
    for number, one in found:
        if drivers.is_bounded(clauses, query.where[number]):
            return Plan(number, _is_ordered(one, keys))
    orderly = _orderly(clauses, keys, found)
    if orderly is not None and len(found) == 1 and orderly.driver == found[0][0]:
        return orderly
    counted = [(peek(Plan(number)), number) for number, _ in found]
    fewest = min(counted, default=(FEW, EVERY))
    if fewest[0] < FEW:
        return Plan(fewest[1], any(_is_ordered(one, keys) for number, one in found if number == fewest[1]))
    return orderly or Plan(fewest[1])


def _is_ordered(driver: Driver, keys: Sequence[Key]) -> bool:
    return keys[0].by in driver.orders


def _orderly(clauses: Clauses, keys: Sequence[Key], found: Sequence[tuple[int, Driver]]) -> Plan | None:
    """The plan that reads in the order of the first key; None when no index has that order."""
    if keys[0].by is By.VALUE:
        return Plan(BY_VALUE, ordered=True) if drivers.sorted_by(clauses, keys[0]) is not None else None
    ordered = [number for number, one in found if _is_ordered(one, keys) and not one.own]
    own = [number for number, one in found if _is_ordered(one, keys) and one.own]
    return Plan(next(iter((*own, *ordered)), EVERY), ordered=True)
