"""Hostile header fields: refused or ignored, never a 5xx, and never stored half-understood."""

import pytest

from tests.faults.hostile import TEXTS
from tests.faults.target import JSON, Target, require_refused, require_sane

# the database has little to do with it: PostgreSQL is asked nightly
pytestmark = pytest.mark.parametrize("_shared", ["sqlite", pytest.param("postgresql", marks=pytest.mark.nightly)], indirect=True)

PATIENT = {"resourceType": "Patient", "active": True}
HEADERS = (
    "Accept",
    "Prefer",
    "If-Match",
    "If-None-Match",
    "If-Modified-Since",
    "If-None-Exist",
    "Idempotency-Key",
    "Content-Type",
    "X-Request-Id",
    "Content-Encoding",
    "Host",
    "Range",
    "Cookie",
    "Authorization",
    "X-Forwarded-Host",
    "Forwarded",
    "X-HTTP-Method-Override",
    "Transfer-Encoding",
)


def _sendable(text: str) -> bytes:
    return text.replace("\r", "").replace("\n", "").replace("\x00", "").encode()


def _exchange(target: Target, method: str, path: str, name: str, value: bytes) -> bytes:
    body = b'{"resourceType":"Patient","id":"h"}' if method in ("PUT", "POST") else b""
    given = {
        b"Host": b"a",
        b"Connection": b"close",
        b"Content-Type": JSON.encode(),
        b"Content-Length": str(len(body)).encode(),
        **{field.encode(): content.encode() for field, content in target.live.headers.items()},
        name.encode(): value,
    }
    if name == "Transfer-Encoding":
        del given[b"Content-Length"]
    head = b"".join(header + b": " + content + b"\r\n" for header, content in given.items())
    return target.raw(f"{method} /fhir{path} HTTP/1.1\r\n".encode() + head + b"\r\n" + body)


@pytest.mark.parametrize("name", HEADERS)
def test_hostile_values(target: Target, name: str) -> None:
    for number, text in enumerate(TEXTS):
        if number % 4 == len(name) % 4:
            method, path = (("GET", "/Patient"), ("PUT", "/Patient/h"), ("POST", "/Patient"), ("DELETE", "/Patient/h"))[number // 4 % 4]
            answer = _exchange(target, method, path, name, _sendable(text))
            assert not answer.startswith(b"HTTP/1.1 5") or answer.startswith((b"HTTP/1.1 503", b"HTTP/1.1 501")), (name, text, answer[:300])


@pytest.mark.parametrize(
    "tag", ["x", "1", '"1', "W/1", 'W/"1', 'W/"1", W/"2"', '"1","2"', "W/*", "\xff", 'w/"1"', '""', '"' + "1" * 6_000 + '"']
)
def test_an_unreadable_if_match_guards_all_the_same(target: Target, tag: str) -> None:
    """Were it ignored, the change would go through that the client wanted to guard."""
    made = target.send("POST", "/Patient", PATIENT).json()
    where = f"/Patient/{made['id']}"
    require_refused(target.send("PUT", where, {**made, "active": False}, If_Match=tag), 400, 412)
    require_refused(target.send("DELETE", where, If_Match=tag), 400, 412)
    patch = [{"op": "replace", "path": "/active", "value": False}]
    require_refused(target.send("PATCH", where, patch, If_Match=tag, Content_Type="application/json-patch+json"), 400, 412)
    assert target.send("GET", where).json() == made


@pytest.mark.parametrize("tag", ['W/"0"', 'W/"2"', 'W/"01"', 'W/"1.0"', 'W/"-1"', 'W/"١"', 'W/"99999999999999999999"', 'W/"x"'])
def test_an_if_match_of_another_version_fails(target: Target, tag: str) -> None:
    made = target.send("POST", "/Patient", PATIENT).json()
    require_refused(
        target.send("PUT", f"/Patient/{made['id']}", {**made, "active": False}, If_Match=tag.encode().decode("latin-1")), 400, 412
    )


@pytest.mark.parametrize("key", ["k" * 256, "k" * 7_000, "ü", "a\tb"])
def test_an_idempotency_key_out_of_bounds_is_refused(target: Target, key: str) -> None:
    require_refused(target.send("POST", "/Patient", PATIENT, Idempotency_Key=key), 400)


@pytest.mark.parametrize("key", ["k" * 255, "'; DROP TABLE receipt; --", "%00", "../..", "key with spaces", '"quoted"'])
def test_an_idempotency_key_may_be_any_plain_text(target: Target, key: str) -> None:
    first, again = (target.send("POST", "/Patient", PATIENT, Idempotency_Key=key) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert (first.headers["Location"], first.content) == (again.headers["Location"], again.content)
    require_refused(target.send("POST", "/Patient", {**PATIENT, "active": False}, Idempotency_Key=key), 422)


def test_a_header_field_of_10_kilobytes_is_refused(target: Target) -> None:
    for name in ("Idempotency-Key", "If-Match", "Prefer", "Accept"):
        answer = _exchange(target, "POST", "/Patient", name, b"x" * 10_000)
        assert answer.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 ", b"HTTP/1.1 406 ")), (name, answer[:200])


def test_a_thousand_header_fields_are_refused(target: Target) -> None:
    head = b"".join(b"X-%d: y\r\n" % number for number in range(1_000))
    assert target.raw(b"GET /fhir/Patient HTTP/1.1\r\nHost: a\r\n" + head + b"\r\n").startswith(b"HTTP/1.1 4")


@pytest.mark.parametrize(
    "prefer",
    [
        "return",
        "return=",
        "return=x",
        "return=minimal,return=representation",
        "handling=",
        "handling=x",
        ";;;",
        "=",
        "return=minimal;" * 500,
        "respond-async",
        'return="minimal"',
    ],
)
def test_preferences_that_make_no_sense_do_no_harm(target: Target, prefer: str) -> None:
    assert target.send("POST", "/Patient", PATIENT, Prefer=prefer).status_code in (201, 400)


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*",
        "*/*;q=x",
        "*/*;q=9",
        "application/fhir+json;q=0",
        ",,,",
        ";",
        "a/b/c",
        "text/html;q=0.1,*/*;q=0",
        "application/*",
        "x" * 7_000,
        ",".join(["a/b"] * 1_500),
    ],
)
def test_accept_headers_that_make_no_sense(target: Target, accept: str) -> None:
    require_sane(target.send("GET", "/Patient", Accept=accept))


def test_links_do_not_follow_the_host(target: Target) -> None:
    made = target.send("POST", "/Patient", PATIENT, Host="evil.example", X_Forwarded_Host="evil.example", Forwarded="host=evil.example")
    assert made.headers["Location"].startswith(target.live.url)
    assert "evil.example" not in target.send("GET", "/Patient?_count=1", Host="evil.example").text


def test_a_header_cannot_be_split_by_what_is_sent(target: Target) -> None:
    answer = target.raw(
        b"GET /fhir/Patient/a%0d%0aX-Evil:%20y HTTP/1.1\r\nHost: a\r\nX-Request-Id: a%0d%0aX-Evil: y\r\nConnection: close\r\n\r\n"
    )
    assert b"\r\nX-Evil" not in answer.partition(b"\r\n\r\n")[0]
