"""Dates and times as closed intervals of microseconds.

A FHIR date says no more than it says: `2026-03` is the whole of March, `2026-03-14T10:00:00Z` a whole second. Every value
becomes `Interval(lo, hi)`: the first and the last microsecond that it may mean, both inclusive, counted from
1970-01-01T00:00:00Z. A value without an offset is local time of the zone given (the clinic's); a day is as long as that zone made
it. An open end of a Period is BEGINNING or END. Fractions finer than a microsecond are cut; second 60 is the
second after 59. https://hl7.org/fhir/R4/datatypes.html#dateTime, https://hl7.org/fhir/R4/search.html#date
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any, NamedTuple

from service.fhir import units

BEGINNING = -(2**62)
END = 2**62
SECOND = 1_000_000
DAY = 86_400 * SECOND

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_LAST_DAY = date.max.toordinal()
_FORM = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?(Z|[+-]\d{2}:\d{2})?)?)?)?", re.ASCII)


class Interval(NamedTuple):
    """From the first to the last microsecond, both inclusive."""

    lo: int
    hi: int


def interval(text: str, zone: tzinfo) -> Interval:
    """What a date, dateTime or instant of any precision covers. Raises ValueError when `text` is none."""
    form = _FORM.fullmatch(text)
    if form is None:
        raise ValueError(f"{text!r} is no date")
    year, month, day, hour, minute, second, fraction, offset = form.groups()
    if hour is not None:
        return _moment(date(int(year), int(month), int(day)), (int(hour), int(minute), second, fraction), offset, zone)
    first = date(int(year), int(month or 1), int(day or 1))
    return Interval(_midnight(first.toordinal(), zone), _midnight(_following(first, month, day), zone) - 1)


def period(value: Mapping[str, Any], zone: tzinfo) -> Interval | None:
    """What a Period covers: from the beginning of its start to the end of its end. None when it has neither."""
    start, end = value.get("start"), value.get("end")
    if start is None and end is None:
        return None
    lo = interval(start, zone).lo if start is not None else BEGINNING
    hi = interval(end, zone).hi if end is not None else END
    return Interval(lo, max(lo, hi))


def timing(value: Mapping[str, Any], zone: tzinfo) -> Interval | None:
    """The outer limits of a Timing: its events and its `boundsPeriod`. None when it states neither.

    A length (`boundsDuration`, or the longest of `boundsRange`) counts from the first event; without one it says nothing about when.
    """
    events = [interval(event, zone) for event in value.get("event", ()) if event is not None]
    repeat = value.get("repeat", {})
    bounds = period(repeat.get("boundsPeriod", {}), zone)
    limits = [*events, bounds] if bounds else events
    if not limits:
        return None
    last = min(one.lo for one in events) + _length(repeat) - 1 if events else BEGINNING
    return Interval(min(one.lo for one in limits), min(max(last, *(one.hi for one in limits)), END))


def _length(repeat: Mapping[str, Any]) -> int:
    """The microseconds of a bound given as a length; 0 when there is none, or its unit is no time."""
    length = repeat.get("boundsDuration") or repeat.get("boundsRange", {}).get("high") or {}
    number, code = length.get("value"), length.get("code")
    if number is None or not code or length.get("system") != units.UCUM:
        return 0
    try:
        return int(units.convert(Decimal(number), code, "s") * SECOND)
    except (units.UnknownUnit, units.Incommensurable):
        return 0


def _moment(day: date, clock: tuple[int, int, str | None, str | None], offset: str | None, zone: tzinfo) -> Interval:
    hour, minute, second, fraction = clock
    seconds = int(second or 0)
    if hour > 23 or minute > 59 or seconds > 60:
        raise ValueError(f"{hour:02d}:{minute:02d}:{seconds:02d} is no time of day")
    local = ((day.toordinal() - _EPOCH_DAY) * 86_400 + hour * 3600 + minute * 60 + seconds) * SECOND
    shift = _stated(offset) if offset else _offset(datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone))
    if second is None:
        return Interval(local - shift, local - shift + 60 * SECOND - 1)
    digits = (fraction or "")[:6]
    lo = local - shift + int(digits.ljust(6, "0"))
    return Interval(lo, lo + int(10 ** (6 - len(digits))) - 1)


def _following(first: date, month: str | None, day: str | None) -> int:
    """The ordinal of the day after the year, month or day that begins at `first`."""
    if day is not None:
        return first.toordinal() + 1
    if month is not None and first.month < 12:
        return first.replace(month=first.month + 1).toordinal()
    return _LAST_DAY + 1 if first.year == 9999 else date(first.year + 1, 1, 1).toordinal()


def _midnight(ordinal: int, zone: tzinfo) -> int:
    """When the local day begins. The day after the last one of the calendar takes the offset of the last."""
    known = date.fromordinal(min(ordinal, _LAST_DAY))
    return (ordinal - _EPOCH_DAY) * DAY - _offset(datetime(known.year, known.month, known.day, tzinfo=zone))


def _offset(local: datetime) -> int:
    shift = local.utcoffset() or timedelta()
    return (shift.days * 86_400 + shift.seconds) * SECOND


def _stated(offset: str) -> int:
    if offset == "Z":
        return 0
    hours, minutes = int(offset[1:3]), int(offset[4:6])
    if hours > 14 or minutes > 59:
        raise ValueError(f"{offset} is no offset from UTC")
    return (hours * 60 + minutes) * 60 * SECOND * (-1 if offset[0] == "-" else 1)
