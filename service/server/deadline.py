"""A total for the arrival of a request: however steadily its head and body drip in, they end.

The limit on silence (`limit_silence`) is one for each piece, so one byte every few seconds would hold a thread for as long as it likes. The
time is looked at before each piece: a request is given up at the latest when both limits have passed, one after the other.
A body that takes too long is answered 408 (`web.negotiation`), a head by closing the connection: nobody can say to what it belonged.
"""

import errno
from typing import Any

from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import ThreadWorker

from service import clock


class Unhurried(TimeoutError):
    """The request takes too long to arrive. gunicorn reads its number as that of a connection that is gone."""

    def __init__(self) -> None:
        super().__init__(errno.ECONNRESET, "the request took too long to arrive")


class Incoming(SocketUnreader):
    """What comes in on a connection, up to an instant of the monotonic clock."""

    until = float("inf")

    def chunk(self, *hints: Any) -> bytes:
        """The next piece. Raises Unhurried when the time is over. Newer versions of gunicorn say how much they would like."""
        if clock.monotonic() > self.until:
            raise Unhurried
        return super().chunk(*hints)


class Worker(ThreadWorker):
    """A worker process of gunicorn that gives each request `seconds` to arrive."""

    seconds = float("inf")

    def handle(self, conn: Any) -> Any:
        """One request of the connection, from its first byte on."""
        if conn.parser is None:
            conn.parser = RequestParser(self.cfg, conn.sock, conn.client)
            conn.parser.unreader = Incoming(conn.sock)
        conn.parser.unreader.until = clock.monotonic() + self.seconds
        return super().handle(conn)


def worker(seconds: float) -> type[Worker]:
    """A worker class that gives each request so many seconds to arrive."""
    return type("Worker", (Worker,), {"seconds": seconds})
