"""The machine's own limit for reads: a WSGI application that answers the same bytes to everything, under the service's gunicorn settings.

python -m benchmarks.bare PORT FILE
"""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from service import server
from service.config import Settings

StartResponse = Callable[[str, list[tuple[str, str]]], object]


def application(body: bytes) -> Callable[[dict[str, Any], StartResponse], Iterable[bytes]]:
    """A WSGI application that answers `body` and does nothing else."""
    head = [("Content-Type", "application/fhir+json"), ("Content-Length", str(len(body)))]

    def answer(_environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", head)
        return (body,)

    return answer


def main(port: str, file: str) -> None:
    """Serve the bytes of `file` on `port` until told to stop."""
    options = server.options(Settings.load(), "127.0.0.1", int(port))
    server.Server(application(Path(file).read_bytes()), options).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
