"""An audit trail for the tests of a module, on each database: read only."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask

from service.app import create_app
from service.config import Settings
from service.records.context import Service
from tests.audit_view.world import Told, fill
from tests.databases import KINDS, Databases


@dataclass(frozen=True)
class Trail:
    """The application on it, and what is in it, the oldest first."""

    app: Flask
    told: list[Told]

    @property
    def service(self) -> Service:
        """The parts of the application."""
        parts: Service = self.app.extensions["infusion_records"]
        return parts


@pytest.fixture(scope="module", params=KINDS)
def trail(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Trail]:
    """The audit trail of `world`."""
    with databases.fresh(request.param) as url:
        app = create_app(Settings(database_url=url, cursor_key="c" * 32, time_zone="America/Los_Angeles"))
        yield Trail(app, fill(app.extensions["infusion_records"]))
        app.extensions["infusion_records"].database.dispose()
