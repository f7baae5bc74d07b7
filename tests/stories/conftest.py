"""The service as users meet it: gunicorn in a process of its own, on both databases."""

from collections.abc import Iterator

import pytest

from tests.databases import KINDS, Databases
from tests.server import Live, running
from tests.stories.client import Client
from tests.stories.visit import Visit


@pytest.fixture(scope="module", params=KINDS)
def live(request: pytest.FixtureRequest, databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A running service on an empty database, shared by the tests of a module."""
    folder = tmp_path_factory.mktemp("live")
    with databases.fresh(request.param) as url, running(folder, url) as one:
        yield one


@pytest.fixture(scope="module")
def client(live: Live) -> Iterator[Client]:
    """A client of the server."""
    with Client.of(live.url) as one:
        yield one


@pytest.fixture(scope="module")
def visit(client: Client) -> Visit:
    """The example visit, posted as one transaction."""
    return Visit.posted(client)
