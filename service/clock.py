"""The time, read in one place so that tests can fix it.

Instants travel through the service as integer microseconds since 1970-01-01T00:00:00Z: they compare, sort and store
without loss. `meta.lastUpdated` is written with milliseconds (https://hl7.org/fhir/R4/resource.html#Meta).
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], int]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now() -> int:
    """The present instant in microseconds since the epoch."""
    return time.time_ns() // 1000


def monotonic() -> float:
    """Seconds of a clock that never steps back, for measuring how long something took."""
    return time.monotonic()


def fixed(instant: int) -> Clock:
    """A clock that always shows `instant` (microseconds since the epoch)."""
    return lambda: instant


def to_datetime(instant: int) -> datetime:
    """`instant` (microseconds since the epoch) as an aware datetime in UTC."""
    return _EPOCH + timedelta(microseconds=instant)


def to_text(instant: int) -> str:
    """`instant` as a FHIR instant in UTC: three decimals, more only where the value has more.

    The pull horizon lies between two milliseconds and needs the fourth decimal; every `meta.lastUpdated` has three.
    """
    moment = to_datetime(instant)
    micros = f"{moment.microsecond:06d}"
    digits = micros[:3] if micros.endswith("000") else micros.rstrip("0")
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{digits}Z"
