"""The books of `world`, on each database: one for all tests of a module that only read, and one for a test that writes."""

from collections.abc import Iterator

import pytest

from service.records.context import Context, Service
from tests.access import TESTS
from tests.databases import KINDS, Databases
from tests.register.books import Books
from tests.register_pages.world import filled
from tests.services import on_database, parts, service, shared_postgresql

__all__ = ["parts", "service", "shared_postgresql"]


@pytest.fixture(scope="module", params=KINDS)
def books(request: pytest.FixtureRequest, parts: Service, databases: Databases) -> Iterator[Books]:
    """The books, filled; to be read."""
    with databases.fresh(request.param) as url:
        for here in on_database(parts, url):
            yield filled(here)


@pytest.fixture
def ctx(books: Books) -> Context:
    """A request of somebody who sees all of them."""
    return Context(books.service, TESTS)
