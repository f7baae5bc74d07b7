"""A clinic with one visit in its register, and a worker that makes exports."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.app import create_app
from service.config import Settings
from tests.access import admitted
from tests.databases import KINDS, Databases
from tests.register_exports.made import Maker, asked
from tests.sequencing.trails import SIGNER

VISIT = Path(__file__).parents[1] / "data/example-visit.json"


@dataclass(frozen=True, slots=True)
class Clinic:
    """The application on one database, a client that may do everything, and what makes exports. `made`: the id of one of the visit."""

    app: Flask
    client: FlaskClient
    maker: Maker
    made: str = ""


def _clinic(database_url: str, folder: Path) -> Clinic:
    given = {"audit_key": SIGNER.secret, "register_exports": str(folder / "exports"), "time_zone": "America/Denver"}
    limits = dict.fromkeys(("rate_limit", "rate_limit_tokens", "rate_limit_sign_in"), 0)
    app = create_app(Settings(database_url=database_url, cursor_key="c" * 32, **given, **limits))
    return Clinic(app, admitted(app), Maker(app.extensions["infusion_records"]))


def visited(clinic: Clinic, counted: str = "450") -> None:
    """Post the example visit; `counted` is what its count says that was in the vial, in mg."""
    text = VISIT.read_text()
    assert text.count('"value": 450,') == 1
    changed = text.replace('"value": 450,', f'"value": {counted},')
    answer = clinic.client.post("/fhir", data=changed.encode(), content_type="application/fhir+json")
    assert answer.status_code == 200, json.dumps(answer.json)[:2000]


@pytest.fixture
def empty(database_url: str, tmp_path: Path) -> Iterator[Clinic]:
    """A clinic without a record."""
    found = _clinic(database_url, tmp_path)
    yield found
    found.maker.service.database.dispose()


@pytest.fixture
def clinic(empty: Clinic) -> Clinic:
    """A clinic with the example visit, of the test alone."""
    visited(empty)
    return empty


@pytest.fixture(scope="module", params=KINDS)
def world(request: pytest.FixtureRequest, databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """A clinic with the example visit and an export of it, for tests that change neither."""
    with databases.fresh(request.param) as url:
        found = _clinic(url, tmp_path_factory.mktemp("world"))
        visited(found)
        id = asked(found.client)
        found.maker.make()
        yield replace(found, made=id)
        found.maker.service.database.dispose()
