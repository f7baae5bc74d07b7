"""The real service in a process of its own: gunicorn, workers, a port of the loopback interface."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import requests

from service.config import PREFIX
from service.records.clients import Registration
from tests import canaries
from tests.access import ALMIGHTY, bearer, token_on
from tests.ports import free_port

START_SECONDS = 120
STOP_SECONDS = 60
PATIENCE_SECONDS = 60
_UNLIMITED = {"rate_limit": 0, "rate_limit_tokens": 0, "rate_limit_sign_in": 0}
"""Tests ask as often as they can, unless they are about limits."""
PROGRAM = Path(sys.executable).with_name("infusion-records")


@dataclass(frozen=True)
class Live:
    """A service that runs: `origin` is http://127.0.0.1:PORT, `url` its FHIR base, `log` what it has printed so far.

    `token` is that of a client that may do everything; `headers`, `session` and `send` use it. `admit` makes others.
    """

    origin: str
    process: "subprocess.Popen[bytes]"
    log: Path
    database_url: str
    token: str = ""

    @property
    def url(self) -> str:
        """The FHIR base."""
        return f"{self.origin}/fhir"

    @property
    def headers(self) -> dict[str, str]:
        """The header fields that carry `token`."""
        return bearer(self.token)

    def admit(self, client: Registration, patient: str | None = None, user: str | None = None) -> str:
        """A token for `client`."""
        return token_on(self.database_url, self.url, client, patient, user)

    def session(self) -> requests.Session:
        """Connections of a client that may do everything."""
        made = requests.Session()
        made.headers.update(self.headers)
        return made

    def send(self, method: str, path: str, headers: Mapping[str, str] | None = None, **options: Any) -> requests.Response:
        """One request of that client; `path` is below the FHIR base, `options` are those of requests."""
        told = {**self.headers, **(headers or {})}
        return requests.request(method, f"{self.url}{path}", headers=told, **{"timeout": PATIENCE_SECONDS, **options})


@contextmanager
def running(folder: Path, database_url: str, *arguments: str, **settings: object) -> Iterator[Live]:
    """`infusion-records serve ARGUMENTS` on a migrated database, with SETTINGS by their lower-case names; its log lies in `folder`."""
    given = {f"{PREFIX}{name.upper()}": str(value) for name, value in {"database_url": database_url, **_UNLIMITED, **settings}.items()}
    with started(folder, [PROGRAM, "serve", *arguments], given) as live:
        yield live


@contextmanager
def started(folder: Path, command: list[str | Path], environment: Mapping[str, str]) -> Iterator[Live]:
    """`COMMAND --port PORT` in `folder`, once it is ready; stopped in an orderly way afterwards."""
    port = free_port()
    log = folder / f"service-{port}.log"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    with log.open("wb") as output:
        process = subprocess.Popen([*command, "--port", str(port)], cwd=folder, env={**kept, **environment}, stdout=output, stderr=output)
    database_url = environment.get(f"{PREFIX}DATABASE_URL", f"sqlite:///{folder}/var/infusion-records.db")
    live = Live(f"http://127.0.0.1:{port}", process, log, database_url)
    try:
        _await(live)
        yield replace(live, token=live.admit(ALMIGHTY))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=STOP_SECONDS)
    canaries.require_clean(log)


def _await(live: Live) -> None:
    for _ in range(START_SECONDS * 20):
        if live.process.poll() is not None:
            break
        try:
            if requests.get(f"{live.origin}/readyz", timeout=5).ok:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"the service did not become ready:\n{live.log.read_text()}")
