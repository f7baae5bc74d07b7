"""Which of two partial dates is later, as far as that is certain."""

from calendar import monthrange
from datetime import UTC, datetime, timedelta

_WIDEST_OFFSET = timedelta(hours=14)


def certainly_after(first: object, second: object) -> bool:
    """Whether every moment that `first` may mean is after every moment that `second` may mean.

    False for what is missing or malformed. Two dates without a time are in the same, unknown, time zone; a date compared
    with a moment may be in any.
    """
    if not isinstance(first, str) or not isinstance(second, str) or first == second:
        return False
    if "T" not in first and "T" not in second:
        shared = min(len(first), len(second))
        return first[:shared] > second[:shared]
    try:
        return _bounds(first)[0] > _bounds(second)[1]
    except (ValueError, OverflowError):
        return False


def _bounds(text: str) -> tuple[datetime, datetime]:
    if "T" in text:
        moment = datetime.fromisoformat(text).astimezone(UTC)
        return moment, moment
    year, month, day = int(text[:4]), int(text[5:7] or 1), int(text[8:10] or 1)
    last_month = int(text[5:7] or 12)
    last_day = int(text[8:10] or monthrange(year, last_month)[1])
    low = datetime(year, month, day, tzinfo=UTC)
    high = datetime(year, last_month, last_day, 23, 59, 59, 999999, tzinfo=UTC)
    return low - _WIDEST_OFFSET, high + _WIDEST_OFFSET
