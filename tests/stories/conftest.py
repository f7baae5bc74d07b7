"""The service as users meet it: gunicorn in a process of its own, on both databases.

The stories share one server for each database. Each story lives in a year of its own, with its own patient, vial and lot, so that
none sees another's records. They go back in time: nobody can give what is not drawn yet.
"""

from collections.abc import Iterator
from itertools import count

import pytest

from tests.databases import KINDS, Databases
from tests.server import Live, running
from tests.stories import principals
from tests.stories.client import Client
from tests.stories.visit import YEAR, Visit

_years = count(YEAR - 1, -1)


@pytest.fixture(scope="session", params=KINDS)
def live(request: pytest.FixtureRequest, databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A running service."""
    folder = tmp_path_factory.mktemp("live")
    with databases.fresh(request.param) as url, running(folder, url) as one:
        yield one


@pytest.fixture(scope="session")
def client(live: Live) -> Iterator[Client]:
    """A client of the server that may do everything."""
    with Client.of(live.url, live.token) as one:
        yield one


@pytest.fixture(scope="session")
def charting(live: Live) -> Iterator[Client]:
    """The app that writes the visit."""
    with Client.of(live.url, live.admit(principals.charting())) as one:
        yield one


@pytest.fixture(scope="session")
def ehr(live: Live) -> Iterator[Client]:
    """A hospital's system that pulls visits."""
    with Client.of(live.url, live.admit(principals.EHR)) as one:
        yield one


@pytest.fixture(scope="session")
def auditor(live: Live) -> Iterator[Client]:
    """Who inspects the controlled substances."""
    with Client.of(live.url, live.admit(principals.AUDITOR)) as one:
        yield one


@pytest.fixture(scope="module")
def year() -> int:
    """The year of a story."""
    return next(_years)


@pytest.fixture(scope="module")
def visit(charting: Client, year: int) -> Visit:
    """The example visit, posted as one transaction by the charting app."""
    return Visit.posted(charting, year)
