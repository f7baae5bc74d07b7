"""Pages and totals over several types: without a sort one type after the other, each in its own order; with one, merged.

A position in such a walk names the type that it is in, or is a place between the sort values of all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cmp_to_key
from typing import Any

from service.search import order
from service.search.paging import Position
from service.search.rows import Search, placed


@dataclass(frozen=True, slots=True)
class Placed:
    """A row of a result and its place in the walk."""

    row: Any
    position: Position


def page(searches: Sequence[Search], count: int, position: Position | None) -> list[Placed]:
    """At most `count` rows after `position` of all searches together."""
    if len(searches) == 1 or searches[0].query.sort or searches[0].query.pulls:
        return _merged(searches, count, position)
    return _in_turn(searches, count, position)


def total(searches: Sequence[Search]) -> int:
    """How many resources match all in all."""
    return sum(search.total() for search in searches)


def _in_turn(searches: Sequence[Search], count: int, position: Position | None) -> list[Placed]:
    found: list[Placed] = []
    start = position.turn if position else 0
    for turn in range(start, len(searches)):
        if len(found) < count:
            rows = searches[turn].page(count - len(found), position if turn == start else None)
            found.extend(Placed(row, replace(placed(row), turn=turn)) for row in rows)
    return found


def _merged(searches: Sequence[Search], count: int, position: Position | None) -> list[Placed]:
    found = [Placed(row, placed(row)) for search in searches for row in search.page(count, position)]
    if len(searches) == 1:
        return found
    keys = order.keys(searches[0].registry, searches[0].query)
    descending = [*(key.descending for key in keys), keys[-1].descending]

    def compared(one: Placed, other: Placed) -> int:
        for mine, others, down in zip(_values(one), _values(other), descending, strict=True):
            if mine != others:
                return -1 if (mine > others) == down else 1
        return 0

    return sorted(found, key=cmp_to_key(compared))[:count]


def _values(placed: Placed) -> tuple[Any, ...]:
    return (*placed.position.values, placed.position.res_id)
