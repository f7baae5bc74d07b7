"""What every test may ask for: databases of both kinds, and settings on them.

One PostgreSQL serves the whole run. With pytest-xdist the controlling process starts it and tells the workers its URL.
"""

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from service.config import PREFIX, Settings
from tests import postgres
from tests.access import admitted
from tests.canaries import _no_patient_in_the_log, watch  # noqa: F401 - every test of the suite is watched
from tests.databases import KINDS, Databases
from tests.server import Live, running
from tests.watch import audited_exactly  # noqa: F401 - every test of the suite is watched

REQUIRE_BROWSER = "REQUIRE_BROWSER"

hypothesis_settings.register_profile("suite", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.register_profile("nightly", deadline=None, max_examples=1000, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("suite")

_SERVER = pytest.StashKey[postgres.Server]()
_RUN = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Start PostgreSQL before the workers, and keep the developer's own settings out of the tests."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    if hasattr(config, "workerinput"):
        return
    config.stash[_RUN] = uuid.uuid4().hex[:8]
    if getattr(config.option, "dist", "no") != "no" and not config.option.collectonly:
        _server_url(config)


def pytest_configure_node(node: object) -> None:
    """Tell one pytest-xdist worker which server and run it belongs to."""
    config: pytest.Config = node.config  # type: ignore[attr-defined]
    node.workerinput["postgres_url"] = _server_url(config)  # type: ignore[attr-defined]
    node.workerinput["postgres_run"] = config.stash[_RUN]  # type: ignore[attr-defined]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop our own server; on a given one, remove our databases."""
    if hasattr(config, "workerinput"):
        return
    if server := config.stash.get(_SERVER, None):
        server.stop()
    elif given := os.environ.get(postgres.GIVEN):
        Databases(Path(), given, config.stash[_RUN]).drop_all()


def pytest_report_header() -> list[str]:
    """Name the databases that the tests use."""
    return ["SQLite: files in the temporary folder", postgres.description()]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a browser where there is none, unless REQUIRE_BROWSER says that there must be one."""
    if shutil.which("chromium"):
        return
    if os.environ.get(REQUIRE_BROWSER):
        raise pytest.UsageError(f"{REQUIRE_BROWSER} is set, but chromium is not installed")
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason="chromium is not installed"))


def _server_url(config: pytest.Config) -> str:
    given = os.environ.get(postgres.GIVEN)
    if given:
        return given
    if _SERVER not in config.stash:
        config.stash[_SERVER] = postgres.Server()
    return config.stash[_SERVER].url


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """Makes databases: `with databases.fresh("postgresql") as url`. For tests that share one over a module."""
    told = getattr(request.config, "workerinput", None)
    url = told["postgres_url"] if told else _server_url(request.config)
    run = told["postgres_run"] if told else request.config.stash[_RUN]
    return Databases(tmp_path_factory.mktemp("databases"), url, run)


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, databases: Databases) -> Iterator[str]:
    """A migrated, empty database: the test runs once on SQLite and once on PostgreSQL."""
    with databases.fresh(request.param) as url:
        yield url


@pytest.fixture(params=KINDS)
def bare_database_url(request: pytest.FixtureRequest, databases: Databases) -> Iterator[str]:
    """A database without tables, for the tests of the migrations."""
    with databases.fresh(request.param, migrated=False) as url:
        yield url


@pytest.fixture
def settings(database_url: str) -> Settings:
    """The settings of a service on `database_url`; all else as delivered, but that anybody may ask as often as it likes."""
    return Settings(database_url=database_url, cursor_key="c" * 32, rate_limit=0, rate_limit_tokens=0, rate_limit_sign_in=0)


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """The application in this process, on an empty database; `app.extensions["infusion_records"]` are its parts."""
    from service.app import create_app

    application = create_app(settings)
    yield application
    application.extensions["infusion_records"].database.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Sends requests to `app` without a network, as a client that may do everything."""
    return admitted(app)


@pytest.fixture
def live_server(database_url: str, tmp_path: Path) -> Iterator[Live]:
    """The real service under gunicorn on an empty database. For other settings use `tests.server.running`."""
    with running(tmp_path, database_url) as live:
        yield live
