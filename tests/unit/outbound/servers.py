"""Servers on loopback: one that behaves as a test tells it to, and a canary that nobody may reach."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import trustme

from service.outbound.connection import Endpoint, Lookup

NAME = "keys.clinic.test"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Answer = Callable[[socket.socket], None]


def saying(*parts: bytes) -> Answer:
    """An answer of fixed bytes."""
    return lambda connection: connection.sendall(b"".join(parts))


def at(*addresses: str) -> Lookup:
    """A resolver that gives these addresses to every name."""

    def lookup(_host: str, port: int) -> Sequence[Endpoint]:
        return [Endpoint(socket.AF_INET6 if ":" in address else socket.AF_INET, (address, port)) for address in addresses]

    return lookup


def unasked(host: str, _port: int) -> Sequence[Endpoint]:
    """A resolver that nobody may ask."""
    raise AssertionError(f"{host} was resolved")


@dataclass
class Server:
    """A server of one certificate authority: `seen` are the requests that it read, one string each."""

    port: int
    authorities: str
    seen: list[str] = field(default_factory=list)


class Canary:
    """Listens on one port of 127.0.0.1 and of ::1, and counts who came."""

    def __init__(self) -> None:
        self._sockets = [socket.socket(socket.AF_INET)]
        self._sockets[0].bind(("127.0.0.1", 0))
        self.port: int = self._sockets[0].getsockname()[1]
        with contextlib.suppress(OSError):
            six = socket.socket(socket.AF_INET6)
            six.bind(("::1", self.port))
            self._sockets.append(six)
        for listener in self._sockets:
            listener.listen(64)
            listener.setblocking(False)

    def visits(self) -> int:
        """How many connections came since the last call."""
        found = 0
        for listener in self._sockets:
            with contextlib.suppress(BlockingIOError):
                while True:
                    listener.accept()[0].close()
                    found += 1
        return found

    def close(self) -> None:
        """Stop listening."""
        for listener in self._sockets:
            listener.close()


@contextlib.contextmanager
def serving(answer: Answer, folder: str, name: str = NAME, address: str = "127.0.0.1") -> Iterator[Server]:
    """An HTTPS server that reads a request's head and then does `answer`; its certificate is for `name`."""
    authority = trustme.CA()
    bundle = f"{folder}/authority-{threading.get_native_id()}-{id(authority)}.pem"
    authority.cert_pem.write_to_path(bundle)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(tls)
    listener = socket.create_server((address, 0))
    server = Server(listener.getsockname()[1], bundle)
    thread = threading.Thread(target=_serve, args=(listener, tls, server, answer), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def _serve(listener: socket.socket, tls: ssl.SSLContext, server: Server, answer: Answer) -> None:
    while True:
        try:
            plain = listener.accept()[0]
        except OSError:
            return
        with contextlib.suppress(OSError), plain, tls.wrap_socket(plain, server_side=True) as connection:
            head = b""
            while b"\r\n\r\n" not in head and (part := connection.recv(4096)):
                head += part
            server.seen.append(head.decode("latin-1"))
            answer(connection)
