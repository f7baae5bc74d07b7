"""What must be so before anybody but this machine is let in: checked at the start, and each refusal says what to do.

A service is in production when it listens on another address than loopback, or calls itself by another name than loopback's: then a proxy
stands before it. Whatever is tried on one machine alone is free of these demands.
"""

import os
from collections.abc import Iterator

from service.config import PREFIX, Settings, SettingsError
from service.server.loopback import is_loopback, is_loopback_url
from service.storage import audit_log, marks
from service.storage.database import Database

_ROOT = 0


def require(settings: Settings, host: str) -> None:
    """Raises SettingsError with a line for each demand that a service on `host` does not meet."""
    found = [*_of_the_settings(settings, host), *_of_the_process()] if is_production(settings, host) else []
    if found:
        raise SettingsError("\n".join(found))


def require_database(settings: Settings, host: str, database: Database) -> None:
    """Raises SettingsError for a database that others must not be let into, and Unsafe for one that was once open to everyone.

    The database must be at the newest schema.
    """
    marks.require_never_open(database)
    found = [*_of_the_database(database)] if is_production(settings, host) else []
    if found:
        raise SettingsError("\n".join(found))


def is_production(settings: Settings, host: str) -> bool:
    """Whether others than this machine are to be let in."""
    return not (is_loopback(host) and is_loopback_url(settings.base_url))


def _of_the_settings(settings: Settings, host: str) -> Iterator[str]:
    if not settings.base_url.startswith("https://"):
        yield f"--host {host} is refused with BASE_URL {settings.base_url}: others than this machine are served over TLS only. Set https."
    if not settings.trusted_proxies:
        yield f"{PREFIX}TRUSTED_PROXIES is empty. Set it to the addresses of the proxy that ends TLS, such as 10.0.0.7 or 10.0.0.0/24."


def _of_the_database(database: Database) -> Iterator[str]:
    if marks.since(database, marks.DEMONSTRATION) is not None:
        yield "The database holds the demonstration clinic, its clients and their keys. Start with an empty database."
    with database.glance() as tx:
        is_signed = bool(audit_log.keys(tx))
    if not is_signed:
        yield "The audit trail is not signed. Make a key (infusion-records audit new-key) and start infusion-records worker with it."


def _of_the_process() -> Iterator[str]:
    if os.geteuid() == _ROOT:
        yield "It runs as root. Start it as a user without rights."
