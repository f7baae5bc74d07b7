"""Conditional headers: https://hl7.org/fhir/R4/http.html#concurrency and https://hl7.org/fhir/R4/http.html#cread."""

import pytest

from service.errors import BadRequest, PreconditionFailed
from service.rest.precondition import http_date, is_current, must_be_new, required_version

MARCH = 1_773_482_400_123_000


@pytest.mark.parametrize(("header", "version"), [(None, None), ('W/"3"', 3), ('"3"', 3), (' W/"17" ', 17)])
def test_if_match_names_one_version(header: str | None, version: int | None) -> None:
    assert required_version(header) == version


@pytest.mark.parametrize("header", ["3", "W/3", 'W/"1", W/"2"', "*", 'W/"', "", "W/", 'W/"1";', '"' + "1" * 5000 + '"'])
def test_an_if_match_that_cannot_be_read_is_a_bad_request(header: str) -> None:
    with pytest.raises(BadRequest):
        required_version(header)


@pytest.mark.parametrize("header", ['W/"abc"', 'W/"99999999999999999999"', 'W/"0"', 'W/"-1"', 'W/"٣"', 'W/"1.0"'])
def test_a_tag_that_no_version_bears_fails_the_precondition(header: str) -> None:
    with pytest.raises(PreconditionFailed):
        required_version(header)


def test_if_none_match_on_an_update_understands_the_star_only() -> None:
    assert must_be_new("*")
    assert not must_be_new(None)
    with pytest.raises(BadRequest):
        must_be_new('W/"1"')


def test_if_none_match_outranks_if_modified_since() -> None:
    later = http_date(MARCH + 3_600_000_000)
    assert is_current(3, MARCH, 'W/"2", W/"3"', None)
    assert is_current(3, MARCH, "*", None)
    assert not is_current(3, MARCH, 'W/"2"', later)
    assert is_current(3, MARCH, None, later)


def test_if_modified_since_compares_whole_seconds() -> None:
    assert is_current(1, MARCH, None, http_date(MARCH))
    assert not is_current(1, MARCH, None, http_date(MARCH - 1_000_000))
    assert not is_current(1, MARCH, None, None)


@pytest.mark.parametrize("header", ["yesterday", "Sat, 99 Mar 2026 10:00:00 GMT", "2026-03-14", "\x00"])
def test_a_date_that_cannot_be_read_is_as_if_it_were_not_there(header: str) -> None:
    assert not is_current(1, MARCH, None, header)


@pytest.mark.parametrize("header", ["1", "", 'W/"1', 'W/"1" W/"2"', 'W/"1",', "\x00"])
def test_a_tag_that_cannot_be_read_matches_nothing(header: str) -> None:
    assert not is_current(1, MARCH, header, http_date(MARCH))
