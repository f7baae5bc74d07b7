"""When something is due that must be done within one business day, in the clinic's time zone.

A registrant tells the DEA of a theft or a significant loss within one business day of its discovery (21 CFR 1301.76(b)). Days are
counted as days, not as hours: that of the discovery does not count, nor do Saturdays, Sundays and the clinic's holidays, and the day
that counts ends when it ends. What is found at 09:00 on a Friday, or at any hour of the weekend, is due by the end of Monday. The law
names no list of holidays: the clinic sets HOLIDAYS, and without it only weekends are skipped, which makes things due sooner, never later.
"""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta, tzinfo

from service.fhir import temporal

_SATURDAY = 5
_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def calendar(text: str) -> frozenset[date]:
    """The dates of the setting HOLIDAYS, as in `2026-11-26, 2026-12-25`. Raises ValueError for what is no date."""
    return frozenset(date.fromisoformat(one) for one in filter(None, map(str.strip, text.split(","))))


def following(day: date, holidays: Collection[date] = frozenset()) -> date:
    """The first business day after `day`."""
    day += _DAY
    while day.weekday() >= _SATURDAY or day in holidays:
        day += _DAY
    return day


def due(instant: int, zone: tzinfo, holidays: Collection[date] = frozenset()) -> int:
    """The last second of the business day after `instant`, both in microseconds since the epoch."""
    found = (_EPOCH + timedelta(microseconds=instant)).astimezone(zone).date()
    last = temporal.interval(following(found, holidays).isoformat(), zone).hi
    return last - last % temporal.SECOND
