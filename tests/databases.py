"""Migrated, empty databases for tests: copies of one template, so that a test costs milliseconds and shares nothing."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from service.storage import migrate
from service.storage.database import Database

KINDS = ("sqlite", "postgresql")
_LOCK = 4_711_001


class Databases:
    """Makes databases for the tests of one process. `server_url` is PostgreSQL's maintenance database, `run` names the test run."""

    def __init__(self, folder: Path, server_url: str, run: str) -> None:
        self._folder = folder
        self._server_url = server_url
        self._prefix = f"infusion_{run}"
        self._numbers = count()

    @contextmanager
    def fresh(self, kind: str, migrated: bool = True) -> Iterator[str]:
        """The URL of a new database of `kind`, removed afterwards; without tables unless `migrated`."""
        make = self._sqlite if kind == "sqlite" else self._postgresql
        with make(migrated) as url:
            yield url

    @contextmanager
    def _sqlite(self, migrated: bool) -> Iterator[str]:
        folder = self._folder / f"sqlite-{next(self._numbers)}"
        folder.mkdir()
        path = folder / "records.db"
        if migrated:
            shutil.copyfile(self._sqlite_template(), path)
        yield f"sqlite:///{path}"
        shutil.rmtree(folder, ignore_errors=True)

    def _sqlite_template(self) -> Path:
        path = self._folder / "template.db"
        if not path.exists():
            _migrate(f"sqlite:///{path}")
        return path

    @contextmanager
    def _postgresql(self, migrated: bool) -> Iterator[str]:
        name = f"{self._prefix}_{os.getpid()}_{next(self._numbers)}"
        template = self._postgresql_template() if migrated else "template0"
        with self._maintenance() as connection:
            create = sql.SQL("CREATE DATABASE {} TEMPLATE {} ENCODING 'UTF8' STRATEGY file_copy")
            connection.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
        try:
            yield self._url(name)
        finally:
            with self._maintenance() as connection:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _postgresql_template(self) -> str:
        """The migrated template of this test run; whichever process needs it first makes it."""
        name = f"{self._prefix}_template"
        with self._maintenance() as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
                building = f"{name}_building"
                connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(building)))
                _migrate(self._url(building))
                connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(building), sql.Identifier(name)))
        return name

    def drop_all(self) -> None:
        """Remove what this test run left on the server."""
        with self._maintenance() as connection:
            rows = connection.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", (self._prefix,)).fetchall()
            for (name,) in rows:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _maintenance(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self._server_url, autocommit=True)

    def _url(self, name: str) -> str:
        return make_url(self._server_url).set(database=name).render_as_string(hide_password=False)


def _migrate(url: str) -> None:
    database = Database(url)
    migrate.upgrade(database)
    database.dispose()
