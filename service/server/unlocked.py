"""`demo --no-auth`: the demonstration open to whoever is on this machine, for trying things out. Nothing else composes it.

The application stays as it is, with its authentication, its restrictions and its audit trail: what is open is a door before it, that hands
every request which brings no credentials of its own to the application as one client that may do everything. So there is no switch in the
service that could be left on. The door opens on a database of its own only, which is marked for good and is served nowhere else; it stays
shut until every socket is known to be loopback's; and it ends the process when somebody comes from elsewhere or through a proxy.
docs/decisions/0028-a-demonstration-with-keys.md
"""

import logging
import os
from collections.abc import Callable, Iterable
from typing import Any

from service import wiring
from service.app import composed
from service.config import Settings, SettingsError
from service.server import Server, limit_silence, options
from service.server.everybody import Everybody
from service.server.loopback import is_loopback, is_loopback_url
from service.storage import marks, migrate
from service.storage.database import Database

EXIT = 3
"""With this code a process ends whose door was found by somebody else; gunicorn then ends the whole service."""
HOST = "127.0.0.1"
HEADER = "X-Insecure"
WARNING = "INSECURE: no authentication; everyone on this machine may read and change everything"

_REFUSAL = b"421: this demonstration has no authentication and answers its own machine only. INSECURE.\n"
_LOG = logging.getLogger("infusion_records")


def prepare(settings: Settings, database: Database, at: int) -> None:
    """Make the schema of a database of its own and mark it, from the instant `at` on.

    Raises SettingsError for PostgreSQL, for more than one worker process, for a base URL that is not loopback's, and for a database that
    something else made.
    """
    if not settings.is_sqlite:
        raise SettingsError("--no-auth is refused on PostgreSQL: records are kept there. It opens an SQLite file of its own only.")
    if settings.worker_processes != 1:
        raise SettingsError("--no-auth is refused with more than one worker process. Leave WORKERS out.")
    if not is_loopback_url(settings.base_url):
        raise SettingsError("--no-auth is refused: BASE_URL names another machine than this one. Leave it out.")
    is_new = migrate.current(database) is None
    migrate.upgrade(database)
    if is_new:
        marks.put(database, marks.INSECURE, at)
    if marks.since(database, marks.INSECURE) is None:
        raise SettingsError(
            "--no-auth is refused: it did not make this database, and opens no records that were kept behind authentication."
            " Name a file that does not exist yet, as in INFUSION_RECORDS_DATABASE_URL=sqlite:///var/open.db"
        )


def run(settings: Settings, port: int) -> None:
    """Serve the database that `prepare` made to this machine, until the process is told to stop or somebody else comes."""
    parts = wiring.service(settings)
    door = Door(composed(parts), Everybody(parts))
    say_so()
    parts.database.dispose()

    def ready(arbiter: Any) -> None:
        limit_silence(arbiter)
        door.open(listener.getsockname()[0] for listener in arbiter.LISTENERS)

    Server(door, {**options(settings, HOST, port), "when_ready": ready}).run()


class Door:
    """A WSGI application before the application: it adds the `Authorization` that `credentials` gives to requests that bring none.

    `leave` ends the process. Until `open` was called with the addresses of all sockets, nobody comes in.
    """

    def __init__(self, application: Any, credentials: Callable[[], str], leave: Callable[[], None] = lambda: os._exit(EXIT)) -> None:
        self._application = application
        self._credentials = credentials
        self._leave = leave
        self._is_open = False

    def open(self, hosts: Iterable[str]) -> None:
        """Let in who comes through sockets that are bound to `hosts`. Raises RuntimeError when there are none, or one is not loopback's."""
        bound = list(hosts)
        if not bound or not all(map(is_loopback, bound)):
            raise RuntimeError(f"--no-auth is refused: the service is bound to {', '.join(bound) or 'nothing'}, not to loopback alone.")
        self._is_open = True

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request; 421 and the end for one that did not come straight from this machine."""
        if not self._is_open or _comes_from_elsewhere(environ):
            self._is_open = False
            _LOG.error("a request came from elsewhere: the service ends")
            return self._refused(start_response, self._leave)
        if _is_meant_for_another(environ):
            return self._refused(start_response)
        answer: Iterable[bytes] = self._application(self._let_in(environ), _saying_so(start_response))
        return answer

    def _let_in(self, environ: dict[str, Any]) -> dict[str, Any]:
        if environ.get("HTTP_AUTHORIZATION"):
            return environ
        return {**environ, "HTTP_AUTHORIZATION": f"Bearer {self._credentials()}"}

    def _refused(self, start_response: Any, then: Callable[[], None] = lambda: None) -> Iterable[bytes]:
        _saying_so(start_response)("421 Misdirected Request", [("Content-Type", "text/plain"), ("Content-Length", str(len(_REFUSAL)))])
        return _Answered(_REFUSAL, then)


class _Answered:
    """The body of a refusal; `then` happens when it has been sent."""

    def __init__(self, body: bytes, then: Callable[[], None]) -> None:
        self._body = body
        self.close = then

    def __iter__(self) -> Any:
        return iter((self._body,))


class Loud(logging.Filter):
    """Every line of the log says that there is no authentication."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep the line, with the word before it."""
        if not str(record.msg).startswith("INSECURE"):
            record.msg = f"INSECURE {record.msg}"
        return True


def say_so() -> None:
    """Let every line of the service's log say so."""
    for handler in _LOG.handlers:
        handler.addFilter(Loud())
    _LOG.warning(WARNING)


def _saying_so(start_response: Any) -> Any:
    def started(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        return start_response(status, [*headers, (HEADER, WARNING)], *rest)

    return started


def _comes_from_elsewhere(environ: dict[str, Any]) -> bool:
    is_forwarded = any(name in ("HTTP_FORWARDED", "HTTP_VIA") or name.startswith("HTTP_X_FORWARDED") for name in environ)
    return is_forwarded or not is_loopback(environ.get("REMOTE_ADDR", ""))


def _is_meant_for_another(environ: dict[str, Any]) -> bool:
    """Whether a page of elsewhere sends it: another name that leads to this machine, or a form and script of another origin."""
    origin = environ.get("HTTP_ORIGIN")
    return not is_loopback_url(f"//{environ.get('HTTP_HOST', '')}") or (origin is not None and not is_loopback_url(origin))
