"""Dates: intervals on both sides, compared at both ends.

A value of the record covers an interval [lo, hi]; so does the value asked for, by its precision. `eq` wants the
record inside what was asked, `ge` and `le` want it to reach into or beyond it, so that a Period that straddles an edge of
a window is found; `gt` and `lt` want a part beyond, `sa` and `eb` all of it. `ap` widens what was asked by a tenth of
its distance from now. https://hl7.org/fhir/R4/search.html#date

`span` sorts rows by the length of their interval: an interval of class n that reaches B began no earlier than B - LONGEST[n], so every
comparison is one bounded range of the index per class.
"""

from typing import Any

from service import clock
from service.fhir import temporal
from service.fhir.temporal import BEGINNING, DAY, END, Interval
from service.search.query import Moment
from service.search.types import escapes, prefixes
from service.search.types.protocol import Action, Condition, Json, Reading, Refused, Rows, SearchParameter, Source

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


def predicate(table: Any, value: Any, modifier: str | None, parameter: SearchParameter, reading: Reading) -> Condition:
    """The comparison at both ends, without regard to `span`."""
    lo, hi = bounds((value,))
    condition = table.lo <= hi if hi is not None else None
    if lo is not None:
        reaching = table.hi >= lo
        condition = reaching if condition is None else condition & reaching
    exact = _exact(table, value)
    if exact is None:
        return condition
    return exact if condition is None else condition & exact


def _exact(table: Any, value: Moment) -> Condition | None:
    """What `bounds` does not say already."""
    if value.prefix == "eq":
        return (table.lo >= value.lo) & (table.hi <= value.hi)
    if value.prefix == "ne":
        return (table.lo < value.lo) | (table.hi > value.hi)
    if value.prefix == "sa":
        return table.lo > value.hi
    return table.hi < value.lo if value.prefix == "eb" else None


def bounds(values: tuple[Moment, ...]) -> tuple[int | None, int | None]:
    """The window [first, last] that an interval must overlap to satisfy every one of `values`; None is no bound."""
    lows = [low for low, _ in map(_bound, values) if low is not None]
    highs = [high for _, high in map(_bound, values) if high is not None]
    return max(lows, default=None), min(highs, default=None)


def _bound(value: Moment) -> tuple[int | None, int | None]:
    if value.prefix == "ap":
        return approximately(value)
    return {
        "eq": (value.lo, value.hi),
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
