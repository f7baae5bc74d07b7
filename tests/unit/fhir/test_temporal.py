"""Dates as intervals: precision, zones, daylight saving, the edges of the calendar."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.temporal import BEGINNING, DAY, END, SECOND, Interval, interval, period, timing
from service.fhir.units import UCUM

DENVER = ZoneInfo("America/Denver")
HOUR = 3600 * SECOND


def _at(*parts: int) -> int:
    return int((datetime(*parts, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("text", "lo", "length"),
    [
        ("2026", _at(2026, 1, 1, 7), 365 * DAY),
        ("2026-02", _at(2026, 2, 1, 7), 28 * DAY),
        ("2026-12", _at(2026, 12, 1, 7), 31 * DAY),
        ("2026-03-08", _at(2026, 3, 8, 7), 23 * HOUR),
        ("2026-11-01", _at(2026, 11, 1, 6), 25 * HOUR),
        ("2026-03-14T10:00", _at(2026, 3, 14, 16), 60 * SECOND),
        ("2026-03-14T10:00:00", _at(2026, 3, 14, 16), SECOND),
        ("2026-03-14T10:00:00Z", _at(2026, 3, 14, 10), SECOND),
        ("2026-03-14T10:00:00.5Z", _at(2026, 3, 14, 10) + 500_000, 100_000),
        ("2026-03-14T10:00:00.123+14:00", _at(2026, 3, 13, 20) + 123_000, 1000),
        ("2026-03-14T10:00:00.123456789Z", _at(2026, 3, 14, 10) + 123_456, 1),
        ("2016-12-31T23:59:60Z", _at(2017, 1, 1), SECOND),
        ("0001-01-01T00:00:00+14:00", _at(1, 1, 1) - 14 * HOUR, SECOND),
        ("9999-12-31T23:59:59.999-12:00", _at(9999, 12, 31, 23, 59, 59) + 12 * HOUR + 999_000, 1000),
    ],
)
def test_a_date_covers_what_its_precision_leaves_open(text: str, lo: int, length: int) -> None:
    assert interval(text, DENVER) == Interval(lo, lo + length - 1)


@pytest.mark.parametrize("text", ["0001", "0001-01", "0001-01-01", "9999", "9999-12", "9999-12-31"])
@pytest.mark.parametrize("zone", ["UTC", "America/Denver", "Pacific/Kiritimati", "Asia/Kolkata"])
def test_the_edges_of_the_calendar_have_a_length(text: str, zone: str) -> None:
    lo, hi = interval(text, ZoneInfo(zone))
    assert BEGINNING < lo < hi < END


@pytest.mark.parametrize(
    "text",
    [
        "",
        "26",
        "2026-13",
        "2026-02-30",
        "2026-1-1",
        "2026-03-14T25:00:00Z",
        "2026-03-14T10:60Z",
        "2026-03-14T10",
        "0000",
        "2026-03-14T10:00:00+15:00",
        "٢٠٢٦",
    ],
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        interval(text, DENVER)


def test_a_day_without_midnight_begins_when_it_begins() -> None:
    santiago = ZoneInfo("America/Santiago")
    before, day = interval("2026-09-05", santiago), interval("2026-09-06", santiago)
    assert before.hi + 1 == day.lo
    assert day.hi - day.lo + 1 == 23 * HOUR


def test_open_periods_have_no_end() -> None:
    assert period({"start": "2026-03-14"}, DENVER) == Interval(interval("2026-03-14", DENVER).lo, END)
    assert period({"end": "2026-03-14"}, DENVER) == Interval(BEGINNING, interval("2026-03-14", DENVER).hi)
    assert period({}, DENVER) is None


def test_a_timing_is_its_outer_limits() -> None:
    assert timing({"event": ["2026-03-14", "2026-03-10"]}, DENVER) == Interval(
        interval("2026-03-10", DENVER).lo, interval("2026-03-14", DENVER).hi
    )
    assert timing({"repeat": {"frequency": 2}}, DENVER) is None


@pytest.mark.parametrize(
    ("repeat", "length"),
    [
        ({"boundsDuration": {"value": 2, "system": UCUM, "code": "wk"}}, 14 * DAY),
        ({"boundsRange": {"high": {"value": 36, "system": UCUM, "code": "h"}}}, 36 * HOUR),
        ({"boundsDuration": {"value": 2, "system": UCUM, "code": "mg"}}, DAY),
        ({"boundsDuration": {"value": 2, "unit": "weeks"}}, DAY),
        ({"boundsDuration": {"value": 1, "system": UCUM, "code": "s"}}, DAY),
    ],
)
def test_a_timing_of_some_length_counts_from_its_first_event(repeat: dict[str, Any], length: int) -> None:
    lo = interval("2026-05-10", DENVER).lo
    assert timing({"event": ["2026-05-10"], "repeat": repeat}, DENVER) == Interval(lo, lo + length - 1)
    assert timing({"repeat": repeat}, DENVER) is None


zones = st.sampled_from(["UTC", "America/New_York", "Europe/Dublin", "Australia/Lord_Howe", "Asia/Kathmandu"]).map(ZoneInfo)
moments = st.datetimes(datetime(1850, 1, 1), datetime(2150, 1, 1))  # noqa: DTZ001 - local times are meant


@given(moments, zones)
def test_a_finer_date_lies_within_a_coarser_one(moment: datetime, zone: ZoneInfo) -> None:
    text = moment.isoformat(timespec="microseconds")
    nested = [interval(text[:length], zone) for length in (26, 23, 19, 16)] if moment.fold == 0 else []
    days = [interval(text[:length], zone) for length in (10, 7, 4)]
    for levels in (nested, days):
        for inner, outer in pairwise(levels):
            assert outer.lo <= inner.lo <= inner.hi <= outer.hi


@given(moments, zones)
def test_days_follow_each_other_without_gap_or_overlap(moment: datetime, zone: ZoneInfo) -> None:
    following = moment + timedelta(days=1)
    assert interval(f"{moment:%Y-%m-%d}", zone).hi + 1 == interval(f"{following:%Y-%m-%d}", zone).lo


@given(moments, st.integers(-14 * 60, 14 * 60))
def test_an_offset_says_which_instant_is_meant(moment: datetime, minutes: int) -> None:
    aware = moment.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    assert interval(aware.isoformat(), DENVER).lo == int(aware.timestamp()) * SECOND
