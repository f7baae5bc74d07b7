"""The world of the leak tests on each database, and its six callers."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from service.app import create_app
from service.config import Settings
from tests.access import admitted
from tests.databases import KINDS, Databases
from tests.leaks.principals import EVERY, PRINCIPALS, Principal
from tests.leaks.sender import Sender
from tests.leaks.world import World, built
from tests.services import parts, service, shared_postgresql

__all__ = ["parts", "service", "shared_postgresql"]

SETTINGS = Settings(cursor_key="c" * 32, rate_limit=0, rate_limit_tokens=0, rate_limit_sign_in=0)
Place = tuple[World, Mapping[str, FlaskClient]]


@pytest.fixture(scope="module", params=KINDS)
def place(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Place]:
    """The world, and a client of each caller."""
    with databases.fresh(request.param) as url:
        app = create_app(replace(SETTINGS, database_url=url))
        world = built(app.extensions["infusion_records"])
        yield world, {name: admitted(app, one.client, one.patient, one.user) for name, one in PRINCIPALS.items()}
        app.extensions["infusion_records"].database.dispose()


@pytest.fixture
def world(place: Place) -> World:
    """What was stored."""
    return place[0]


@pytest.fixture(params=EVERY)
def who(request: pytest.FixtureRequest) -> Principal:
    """One of the callers."""
    return PRINCIPALS[request.param]


@pytest.fixture
def sender(place: Place, who: Principal) -> Sender:
    """Sends that caller's requests, and looks at every answer for what the caller may not see."""
    world, clients = place
    return Sender(world, who, clients[who.name])
