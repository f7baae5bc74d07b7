"""Connections that break the rules: cut short, stalled, mis-measured, and two hundred at once."""

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from service.server import SILENCE_SECONDS
from tests.faults.target import JSON, Target, answer, require_refused

# the database has little to do with it: PostgreSQL is asked nightly
pytestmark = pytest.mark.parametrize("_shared", ["sqlite", pytest.param("postgresql", marks=pytest.mark.nightly)], indirect=True)

BODY = b'{"resourceType":"Patient","active":true}'


def _head(target: Target, *fields: str, path: str = "/Patient", method: str = "POST") -> bytes:
    lines = [f"{method} /fhir{path} HTTP/1.1", "Host: a", f"Content-Type: {JSON}", *target.fields, *fields, "", ""]
    return "\r\n".join(lines).encode()


def _status(received: bytes) -> int:
    return int(received.split(b" ", 2)[1]) if received else 0


@pytest.mark.parametrize("path", ["/Patient", "/"])
def test_a_body_that_ends_early_writes_nothing(target: Target, path: str) -> None:
    """Even where what came is a complete resource by itself."""
    before = target.send("GET", "/Patient?_summary=count").json()["total"]
    for sent in (b"", b"{", BODY[:-1], BODY):
        received = target.raw(_head(target, f"Content-Length: {len(BODY) + 10}", path=path) + sent)
        assert _status(received) in (0, 400), received[:200]
    assert target.send("GET", "/Patient?_summary=count").json()["total"] == before


@pytest.mark.parametrize("length", ["-1", "x", "1.5", "0x10", "+5", "", "9" * 30, "5, 6", "5\r\nContent-Length: 6", "٥"])
def test_a_wrong_content_length_is_refused(target: Target, length: str) -> None:
    assert 400 <= _status(target.raw(_head(target, f"Content-Length: {length}") + BODY)) < 500


def test_a_content_length_shorter_than_the_body_is_no_resource(target: Target) -> None:
    received = target.raw(_head(target, "Content-Length: 10", "Connection: close") + BODY)
    assert _status(received) == 400


def _chunked(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


def test_a_body_in_chunks_is_read(target: Target) -> None:
    received = target.raw(_head(target, "Transfer-Encoding: chunked") + _chunked(BODY[:7], BODY[7:]), finish=False)
    assert _status(received) == 201


def test_a_body_in_chunks_over_the_limit_is_refused(target: Target) -> None:
    with target.connect() as connection:
        connection.sendall(_head(target, "Transfer-Encoding: chunked"))
        try:
            for _ in range(40):
                connection.sendall(b"4000\r\n" + b" " * 0x4000 + b"\r\n")
            connection.sendall(b"0\r\n\r\n")
        except OSError:
            return
        assert _status(answer(connection)) in (0, 413)


@pytest.mark.parametrize(
    "rest",
    [
        b"",
        b"5\r\n",
        b"5\r\nab",
        b"zz\r\n",
        b"-5\r\n",
        b"ffffffffffffffffffffffff\r\n",
        b"5;" + b"x" * 20_000 + b"\r\n",
        b"5\r\nabcdeXX0\r\n\r\n",
    ],
)
def test_broken_chunks_are_refused(target: Target, rest: bytes) -> None:
    assert _status(target.raw(_head(target, "Transfer-Encoding: chunked") + rest)) in (0, 400, 413)


@pytest.mark.parametrize(
    "fields",
    [
        ("Transfer-Encoding: chunked", f"Content-Length: {len(BODY)}"),
        ("Transfer-Encoding: gzip, chunked",),
        ("Transfer-Encoding: identity, chunked",),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
    ],
)
def test_requests_that_two_servers_would_read_differently_are_refused(target: Target, fields: tuple[str, ...]) -> None:
    received = target.raw(_head(target, *fields) + _chunked(BODY) + b"GET /fhir/metadata HTTP/1.1\r\nHost: a\r\n\r\n")
    assert received.count(b"HTTP/1.1 ") <= 2
    assert _status(received) in (0, 201, 400, 501)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\r\n\r\n",
        b"\x00" * 1000,
        b"\x16\x03\x01\x02\x00\x01",
        b"GET",
        b"GET /fhir/metadata\r\n\r\n",
        b"GET /fhir/metadata HTTP/9.9\r\n\r\n",
        b"GET  /fhir HTTP/1.1\r\n\r\n",
        b"G\x00T / HTTP/1.1\r\n\r\n",
        b"GET /" + b"a" * 10_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost a\r\n\r\n",
        b"GET / HTTP/1.1\r\n: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused(target: Target, content: bytes) -> None:
    assert _status(target.raw(content)) in (0, 400, 404, 414, 431, 505, 200)


def test_clients_that_hang_up_do_no_harm(target: Target) -> None:
    for number in range(50):
        with target.connect() as connection:
            connection.sendall((_head(target, f"Content-Length: {len(BODY)}") + BODY)[: 20 + number * 5])


@pytest.mark.nightly
def test_clients_that_stall_hold_no_thread_for_long(target: Target) -> None:
    """More of them than there are threads, each in the middle of its head or body: the next client is still served."""
    stalled = [target.connect() for _ in range(10)]
    for number, connection in enumerate(stalled):
        connection.sendall(_head(target, "Content-Length: 100")[: 30 if number % 2 else None] + (b"" if number % 2 else b"{"))
    served = requests.get(f"{target.live.url}/metadata", timeout=SILENCE_SECONDS * 12)
    for connection in stalled:
        connection.close()
    assert served.status_code == 200


def test_a_body_that_comes_in_pieces_is_read(target: Target) -> None:
    with target.connect() as connection:
        for piece in (_head(target, f"Content-Length: {len(BODY)}"), BODY[:5], BODY[5:20], BODY[20:]):
            connection.sendall(piece)
            threading.Event().wait(0.05)
        assert _status(answer(connection)) == 201


def test_two_hundred_connections_at_once(target: Target) -> None:
    """Each sends a transaction and reads it back. An overloaded service may say 503 with Retry-After; then nothing was written."""
    start = threading.Barrier(200)

    def work(number: int) -> tuple[int, bool]:
        ids = [f"c{number}-{place}-{id(start)}" for place in range(3)]
        entries = [
            {"resource": {"resourceType": "Patient", "id": one}, "request": {"method": "PUT", "url": f"Patient/{one}"}} for one in ids
        ]
        body = json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries})
        with target.live.session() as session:
            start.wait(60)
            sent = session.post(f"{target.live.url}/", data=body, headers={"Content-Type": JSON}, timeout=120)
            if sent.status_code != 200:
                require_refused(sent, 503)
                assert int(sent.headers["Retry-After"]) > 0
            there = [session.get(f"{target.live.url}/Patient/{one}", timeout=120).status_code == 200 for one in ids]
        return sent.status_code, there == [sent.status_code == 200] * 3

    with ThreadPoolExecutor(200) as pool:
        results = list(pool.map(work, range(200)))
    assert all(whole for _, whole in results)
    assert Counter(status for status, _ in results)[200] > 100
