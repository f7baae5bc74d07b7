"""A closed-loop HTTP client that costs little: one thread, one selector, bytes prepared beforehand.

Each of `clients` connections sends its next request as soon as the last answer is complete and checked. Every answer is
checked, status and body, before it counts; one that is wrong ends the run. The answers must carry Content-Length, as the service's do.
"""

import selectors
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Check = Callable[[int, bytes], str | None]
"""Looks at status and body; says what is wrong with them, None when nothing is."""

_HEAD_END = b"\r\n\r\n"
_PATIENCE_SECONDS = 60.0


class Wrong(Exception):
    """The service did not answer as it must."""

    __notes__: list[str] = []  # noqa: RUF012  filled by add_note, on the instance


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is asked: a port of this machine. `fields` are header fields that every request to it carries, each with its line end."""

    port: int
    fields: bytes = b""

    def connected(self) -> socket.socket:
        """A connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=_PATIENCE_SECONDS)

    def addressed(self, payload: bytes) -> bytes:
        """The bytes of a request with those fields."""
        line, end, rest = payload.partition(b"\r\n")
        return b"".join((line, end, self.fields, rest))


@dataclass(frozen=True, slots=True)
class Request:
    """The bytes to send and the check of what comes back."""

    payload: bytes
    check: Check


@dataclass(frozen=True, slots=True)
class Sample:
    """What one run measured: the seconds that it took, those of each request, and the client's own CPU seconds."""

    seconds: float
    latencies: list[float]
    client_cpu: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """The latency in seconds that `share` of the requests stayed within."""
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]


@dataclass(slots=True)
class _Connection:
    peer: Peer
    wire: socket.socket
    request: Request | None = None
    sent: float = 0.0
    received: bytearray = field(default_factory=bytearray)
    needed: int = 0


def get(path: str, check: Check) -> Request:
    """A GET of FHIR JSON."""
    return Request(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/fhir+json\r\n\r\n".encode(), check)


def post(path: str, body: bytes, check: Check) -> Request:
    """A POST of FHIR JSON."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/fhir+json\r\nContent-Type: application/fhir+json\r\n"
    return Request(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body, check)


def once(peer: Peer, request: Request) -> tuple[int, bytes, float]:
    """One request over a connection of its own: status, body and seconds. It is not checked."""
    with peer.connected() as wire:
        connection = _Connection(peer, wire)
        payload = peer.addressed(request.payload)
        started = time.perf_counter()
        wire.sendall(payload)
        while not _complete(connection):
            _receive(connection)
        status, body = _answer(connection)
        return status, body, time.perf_counter() - started


def drive(peer: Peer, requests: Iterator[Request], clients: int, seconds: float) -> Sample:
    """Keep `clients` connections busy with `requests` for about `seconds`. Raises Wrong for the first answer that is."""
    with selectors.DefaultSelector() as selector:
        connections = [_Connection(peer, peer.connected()) for _ in range(clients)]
        try:
            for connection in connections:
                connection.wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(connection.wire, selectors.EVENT_READ, connection)
            return _loop(selector, connections, requests, seconds)
        finally:
            for connection in connections:
                connection.wire.close()


def _loop(selector: selectors.BaseSelector, connections: list[_Connection], requests: Iterator[Request], seconds: float) -> Sample:
    latencies: list[float] = []
    cpu, started = time.process_time(), time.perf_counter()
    until = started + seconds
    busy = sum(_next(connection, requests) for connection in connections)
    while busy:
        ready = selector.select(_PATIENCE_SECONDS)
        if not ready:
            raise Wrong(f"no answer within {_PATIENCE_SECONDS:g} seconds")
        for key, _ in ready:
            connection = key.data
            _receive(connection)
            if not _complete(connection):
                continue
            latencies.append(time.perf_counter() - connection.sent)
            _check(connection)
            if time.perf_counter() >= until or not _next(connection, requests):
                busy -= 1
    took = time.perf_counter() - started
    return Sample(took, sorted(latencies), time.process_time() - cpu)


def _next(connection: _Connection, requests: Iterator[Request]) -> int:
    """Send the next request over the connection; 0 when there is none left."""
    connection.request = next(requests, None)
    if connection.request is None:
        return 0
    connection.received.clear()
    connection.needed = 0
    payload = connection.peer.addressed(connection.request.payload)
    connection.sent = time.perf_counter()
    connection.wire.sendall(payload)
    return 1


def _receive(connection: _Connection) -> None:
    piece = connection.wire.recv(262_144)
    if not piece:
        raise Wrong("the service closed the connection before it answered")
    connection.received += piece


def _complete(connection: _Connection) -> bool:
    received = connection.received
    if not connection.needed:
        end = received.find(_HEAD_END)
        if end < 0:
            return False
        connection.needed = end + len(_HEAD_END) + _length(bytes(received[:end]))
    return len(received) >= connection.needed


def _length(head: bytes) -> int:
    lower = head.lower()
    at = lower.find(b"content-length:")
    if at < 0:
        if head.split(b" ", 2)[1] in (b"204", b"304"):
            return 0
        raise Wrong(f"an answer without Content-Length: {head[:200]!r}")
    return int(lower[at + 15 :].split(b"\r\n", 1)[0])


def _answer(connection: _Connection) -> tuple[int, bytes]:
    received = bytes(connection.received)
    return int(received[9:12]), received[received.find(_HEAD_END) + len(_HEAD_END) :]


def _check(connection: _Connection) -> None:
    assert connection.request is not None
    status, body = _answer(connection)
    problem = connection.request.check(status, body)
    if problem:
        raise Wrong(f"{problem}: {connection.request.payload[:300]!r} was answered {status} {body[:1500]!r}")
