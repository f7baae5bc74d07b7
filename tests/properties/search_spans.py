"""Spans of time and of numbers, and what the nine prefixes mean on them. By hand: half-open datetimes, fractions with open ends.

https://hl7.org/fhir/R4/search.html#prefix
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("America/New_York")
FIRST, LAST = datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 29, tzinfo=UTC)

Json = Any
Range = tuple[datetime, datetime]


def moment(text: str) -> Range:
    """The half-open range that a partial date covers."""
    if "T" in text:
        day, _, clock = text.partition("T")
        stated = clock.endswith("Z") or "+" in clock or "-" in clock
        bare = clock.removesuffix("Z").split("+")[0].split("-")[0]
        width = timedelta(minutes=1) if bare.count(":") == 1 else timedelta(seconds=1)
        if "." in bare:
            width = timedelta(milliseconds=1)
        start = datetime.fromisoformat(f"{day}T{bare}{clock[len(bare) :].replace('Z', '+00:00')}")
        start = (start if stated else start.replace(tzinfo=ZONE)).astimezone(UTC)
        return start, start + width
    numbers = [int(part) for part in text.split("-")]
    year, month, day = (*numbers, 1, 1)[:3]
    following = {1: (year + 1, 1, 1), 2: (year + month // 12, month % 12 + 1, 1)}.get(len(numbers))
    start = datetime(year, month, day, tzinfo=ZONE)
    end = datetime(*following, tzinfo=ZONE) if following else start + timedelta(days=1)
    return start.astimezone(UTC), end.astimezone(UTC)


def period(value: Json) -> Range:
    """A Period; what it leaves open has no end."""
    return (moment(value["start"])[0] if "start" in value else FIRST, moment(value["end"])[1] if "end" in value else LAST)


def when(value: Json) -> Range | None:
    """A date, a Period, or the outer limits of a Timing; None for a Timing that states none."""
    if isinstance(value, str):
        return moment(value)
    if "event" not in value and "repeat" not in value:
        return period(value)
    parts = [moment(one) for one in value.get("event", ())]
    if "boundsPeriod" in value.get("repeat", {}):
        parts.append(period(value["repeat"]["boundsPeriod"]))
    return (min(start for start, _ in parts), max(end for _, end in parts)) if parts else None


def by_date(found: Range, prefix: str, text: str) -> bool:
    """The prefixes on half-open ranges, and `po`, which is overlap."""
    (start, end), (first, after) = found, moment(text)
    inside = first <= start and end <= after
    if prefix == "ap":
        now = datetime.now(UTC)
        widened = max(first - now, now - after, timedelta()) / 10
        return start < after + widened and end > first - widened
    return {
        "eq": inside,
        "ne": not inside,
        "gt": end > after,
        "lt": start < first,
        "ge": end > first,
        "le": start < after,
        "sa": start >= after,
        "eb": end <= first,
        "po": start < after and end > first,
    }[prefix]


@dataclass(frozen=True)
class Span:
    """Numbers from `low` to `high`; None has no end; an open end is not part of it."""

    low: Fraction | None
    high: Fraction | None
    open_low: bool = False
    open_high: bool = False


def span(number: Fraction, comparator: str | None = None) -> Span:
    """One number, or the half-line that a comparator makes of it."""
    return {
        None: Span(number, number),
        "<": Span(None, number, open_high=True),
        "<=": Span(None, number),
        ">": Span(number, None, open_low=True),
        ">=": Span(number, None),
    }[comparator]


@dataclass(frozen=True)
class Near:
    """What a number was asked for as: exactly, `half` a unit of its last digit to either side, or a tenth of it (or half, if more)."""

    at: Fraction
    low: Fraction
    high: Fraction
    tenth_low: Fraction
    tenth_high: Fraction


def near(text: str) -> Near:
    """The number in `text`; its precision is the last digit that was written, or a digit finer where that is above the ones (`1e2`)."""
    digits, _, power = text.lower().partition("e")
    exponent = int(power or 0) - len(digits.partition(".")[2])
    at, half = Fraction(text), Fraction(10) ** (exponent - 1 if exponent > 0 else exponent) / 2
    widest = max(half, abs(at) / 10)
    return Near(at, at - half, at + half, at - widest, at + widest)


def by_number(found: Span, prefix: str, asked: Near) -> bool:
    """`eq` and `ne` at the precision asked for (its upper end excluded), `ap` by a tenth, all else exactly."""
    low, high = found.low, found.high
    begins_at = low is not None and low >= asked.low
    ends_before = high is not None and (high < asked.high or (high == asked.high and found.open_high))
    reaches = high is None or high > asked.at or (high == asked.at and not found.open_high)
    starts = low is None or low < asked.at or (low == asked.at and not found.open_low)
    return {
        "eq": begins_at and ends_before,
        "ne": not (begins_at and ends_before),
        "gt": high is None or high > asked.at,
        "lt": low is None or low < asked.at,
        "ge": reaches,
        "le": starts,
        "sa": not starts,
        "eb": not reaches,
        "ap": (high is None or high > asked.tenth_low or (high == asked.tenth_low and not found.open_high))
        and (low is None or low < asked.tenth_high or (low == asked.tenth_high and not found.open_low)),
    }[prefix]
