"""What is due within one business day: weekends, holidays, the clinic's zone and its changes of the clock."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from service.fhir import temporal
from service.ledger import business_days

LOS_ANGELES = ZoneInfo("America/Los_Angeles")


@pytest.mark.parametrize(
    ("found", "holidays", "last"),
    [
        pytest.param("2026-11-17T10:56:00-08:00", "", "2026-11-18T23:59:59-08:00", id="tuesday"),
        pytest.param("2026-11-20T09:00:00-08:00", "", "2026-11-23T23:59:59-08:00", id="friday"),
        pytest.param("2026-11-21T23:59:59-08:00", "", "2026-11-23T23:59:59-08:00", id="saturday"),
        pytest.param("2026-11-22T00:00:00-08:00", "", "2026-11-23T23:59:59-08:00", id="sunday"),
        pytest.param("2026-11-25T12:00:00-08:00", "2026-11-26", "2026-11-27T23:59:59-08:00", id="before-a-holiday"),
        pytest.param("2026-11-25T12:00:00-08:00", "2026-11-26, 2026-11-27,", "2026-11-30T23:59:59-08:00", id="before-a-long-weekend"),
        pytest.param("2026-11-26T12:00:00-08:00", "2026-11-26", "2026-11-27T23:59:59-08:00", id="on-a-holiday"),
        pytest.param("2026-11-18T07:59:59Z", "", "2026-11-18T23:59:59-08:00", id="still-tuesday-in-the-clinic"),
        pytest.param("2026-11-18T08:00:00Z", "", "2026-11-19T23:59:59-08:00", id="wednesday-in-the-clinic"),
        pytest.param("2026-03-06T12:00:00-08:00", "", "2026-03-09T23:59:59-07:00", id="over-a-change-of-the-clock"),
        pytest.param("2026-12-31T12:00:00-08:00", "2027-01-01", "2027-01-04T23:59:59-08:00", id="over-the-new-year"),
    ],
)
def test_is_due_at_the_end_of_the_next_business_day(found: str, holidays: str, last: str) -> None:
    instant, expected = (temporal.interval(text, LOS_ANGELES).lo for text in (found, last))
    assert business_days.due(instant, LOS_ANGELES, business_days.calendar(holidays)) == expected


def test_the_setting_names_dates() -> None:
    assert business_days.calendar("") == frozenset()
    assert business_days.calendar("2026-11-26,2026-12-25") == {date(2026, 11, 26), date(2026, 12, 25)}
    with pytest.raises(ValueError, match="Thanksgiving"):
        business_days.calendar("Thanksgiving")
