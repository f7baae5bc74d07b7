"""Connections that go to addresses which were checked before, and that end at a deadline.

The host's name stays in the request and in the check of the certificate; only the step from name to address is taken out of the hands of
requests and urllib3. At the deadline the connection is shut down under whoever waits for it: a timeout per read would let a server
that sends one byte at a time hold a worker for as long as it likes.
"""

import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

SocketAddress = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One checked address: its family and the address as sockets take it, the port included."""

    family: socket.AddressFamily
    address: SocketAddress


@dataclass(slots=True)
class Line:
    """What one exchange may connect to, and the hand that cuts it at the deadline.

    Use it as a context: entering starts the clock, leaving stops it. `is_cut` tells whether the deadline came first.
    """

    endpoints: Sequence[Endpoint]
    seconds: float
    is_cut: bool = False
    _open: list[socket.socket] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _timer: threading.Timer | None = None

    def __enter__(self) -> Self:
        self._timer = threading.Timer(self.seconds, self._cut)
        self._timer.daemon = True
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._timer:
            self._timer.cancel()
        with self._lock:
            self._close()

    def connect(self, timeout: float | None) -> socket.socket:
        """A socket that is connected to the first endpoint that answers. OSError of the last one when none does."""
        last: OSError = TimeoutError("the deadline has passed")
        for endpoint in self.endpoints:
            try:
                return self._connected(endpoint, timeout)
            except OSError as error:
                last = error
        raise last

    def _connected(self, endpoint: Endpoint, timeout: float | None) -> socket.socket:
        connection = socket.socket(endpoint.family, socket.SOCK_STREAM)
        try:
            self._watch(connection)
            connection.settimeout(timeout)
            connection.connect(endpoint.address)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BaseException:
            connection.close()
            raise
        return connection

    def _watch(self, connection: socket.socket) -> None:
        with self._lock:
            if self.is_cut:
                raise TimeoutError("the deadline has passed")
            self._open.append(connection.dup())  # TLS takes the socket over; its twin still reaches the connection

    def _cut(self) -> None:
        with self._lock:
            self.is_cut = True
            for twin in self._open:
                try:
                    twin.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # not connected yet, or over already
            self._close()

    def _close(self) -> None:
        for twin in self._open:
            twin.close()
        self._open.clear()


class PinnedAdapter(HTTPAdapter):
    """The adapter of requests for one exchange over `line`. Nothing is retried, and nothing is kept open after it."""

    def __init__(self, line: Line) -> None:
        self._line = line
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools whose connections take their address from the line."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _plain_pool(self._line), "https": _secure_pool(self._line)}


def _opened(connection: HTTPConnection, line: Line) -> socket.socket:
    timeout = connection.timeout
    try:
        return line.connect(timeout if isinstance(timeout, int | float) else None)
    except TimeoutError as error:
        raise ConnectTimeoutError(connection, "timed out") from error
    except OSError as error:
        raise NewConnectionError(connection, "failed") from error


def _plain_pool(line: Line) -> type[HTTPConnectionPool]:
    class PlainConnection(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return _opened(self, line)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = PlainConnection

    return PlainPool


def _secure_pool(line: Line) -> type[HTTPSConnectionPool]:
    class SecureConnection(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return _opened(self, line)

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = SecureConnection

    return SecurePool


Lookup = Callable[[str, int], Sequence[Endpoint]]
"""What turns a host and a port into its endpoints; OSError when the name has none."""


def system_lookup(host: str, port: int) -> Sequence[Endpoint]:
    """The addresses that this machine's resolver knows for `host`."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [Endpoint(family, address) for family, _, _, _, address in found]


def within(seconds: float, lookup: Lookup, host: str, port: int) -> Sequence[Endpoint]:
    """The answer of `lookup`, waited for no longer than `seconds`. TimeoutError after that, OSError when it fails.

    The system's resolver has no deadline of its own, so it runs in a thread that is left behind when it takes too long.
    """
    answers: list[Sequence[Endpoint]] = []
    failures: list[OSError] = []

    def ask() -> None:
        try:
            answers.append(lookup(host, port))
        except (OSError, UnicodeError) as error:
            failures.append(error if isinstance(error, OSError) else OSError(str(error)))

    asking = threading.Thread(target=ask, daemon=True, name="outbound-lookup")
    asking.start()
    asking.join(seconds)
    if failures:
        raise failures[0]
    if not answers:
        raise TimeoutError("the name was not resolved in time")
    return answers[0]
