"""A request that drips in is ended, however steadily, and its thread is free again."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
import requests

from tests.databases import Databases
from tests.server import Live, running

_PATIENCE = 60


@pytest.fixture(scope="module")
def live(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server with one thread, which gives requests a second to arrive."""
    with (
        databases.fresh("sqlite") as url,
        running(tmp_path_factory.mktemp("slow"), url, "--workers", "1", body_seconds=1, threads=1) as live,
    ):
        yield live


def _drip(live: Live, head: str, piece: bytes) -> bytes:
    """Send a piece again and again, until the server answers or hangs up; what it answered."""
    host, _, port = live.origin.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=0.1) as connection:
        connection.sendall(head.encode())
        answer, until = b"", time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            try:
                if not (got := connection.recv(65536)):
                    return answer
                answer += got
            except TimeoutError:
                with suppress(OSError):
                    connection.sendall(piece)
            except ConnectionResetError:
                return answer
    raise AssertionError("the server let it drip")


def _head(live: Live, framing: str) -> str:
    return (
        "POST /fhir/Patient HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/fhir+json\r\n"
        f"Authorization: Bearer {live.token}\r\n{framing}\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("framing", "piece"),
    [("Content-Length: 100000", b" "), ("Transfer-Encoding: chunked", b"1\r\n \r\n")],
    ids=["with a length", "chunked"],
)
def test_a_body_that_drips_in_is_answered_408(live: Live, framing: str, piece: bytes) -> None:
    head, _, body = _drip(live, _head(live, framing), piece).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert json.loads(body)["issue"][0]["code"] == "timeout"
    assert live.send("GET", "/metadata").status_code == 200


def test_a_head_that_drips_in_ends_the_connection(live: Live) -> None:
    assert _drip(live, "GET /fhir/metadata HTTP/1.1\r\nX-Long: ", b"a") == b""
    assert live.send("GET", "/metadata").status_code == 200


def test_a_form_that_drips_in_is_refused(live: Live) -> None:
    for path in ("/oauth/token", "/sign-in"):
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9000\r\n\r\n"
        assert _drip(live, head, b"a").startswith(b"HTTP/1.1 4")
        assert live.send("GET", "/metadata").status_code == 200


def test_each_request_of_a_connection_has_its_own_time(live: Live) -> None:
    with requests.Session() as session:
        for _ in range(4):
            assert session.get(f"{live.origin}/livez", timeout=_PATIENCE).status_code == 200
            time.sleep(0.4)
