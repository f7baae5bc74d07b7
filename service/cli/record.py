"""What commands work on: the database as it is, or the record on a database that is at the newest schema."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from service.config import Settings, SettingsError

if TYPE_CHECKING:
    from service.records.context import Context
    from service.storage.database import Database

CALLER = "command-line"
"""Who the audit trail names."""


def own_settings() -> Settings:
    """The settings of a service that keeps its own clients, tokens and people. Raises SettingsError where an OpenID provider keeps them."""
    settings = Settings.load()
    if settings.is_external:
        raise SettingsError("AUTHENTICATION is external: clients, tokens, people and their passwords are kept by the OpenID provider.")
    return settings


@contextmanager
def opened(settings: Settings) -> Iterator["Database"]:
    """The database that `settings` name, not yet looked at."""
    from service import wiring

    database = wiring.database(settings)
    try:
        yield database
    finally:
        database.dispose()


@contextmanager
def record(settings: Settings) -> Iterator["Context"]:
    """A context to work in, for commands that change the record themselves. Raises OutOfDate for a schema that is not the newest."""
    from service import wiring
    from service.records import lifecycle
    from service.records.context import Context
    from service.security.caller import Caller
    from service.storage import migrate

    with opened(settings) as database:
        migrate.require_newest(database)
    parts = wiring.service(settings)
    try:
        yield Context(parts, Caller.internal(CALLER))
    finally:
        lifecycle.left(parts, CALLER)
        parts.database.dispose()
