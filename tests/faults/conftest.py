"""The real service under gunicorn, once per database and process, and a Service beside it on the same kind of database."""

from collections.abc import Iterator

import pytest

from tests.databases import KINDS, Databases
from tests.faults.target import Target, await_true
from tests.server import running
from tests.services import ctx, parts, service, shared_postgresql

WORKERS = 2

__all__ = ["ctx", "parts", "service", "shared_postgresql"]


@pytest.fixture(scope="session", params=KINDS)
def _shared(request: pytest.FixtureRequest, databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with (
        databases.fresh(request.param) as url,
        running(tmp_path_factory.mktemp("abuse"), url, "--workers", str(WORKERS), body_bytes=256 * 1024, bundle_bytes=512 * 1024) as live,
    ):
        target = Target(live)
        await_true(lambda: len(target.workers()) == WORKERS)
        yield target


@pytest.fixture
def target(_shared: Target) -> Iterator[Target]:
    """The running service. Whatever a test does to it: no answer is a 500, no worker is lost, and it still works."""
    workers = _shared.workers()
    _shared.mark()
    yield _shared
    _shared.require_unhurt(workers)
