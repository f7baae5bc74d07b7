"""What is typed is read exactly or refused beside its field: amounts, volumes, moments of a wall clock, dates."""

import re
from zoneinfo import ZoneInfo

import pytest

from service.errors import BadRequest
from service.records.entering.typed import RULE, Typed

LOS_ANGELES = ZoneInfo("America/Los_Angeles")
NOW = 1_773_500_000_000_000


def read(now: int = NOW, **fields: str) -> Typed:
    return Typed(fields, LOS_ANGELES, now)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("17.8", 17_800),
        ("50", 50_000),
        ("0.001", 1),
        (" 36.4 ", 36_400),
        ("1.100000000", 1_100),
        ("999999.999", 999_999_999),
        ("007", 7_000),
    ],
)
def test_an_amount_is_whole_micrograms(text: str, amount: int) -> None:
    typed = read(amount=text)
    assert typed.amount("amount") == amount
    assert typed.wrong == {}


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "NaN", "nan", "Infinity", "1e400", "1E2", "-1", "+1", "0", "0.000", "1,5", "1.", ".5", "1.2.3", "1_000", "0x10"),
        *("17.8 mg", "ten", "٣", "１", "1000000", "1" * 400, "0.0001", "1.2345", "1\u00a02", "½", "1;DROP", "\x00"),
    ],
    ids=lambda text: repr(text)[:24],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    typed = read(amount=text)
    typed.amount("amount")
    assert typed.wrong.keys() == {"amount"}
    with pytest.raises(BadRequest) as refused:
        typed.require()
    assert [(issue.rule, issue.expression) for issue in refused.value.issues] == [(RULE, "amount")]


def test_an_amount_that_is_not_there_is_refused() -> None:
    typed = read()
    typed.amount("amount")
    assert "number of mg" in typed.wrong["amount"]


def test_what_is_finer_than_a_microgram_is_named_so() -> None:
    typed = read(amount="0.0001", volume="0.0001")
    typed.amount("amount")
    typed.volume("volume")
    assert "finer than a microgram" in typed.wrong["amount"]
    assert "finer than a microlitre" in typed.wrong["volume"]


def test_a_count_may_be_nothing() -> None:
    typed = read(amount="0")
    assert typed.amount("amount", least_ug=0) == 0
    assert typed.wrong == {}


def test_a_volume_may_be_left_out() -> None:
    assert read(volume=" ").volume("volume") is None
    assert read(volume="0.644").volume("volume") == 644


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-17T10:56", "2026-11-17T10:56:00-08:00"),
        ("2026-07-01T10:56:30", "2026-07-01T10:56:30-07:00"),
        ("2024-02-29T00:00", "2024-02-29T00:00:00-08:00"),
    ],
)
def test_a_moment_gets_the_offset_of_its_day(text: str, moment: str) -> None:
    typed = read(when=text)
    assert typed.moment("when") == moment
    assert typed.wrong == {}


@pytest.mark.parametrize(
    "text",
    [
        *("", "2026-11-17", "2026-11-17 10:56", "2026-02-30T10:00", "2026-11-17T25:00", "2026-11-17T10:56Z", "2026-11-17T10:56:00-08:00"),
        *("1899-01-01T00:00", "9999-12-31T23:59", "20261117T1056", "2026-11-17T10:56:00.5", "now", "２026-11-17T10:56"),
    ],
    ids=repr,
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    typed = read(when=text)
    assert typed.moment("when") == ""
    assert typed.wrong.keys() == {"when"}


def test_an_hour_that_was_skipped_is_refused() -> None:
    typed = read(when="2026-03-08T02:30")
    assert typed.moment("when") == ""
    assert "clocks went forward" in typed.wrong["when"]


@pytest.mark.parametrize(
    ("now", "moment"),
    [
        (1_793_523_600_000_000, "2026-11-01T01:30:00-07:00"),
        (1_793_527_200_000_000, "2026-11-01T01:30:00-08:00"),
    ],
    ids=["in the first hour", "after the second"],
)
def test_an_hour_that_is_there_twice_is_the_later_unless_that_has_yet_to_come(now: int, moment: str) -> None:
    assert read(now, when="2026-11-01T01:30").moment("when") == moment


def test_a_date() -> None:
    assert read(expires="2027-08-31").day("expires") == "2027-08-31"
    for text in ("", "2027-02-30", "31.08.2027", "2027-08", "27-08-31"):
        typed = read(expires=text)
        assert typed.day("expires") == ""
        assert typed.wrong.keys() == {"expires"}


def test_words_have_a_length_and_one_space_between_them() -> None:
    assert read(invoice="  INV \n 1 ").words("invoice", "the invoice", 10) == "INV 1"
    for text in ("", " \n ", "x" * 11):
        typed = read(invoice=text)
        typed.words("invoice", "the invoice", 10)
        assert typed.wrong == {"invoice": "State the invoice, in 1 to 10 characters."}


def test_only_what_was_offered_is_chosen() -> None:
    typed = read(reason="spill", method="fire")
    assert typed.chosen("reason", {"spill": "Spill"}) == "spill"
    typed.chosen("method", {"box": "Box"})
    typed.matching("lot", re.compile("[A-Z]+"), "State the lot.")
    assert typed.wrong == {"method": "Choose one of the list.", "lot": "State the lot."}


def test_everything_wrong_is_told_at_once() -> None:
    typed = read(amount="x", when="y")
    typed.amount("amount")
    typed.moment("when")
    with pytest.raises(BadRequest) as refused:
        typed.require()
    assert {issue.expression for issue in refused.value.issues} == {"amount", "when"}
