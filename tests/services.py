"""Fixtures: a Service on each database. What holds no data (definitions, gate, registry) is built once per process.

A PostgreSQL database takes half a second to make, so the tests of one process share one and find it empty.
"""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import text

from service import wiring
from service.config import Settings
from service.records.context import Context, Service
from service.search.registries import Registries
from service.storage.database import Database
from service.storage.tables.metadata import metadata
from tests.access import TESTS
from tests.databases import KINDS, Databases


@pytest.fixture(scope="session")
def parts(databases: Databases) -> Iterator[Service]:
    """What `wiring` builds, to be put on other databases."""
    with databases.fresh("sqlite") as url:
        service = wiring.service(Settings(database_url=url, cursor_key="c" * 32, rate_limit=0, rate_limit_tokens=0, rate_limit_sign_in=0))
        yield service
        service.database.dispose()


@pytest.fixture(scope="session")
def shared_postgresql(databases: Databases) -> Iterator[str]:
    """The one PostgreSQL database of this process for tests that empty it."""
    with databases.fresh("postgresql") as url:
        yield url


@pytest.fixture(params=KINDS)
def service(request: pytest.FixtureRequest, parts: Service, databases: Databases) -> Iterator[Service]:
    """A Service on an empty database: the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "postgresql":
        yield from on_database(parts, request.getfixturevalue("shared_postgresql"), empty=True)
    else:
        with databases.fresh("sqlite") as url:
            yield from on_database(parts, url)


@pytest.fixture
def ctx(service: Service) -> Context:
    """A request to that service."""
    return Context(service, TESTS)


def on_database(parts: Service, url: str, empty: bool = False) -> Iterator[Service]:
    """`parts` on another database, for one turn of a loop or as a fixture; with `empty` its rows go first."""
    settings = replace(parts.settings, database_url=url)
    database = wiring.database(settings)
    if empty:
        _empty(database)
    registries = Registries(database, parts.registry.defined)
    registries.start()
    yield replace(parts, settings=settings, database=database, registries=registries)
    database.dispose()


def _empty(database: Database) -> None:
    """Remove every row. The triggers that forbid it are off for this one transaction."""
    with database.engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for table in metadata.sorted_tables:
            connection.execute(table.delete())
