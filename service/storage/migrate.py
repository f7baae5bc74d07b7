"""The schema's versions: Alembic run from code, with the migrations that travel with the installation.

Every run is one transaction under a lock, so processes that start together do not disturb each other and a failure
leaves the old schema. https://alembic.sqlalchemy.org/en/latest/api/commands.html
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from service.paths import resource_path
from service.storage.database import Database

HEAD = "head"


class OutOfDate(Exception):
    """The database has another schema than this version of the service; the message says what to run."""


def upgrade(database: Database, revision: str = HEAD) -> None:
    """Bring the schema up to `revision`. Makes the folder of an SQLite file."""
    if file := _file(database):
        file.parent.mkdir(parents=True, exist_ok=True)
    with _exclusive(database) as connection:
        command.upgrade(_configuration(connection), revision)


def downgrade(database: Database, revision: str) -> None:
    """Take the schema back to `revision`; `base` removes every table and all that they hold."""
    with _exclusive(database) as connection:
        command.downgrade(_configuration(connection), revision)


def current(database: Database) -> str | None:
    """The revision that the database is at; None for an empty one, or an SQLite file that is not there yet."""
    if database.dialect == "sqlite" and database.url.database and not Path(database.url.database).exists():
        return None
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest() -> str | None:
    """The revision that this version of the service needs."""
    return ScriptDirectory.from_config(_configuration()).get_current_head()


def require_newest(database: Database) -> None:
    """Raises OutOfDate unless the database has exactly the schema of this version of the service."""
    found, needed = current(database), newest()
    if found != needed:
        raise OutOfDate(f"The database is at revision {found or 'none'}, this version needs {needed}. Run: infusion-records db upgrade")


def _file(database: Database) -> Path | None:
    """The file of an SQLite database."""
    return Path(database.url.database) if database.dialect == "sqlite" and database.url.database else None


def _configuration(connection: Connection | None = None) -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(resource_path("migrations")).replace("%", "%%"))
    configuration.set_main_option("path_separator", "os")
    configuration.attributes["connection"] = connection
    return configuration


@contextmanager
def _exclusive(database: Database) -> Iterator[Connection]:
    with database.engine.connect() as connection:
        connection = connection.execution_options(infusion_write=True)
        with connection.begin():
            if database.dialect == "postgresql":
                connection.execute(text("SET LOCAL statement_timeout = 0"))
                connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
                # the form with two keys stays clear of the keys with which writes mark themselves as open
                connection.execute(text("SELECT pg_advisory_xact_lock(1, 1)"))
            yield connection
