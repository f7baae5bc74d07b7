"""A clinic on each database."""

from collections.abc import Iterator

import pytest

from service.fhir import definitions
from service.search.paging import Cursors
from service.search.parameter import Registry
from service.storage.database import Database
from tests.search.clinic import Clinic

REGISTRY = Registry(definitions.load(), "http://clinic.example/fhir", "America/New_York")


@pytest.fixture
def clinic(database_url: str) -> Iterator[Clinic]:
    """An empty clinic."""
    database = Database(database_url)
    yield Clinic(database, REGISTRY, Cursors(b"k" * 32))
    database.dispose()
