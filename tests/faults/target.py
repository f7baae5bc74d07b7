"""The service as an attacker sees it: requests by any means, and what must be true of it afterwards."""

import json
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from tests.server import Live

JSON = "application/fhir+json"
RULES = "https://clinic.example/fhir/CodeSystem/rules"
PATIENCE_SECONDS = 60


@dataclass
class Target:
    """A running service; what it is sent carries the token of a client that may do everything."""

    live: Live
    _marked: int = 0

    def __post_init__(self) -> None:
        self.session = self.live.session()

    @property
    def fields(self) -> tuple[str, ...]:
        """The header fields that carry the token, for requests that are written by hand."""
        return tuple(f"{name}: {value}" for name, value in self.live.headers.items())

    def send(
        self, method: str, path: str, body: bytes | str | dict[str, Any] | list[Any] | None = None, **headers: str
    ) -> requests.Response:
        """One request; header names with underscores for hyphens. A body that is a tree is written as JSON."""
        content = json.dumps(body).encode() if isinstance(body, dict | list) else body.encode() if isinstance(body, str) else body
        named = {"Content-Type": JSON, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return self.session.request(method, f"{self.live.url}{path}", data=content, headers=named, timeout=PATIENCE_SECONDS)

    def raw(self, content: bytes, finish: bool = True, patience: float = PATIENCE_SECONDS) -> bytes:
        """What comes back for these very bytes. With `finish` our side of the connection is closed after them."""
        with self.connect() as connection:
            connection.settimeout(patience)
            connection.sendall(content)
            if finish:
                connection.shutdown(socket.SHUT_WR)
            return answer(connection)

    def connect(self) -> socket.socket:
        """A connection to the service."""
        where = urlsplit(self.live.origin)
        return socket.create_connection((where.hostname, where.port), timeout=PATIENCE_SECONDS)

    def workers(self) -> set[int]:
        """The process ids of the workers."""
        return children(self.live.process.pid)

    def mark(self) -> None:
        """From here on the log is looked at, and connections are new: the old ones may have been idle for too long."""
        self.session.close()
        self._marked = len(self.log())

    def log(self) -> list[str]:
        """The lines that the service has printed."""
        return self.live.log.read_text(errors="replace").splitlines()

    def require_unhurt(self, workers: set[int]) -> None:
        """The same workers are there, none answered 500, and a write and a read work."""
        self.session.close()
        assert self.live.process.poll() is None
        assert self.workers() == workers
        bad = [line for line in self.log()[self._marked :] if '"status": 500' in line or "Traceback" in line or "WORKER TIMEOUT" in line]
        assert bad == []
        made = self.send("POST", "/Patient", {"resourceType": "Patient", "active": True})
        assert made.status_code == 201
        assert self.send("GET", f"/Patient/{made.json()['id']}").json()["active"] is True


def answer(connection: socket.socket) -> bytes:
    """What the other side sends until it closes, or until one complete answer with a length is there."""
    received = b""
    while True:
        try:
            part = connection.recv(65536)
        except (ConnectionResetError, TimeoutError):
            return received
        received += part
        head, found, body = received.partition(b"\r\n\r\n")
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), None)
        if not part or (found and length is not None and len(body) >= length):
            return received


def children(pid: int) -> set[int]:
    """The processes that `pid` started."""
    return {int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()}


def await_true(what: Any) -> None:
    """Wait until `what()` is true."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < until
        time.sleep(0.02)


def require_refused(response: requests.Response, *statuses: int) -> list[dict[str, Any]]:
    """The issues of an error answer: a 4xx (or one of `statuses`) whose OperationOutcome says what is wrong."""
    said = (response.status_code, response.text[:500])
    assert response.status_code in statuses if statuses else 400 <= response.status_code < 500, said
    assert response.headers["Content-Type"].startswith(JSON), said
    outcome = response.json()
    assert outcome["resourceType"] == "OperationOutcome", said
    assert outcome["issue"], said
    for issue in outcome["issue"]:
        assert issue["severity"] in ("fatal", "error", "warning", "information"), said
        assert issue["code"], said
        assert len(issue["diagnostics"]) > 10, said
        assert issue["details"]["coding"][0]["system"] == RULES, said
    assert any(issue["severity"] in ("fatal", "error") for issue in outcome["issue"]), said
    return list(outcome["issue"])


def require_sane(response: requests.Response) -> None:
    """Any answer but a 5xx; an error is an OperationOutcome."""
    if response.status_code >= 400:
        require_refused(response)
