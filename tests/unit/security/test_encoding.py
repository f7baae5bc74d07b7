"""A10 of the security tests, its foundations: base64url and JSON in one spelling only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.security.encoding import from_base64url, json_object, to_base64url


@given(st.binary(max_size=100))
def test_a10_bytes_come_back(raw: bytes) -> None:
    assert from_base64url(to_base64url(raw)) == raw


@given(st.text(st.sampled_from("AQgw-_+/= \nB"), max_size=12))
def test_a10_bytes_are_written_in_one_way_only(text: str) -> None:
    try:
        raw = from_base64url(text)
    except ValueError:
        return
    assert to_base64url(raw) == text


@pytest.mark.parametrize(
    "text", ["A", "AAAAA", "AB", "AAB", "AA==", "AA=", "=", "++++", "////", "AA AA", "AA\n", "AA.A", "\u017f\u017f", "\ud800A", "AA\x00A"]
)
def test_a10_what_is_not_base64url_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_base64url(text)


@pytest.mark.parametrize(
    "raw",
    [
        b"", b" ", b"[]", b"1", b"null", b'"a"', b"{", b"{}{}", b"{'a':1}", b'{"a":1,}', b'{"a":1,"a":1}', b'{"a":{"b":1,"b":2}}',
        b'{"a":NaN}', b'{"a":Infinity}', b'{"a":1e999999999}', b'{"a":' + b"1" * 21 + b"}", b'{"a":"\\ud800"}', b'{"a":"\\u0000"}',
        b'{"a":"\xff"}', b"\xef\xbb\xbf{}", '{"a":1}'.encode("utf-16"), b'{"a":[[[[]]]]}', b'{"a":01}', b'{"a":.5}',
    ],
)  # fmt: skip
def test_a10_what_is_not_strict_json_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        json_object(raw, 4)


def test_a10_strict_json_is_read() -> None:
    found = json_object(b' {"a": [[[1]]], "b": 1.0, "c": 1e2, "d": true, "e": -5, "f": "\\u00e9"} ', 4)
    assert found == {"a": [[[1]]], "b": 1, "c": 100, "d": True, "e": -5, "f": "\xe9"}
    assert {name for name, value in found.items() if type(value) is int} == {"e"}
