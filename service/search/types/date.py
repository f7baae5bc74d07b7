"""Dates: intervals on both sides, compared at both ends.

A value of the record covers an interval [lo, hi]; so does the value asked for, by its precision. `eq` wants the
record inside what was asked, `ge` and `le` want it to reach into or beyond it, so that a Period that straddles an edge of
a window is found; `gt` and `lt` want a part beyond, `sa` and `eb` all of it. `ap` widens what was asked by a tenth of
its distance from now. Only `_filter` knows `po`, which wants any part of it, and `co`, which wants all of it inside the record. https://hl7.org/fhir/R4/search.html#date

`span` sorts rows by the length of their interval: an interval of class n that reaches B began no earlier than B - LONGEST[n], so every
comparison is one bounded range of the index per class.
"""

import operator
from collections.abc import Sequence
from functools import reduce
from typing import Any

from service import clock
from service.fhir import temporal
from service.fhir.temporal import BEGINNING, DAY, END, Interval
from service.search.query import Moment
from service.search.types import escapes, prefixes
from service.search.types.protocol import Action, Asked, Condition, Json, Reading, Refused, Rows, SearchParameter, Source

TABLE = "date"
MODIFIERS: frozenset[str] = frozenset()
PREFIXES = prefixes.ALL
LONGEST = (2 * DAY, 32 * DAY, 367 * DAY, 4000 * DAY, 2 * END)
"""The longest interval of each class of `span`."""

_READERS: dict[str, Any] = {
    "date": temporal.interval,
    "dateTime": temporal.interval,
    "instant": temporal.interval,
    "Period": temporal.period,
    "Timing": temporal.timing,
}
READS = frozenset(_READERS)


def span(lo: int, hi: int) -> int:
    """The class of length of an interval."""
    length = hi - lo
    return next(number for number, longest in enumerate(LONGEST) if length <= longest)


def parse(text: str, modifier: str | None, parameter: SearchParameter, reading: Reading) -> Moment:
    """A prefix and a date of any precision. A space stands for the `+` that a form encoding makes of it."""
    prefix, moment = prefixes.split(escapes.unescaped(text))
    moment = moment.replace(" ", "+")
    try:
        lo, hi = temporal.interval(moment, reading.zone)
    except ValueError:
        raise Refused(f"{moment[:40]!r} is no date; write 2026, 2026-03, 2026-03-14 or 2026-03-14T10:00:00Z") from None
    return Moment(prefix, moment, lo, hi)


def write(value: Any) -> str:
    """The prefix, unless it is `eq`, and the date as it was written."""
    return f"{'' if value.prefix == 'eq' else value.prefix}{value.text}"


def extractor(source: Source) -> Action:
    """The interval of a date, a Period or the outer limits of a Timing."""
    key, zone = source.key, source.zone
    reader: Any = _READERS[source.element]

    def add(value: Json, rows: Rows) -> None:
        try:
            covered = reader(value, zone)
        except ValueError:
            return
        if covered:
            rows.date.add((key, span(*covered), *covered))

    return add


def predicate(table: Any, asked: Asked) -> Condition:
    """The comparison at both ends, without regard to `span`."""
    prefix = asked.value.prefix
    first, last = _has_bounds(prefix)
    tests = []
    if last:
        tests.append(table.lo <= asked.bind(lambda value: _bound(value)[1]))
    if first:
        tests.append(table.hi >= asked.bind(lambda value: _bound(value)[0]))
    if prefix == "eq":
        tests = [table.lo >= asked.bind(_lo), table.hi <= asked.bind(_hi)]
    if prefix == "ne":
        tests = [(table.lo < asked.bind(_lo)) | (table.hi > asked.bind(_hi))]
    if prefix == "sa":
        tests.append(table.lo > asked.bind(_hi))
    if prefix == "eb":
        tests.append(table.hi < asked.bind(_lo))
    return reduce(operator.and_, tests)


def _lo(value: Moment) -> int:
    return value.lo


def _hi(value: Moment) -> int:
    return value.hi


def _has_bounds(prefix: str) -> tuple[bool, bool]:
    """Whether `_bound` says anything about the first and the last instant."""
    return prefix in ("eq", "ap", "po", "co", "gt", "ge", "sa"), prefix in ("eq", "ap", "po", "co", "lt", "le", "eb")


def bounds(values: Sequence[Moment]) -> tuple[int | None, int | None]:
    """The window [first, last] that an interval must overlap to satisfy every one of `values`; None is no bound."""
    lows = [low for low, _ in map(_bound, values) if low is not None]
    highs = [high for _, high in map(_bound, values) if high is not None]
    return max(lows, default=None), min(highs, default=None)


def _bound(value: Moment) -> tuple[int | None, int | None]:
    if value.prefix == "ap":
        return approximately(value)
    return {
        "eq": (value.lo, value.hi),
        "po": (value.lo, value.hi),
        "co": (value.hi, value.lo),
        "ne": (None, None),
        "gt": (value.hi + 1, None),
        "ge": (value.lo, None),
        "sa": (value.hi + 1, None),
        "lt": (None, value.lo - 1),
        "le": (None, value.hi),
        "eb": (None, value.lo - 1),
    }[value.prefix]


def approximately(value: Moment) -> Interval:
    """What was asked, widened by a tenth of its distance from now."""
    now = clock.now()
    distance = max(value.lo - now, now - value.hi, 0) // 10
    return Interval(max(value.lo - distance, BEGINNING), min(value.hi + distance, END))
