"""S-12 of the security tests, the way out that works: a real HTTPS server, its limits, and what the environment may not change."""

import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import requests

from service.outbound.address import private_hosts
from service.outbound.client import Limits, Message, Outbound
from service.outbound.connection import Endpoint
from service.outbound.failure import Failed, Refused
from tests.unit.outbound.servers import NAME, OK, Answer, Canary, Server, at, saying, serving

LOOPBACK = private_hosts(f"{NAME}=127.0.0.0/8")
SHORT = Limits(body_bytes=1000, connect_seconds=2, read_seconds=2, total_seconds=1.2)


@pytest.fixture
def canary() -> Iterator[Canary]:
    """A listener that must see nobody."""
    bird = Canary()
    yield bird
    bird.close()


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """Where certificates are put."""
    return str(tmp_path)


def way_out(server: Server) -> Outbound:
    """The way out to `server` under its name."""
    return Outbound(LOOPBACK, server.authorities, lookup=at("127.0.0.1"))


def asked(server: Server, limits: Limits | None = None, message: Message | None = None) -> tuple[int, bytes]:
    """Status and body of what `server` answers."""
    reply = way_out(server).exchange(f"https://{NAME}:{server.port}/jwks?a=b", [f"{NAME}:{server.port}"], message, limits)
    return reply.status, reply.body


def reason(answer: Answer, folder: str, limits: Limits | None = None) -> str:
    """Why an exchange with a server that does `answer` fails."""
    with serving(answer, folder) as server, pytest.raises(Failed) as failure:
        asked(server, limits)
    assert len(server.seen) == 1
    return failure.value.reason


def test_s12_the_allowed_path_works(folder: str) -> None:
    with serving(saying(b"HTTP/1.1 201 Made\r\nX-Thing: a\r\nContent-Length: 5\r\n\r\nhello"), folder) as server:
        reply = way_out(server).exchange(f"https://{NAME}:{server.port}/jwks?a=b", [f"{NAME}:{server.port}"])
    assert (reply.status, reply.body, reply.headers["x-thing"]) == (201, b"hello", "a")
    head = server.seen[0].lower()
    assert head.startswith("get /jwks?a=b http/1.1")
    assert f"host: {NAME}:{server.port}" in head
    assert "accept-encoding: identity" in head


def test_s12_a_body_is_posted(folder: str) -> None:
    with serving(saying(OK), folder) as server:
        assert asked(server, message=Message("POST", {"Content-Type": "application/fhir+json"}, b"{}")) == (200, b"ok")
    assert server.seen[0].startswith("POST /jwks")
    assert "Content-Type: application/fhir+json" in server.seen[0]


def test_s12_a_chunked_body_is_read_whole(folder: str) -> None:
    body = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    with serving(saying(body), folder) as server:
        assert asked(server) == (200, b"abcde")


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_s12_redirects_are_not_followed(status: int, folder: str, canary: Canary) -> None:
    head = f"HTTP/1.1 {status} Elsewhere\r\nLocation: https://127.0.0.1:{canary.port}/\r\nContent-Length: 2\r\n\r\nok"
    assert reason(saying(head.encode()), folder) == "redirect"
    assert canary.visits() == 0


def test_s12_the_body_of_a_redirect_is_not_read_to_its_end(folder: str) -> None:
    assert reason(_endless(b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n"), folder) == "redirect"


def _endless(head: bytes) -> Answer:
    def answer(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(b"x" * 4096)

    return answer


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\n\r\n",
    ],
)
def test_s12_oversize_bodies_are_cut(head: bytes, folder: str) -> None:
    assert reason(_endless(head), folder, Limits(body_bytes=1000)) == "too-large"


def test_s12_a_body_of_the_largest_size_is_read(folder: str) -> None:
    with serving(saying(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 1000), folder) as server:
        assert asked(server, Limits(body_bytes=1000)) == (200, b"x" * 1000)


def test_s12_an_answer_without_change_is_no_redirect(folder: str) -> None:
    with serving(saying(b"HTTP/1.1 304 Not Modified\r\n\r\n"), folder) as server:
        assert asked(server) == (304, b"")


@pytest.mark.parametrize("status", [299, 400, 401, 500])
def test_s12_other_statuses_are_for_the_caller_to_judge(status: int, folder: str) -> None:
    with serving(saying(f"HTTP/1.1 {status} So\r\nContent-Length: 2\r\n\r\nok".encode()), folder) as server:
        assert asked(server) == (status, b"ok")


def test_s12_when_resolving_takes_all_the_time_nothing_is_sent(folder: str) -> None:
    ticks = iter([0.0, 5.0])
    with serving(saying(OK), folder) as server:
        way = Outbound(LOOPBACK, server.authorities, lookup=at("127.0.0.1"), tick=lambda: next(ticks))
        with pytest.raises(Failed) as failure:
            way.exchange(f"https://{NAME}:{server.port}/", [f"{NAME}:{server.port}"], limits=Limits(total_seconds=5))
    assert failure.value.reason == "too-slow"
    assert server.seen == []


def test_s12_compressed_bodies_are_refused(folder: str) -> None:
    assert reason(saying(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok"), folder) == "encoding"


def _dripping(start: bytes) -> Answer:
    def answer(connection: socket.socket) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(b"a")
            time.sleep(0.02)

    return answer


@pytest.mark.parametrize(
    "start",
    [b"", b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"],
    ids=["status", "header", "body", "body without length"],
)
def test_s12_slow_answers_are_cut(start: bytes, folder: str) -> None:
    generous = Limits(body_bytes=10**9, read_seconds=30, total_seconds=1.2)
    assert reason(_dripping(start), folder, generous) == "too-slow"


def test_s12_a_server_that_says_continue_forever_is_cut(folder: str) -> None:
    def answer(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            time.sleep(0.02)

    assert reason(answer, folder, SHORT) == "too-slow"


def test_s12_a_silent_server_is_cut_by_the_read_timeout(folder: str) -> None:
    assert reason(lambda _: time.sleep(1.0), folder, Limits(read_seconds=0.2, total_seconds=30)) == "too-slow"


def test_s12_a_silent_handshake_is_cut(canary: Canary) -> None:
    way = Outbound(LOOPBACK, lookup=at("127.0.0.1"))
    with pytest.raises(Failed) as failure:
        way.exchange(f"https://{NAME}:{canary.port}/", [f"{NAME}:{canary.port}"], limits=SHORT)
    assert failure.value.reason == "too-slow"


def test_s12_a_silent_resolver_is_cut() -> None:
    release = threading.Event()

    def never(host: str, port: int) -> Sequence[Endpoint]:
        release.wait(30)
        return []

    with pytest.raises(Failed) as failure:
        Outbound(lookup=never).exchange("https://slow.example/", ["slow.example"], limits=SHORT)
    release.set()
    assert failure.value.reason == "host-unknown"


def test_s12_a_broken_answer_is_a_failure(folder: str) -> None:
    assert reason(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort"), folder) == "connection"


def test_s12_nobody_listens(folder: str) -> None:
    with serving(saying(OK), folder) as server:
        pass
    with pytest.raises(Failed) as failure:
        asked(server)
    assert failure.value.reason == "connection"


def test_s12_the_certificate_must_be_trusted(folder: str) -> None:
    with serving(saying(OK), folder) as server, pytest.raises(Failed) as failure:
        Outbound(LOOPBACK, lookup=at("127.0.0.1")).exchange(f"https://{NAME}:{server.port}/", [f"{NAME}:{server.port}"])
    assert failure.value.reason == "not-trusted"
    assert server.seen == []


def test_s12_the_certificate_must_be_for_the_host(folder: str) -> None:
    with serving(saying(OK), folder, name="other.clinic.test") as server, pytest.raises(Failed) as failure:
        asked(server)
    assert failure.value.reason == "not-trusted"
    assert server.seen == []


def test_s12_a_name_that_changes_its_mind_is_resolved_once(folder: str, canary: Canary) -> None:
    answers = iter(["127.0.0.2", "127.0.0.1", "127.0.0.1"])
    given: list[str] = []

    def rebinding(host: str, port: int) -> Sequence[Endpoint]:
        given.append(next(answers))
        return [Endpoint(socket.AF_INET, (given[-1], port))]

    with serving(saying(OK), folder, address="127.0.0.2") as server:
        way = Outbound(private_hosts(f"{NAME}=127.0.0.2/32"), server.authorities, lookup=rebinding)
        url, hosts = f"https://{NAME}:{server.port}/", [f"{NAME}:{server.port}"]
        assert way.exchange(url, hosts).status == 200
        with pytest.raises(Refused) as refused:
            way.exchange(url, hosts)
    assert refused.value.reason == "address-forbidden"
    assert given == ["127.0.0.2", "127.0.0.1"]
    assert len(server.seen) == 1


def test_s12_the_next_address_is_tried_when_one_does_not_answer(folder: str) -> None:
    with serving(saying(OK), folder, address="127.0.0.3") as server:
        way = Outbound(LOOPBACK, server.authorities, lookup=at("127.0.0.2", "127.0.0.3"))
        assert way.exchange(f"https://{NAME}:{server.port}/", [f"{NAME}:{server.port}"]).status == 200


def test_s12_proxies_and_netrc_of_the_environment_are_not_used(
    folder: str, canary: Canary, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    proxy = f"http://127.0.0.1:{canary.port}"
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    netrc = tmp_path / ".netrc"
    netrc.write_text(f"machine {NAME} login secret password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", os.devnull)
    with serving(saying(OK), folder) as server:
        assert asked(server) == (200, b"ok")
    assert "authorization" not in server.seen[0].lower()
    assert "secret" not in server.seen[0]
    assert canary.visits() == 0
    with pytest.raises(requests.RequestException):
        requests.get(f"http://{NAME}/", timeout=0.2)
    assert canary.visits() == 1, "the environment of this test misleads nobody"


def test_s12_cookies_are_not_kept(folder: str) -> None:
    with serving(saying(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\nok"), folder) as server:
        asked(server)
        asked(server)
    assert len(server.seen) == 2
    assert "cookie" not in server.seen[1].lower()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Thing", "a\r\nHost: 127.0.0.1"),
        ("X-Thing", "a\nb"),
        ("X-Thing", "a\x00b"),
        ("X-Thing", " a"),
        ("X-Thing", "caf\xe9"),
        ("X-Thing\r\nHost", "a"),
        ("X Thing", "a"),
        ("", "a"),
        ("Host", "127.0.0.1"),
        ("host", "127.0.0.1"),
        ("Content-Length", "0"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "upgrade"),
        ("Proxy-Authorization", "Basic eA=="),
        ("Cookie", "a=b"),
    ],
)
def test_s12_headers_cannot_change_the_request(name: str, value: str, folder: str) -> None:
    with serving(saying(OK), folder) as server, pytest.raises(Refused) as refused:
        asked(server, message=Message(headers={name: value}))
    assert refused.value.reason == "header"
    assert server.seen == []


def test_s12_other_methods_are_not_sent(folder: str) -> None:
    with serving(saying(OK), folder) as server, pytest.raises(Refused):
        asked(server, message=Message("CONNECT"))
    assert server.seen == []
