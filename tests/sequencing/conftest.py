"""Databases for the tests of the sequencer."""

from collections.abc import Iterator

import pytest

from service.storage.database import Database
from tests.services import ctx, parts, service, shared_postgresql

__all__ = ["ctx", "database", "parts", "service", "shared_postgresql"]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty one: the test runs once on SQLite and once on PostgreSQL."""
    opened = Database(database_url)
    yield opened
    opened.dispose()
