"""National Drug Codes with ten and with eleven digits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.terminology import ndc
from service.terminology.ndc import MalformedNdc


@pytest.mark.parametrize(
    ("text", "eleven", "ten"),
    [
        ("67457-001-10", "67457000110", ("67457-001-10",)),
        ("42023-113-10", "42023011310", ("42023-113-10",)),
        ("0143-9508-10", "00143950810", ("0143-9508-10",)),
        ("12345-6789-1", "12345678901", ("12345-6789-1",)),
        ("12345-6789-01", "12345678901", ("12345-6789-1",)),
        ("00406577123", "00406577123", ("0406-5771-23",)),
        ("01234056701", "01234056701", ("1234-0567-01", "01234-567-01", "01234-0567-1")),
        ("12345678912", "12345678912", ()),
    ],
)
def test_ten_and_eleven_digits(text: str, eleven: str, ten: tuple[str, ...]) -> None:
    found = ndc.read(text)
    assert (found.eleven, found.ten) == (eleven, ten)
    assert ndc.key(text) == eleven
    assert found.hyphenated.replace("-", "") == eleven


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("6745700110", "may be three codes"),
        ("67457-1-10", "is no NDC"),
        ("6745-001-10", "is no NDC"),
        ("674570-001-10", "is no NDC"),
        ("67457-0001-1O", "is no NDC"),
        ("\u0661\u0662345678901", "is no NDC"),
        ("", "is no NDC"),
    ],
)
def test_what_is_none_or_may_be_several(text: str, said: str) -> None:
    with pytest.raises(MalformedNdc, match=said):
        ndc.read(text)
    assert not ndc.is_code(text)
    assert ndc.key(text) == text


DIGITS = "0123456789"
FORMS = st.sampled_from([(4, 4, 2), (5, 3, 2), (5, 4, 1)]).flatmap(
    lambda lengths: st.tuples(*(st.text(DIGITS, min_size=length, max_size=length) for length in lengths)).map("-".join)
)


@given(FORMS)
def test_there_and_back(text: str) -> None:
    found = ndc.read(text)
    assert text in found.ten
    assert len(found.eleven) == 11
    assert {ndc.read(form) for form in (*found.ten, found.hyphenated, found.eleven)} == {found}
