"""A clinic with one visit in its register, and a worker that makes exports."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.app import create_app
from service.config import Settings
from service.records.context import Service
from tests.access import admitted
from tests.register_exports.made import Maker
from tests.sequencing.trails import SIGNER

VISIT = Path(__file__).parents[1] / "data/example-visit.json"


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """Those of every test, with a key that signs and a directory for exports."""
    return replace(settings, audit_key=SIGNER.secret, register_exports=str(tmp_path / "exports"), time_zone="America/Denver")


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """The application."""
    application = create_app(settings)
    yield application
    application.extensions["infusion_records"].database.dispose()


@pytest.fixture
def parts(app: Flask) -> Service:
    """The parts of the application."""
    found: Service = app.extensions["infusion_records"]
    return found


@pytest.fixture
def visit(client: FlaskClient) -> FlaskClient:
    """The example visit is in the record; a client that may do everything."""
    answer = client.post("/fhir", data=VISIT.read_bytes(), content_type="application/fhir+json")
    assert answer.status_code == 200, json.dumps(answer.json)[:2000]
    return client


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client that may do everything."""
    return admitted(app)


@pytest.fixture
def maker(parts: Service) -> Maker:
    """What makes exports, when the test says so."""
    return Maker(parts)
