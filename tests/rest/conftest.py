"""A service of its own for each test module and database, asked through the Flask test client."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from service.app import create_app
from service.config import Settings
from tests.access import admitted
from tests.databases import KINDS, Databases

SETTINGS = Settings(cursor_key="c" * 32, body_bytes=200_000, bundle_bytes=400_000, bundle_entries=60, page_max=50)


@pytest.fixture(scope="module", params=KINDS)
def api(request: pytest.FixtureRequest, databases: Databases) -> Iterator[FlaskClient]:
    """The test client of a service on a fresh database; the tests of a module share it."""
    with databases.fresh(request.param) as url:
        app = create_app(replace(SETTINGS, database_url=url))
        yield admitted(app)
        app.extensions["infusion_records"].database.dispose()
