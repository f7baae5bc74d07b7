"""`_explain=true`: for administrators, when the setting allows it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from service.app import create_app
from tests.access import admitted
from tests.databases import KINDS, Databases
from tests.rest.conftest import SETTINGS
from tests.rest.made import issue, made, patient


@pytest.fixture(scope="module", params=KINDS)
def open_api(request: pytest.FixtureRequest, databases: Databases) -> Iterator[FlaskClient]:
    """A service that explains its searches."""
    with databases.fresh(request.param) as url:
        app = create_app(replace(SETTINGS, database_url=url, explain=True))
        yield admitted(app)
        app.extensions["infusion_records"].database.dispose()


def test_a_search_is_explained(open_api: FlaskClient) -> None:
    person = made(open_api, patient("explained"))
    answer = open_api.get("/fhir/Patient?identifier=explained&_explain=true")
    matched, outcome = answer.json["entry"]
    assert matched["resource"]["id"] == person["id"]
    assert outcome["search"] == {"mode": "outcome"}
    question, statement, *_ = outcome["resource"]["issue"]
    assert question["details"]["coding"][0]["code"] == "explain-query"
    assert "Match(parameter='identifier'" in question["diagnostics"]
    assert statement["severity"] == "information"
    told = statement["diagnostics"]
    assert "SELECT" in told
    assert "explained" in told.partition("-- parameters:")[2]
    assert "search_token" in told.partition("-- plan:")[2]


def test_every_kind_of_search_is_explained(open_api: FlaskClient) -> None:
    person = made(open_api, patient())
    for query in (
        "Patient?name=x&_sort=-birthdate&_total=accurate&_explain=true",
        "Observation?subject:Patient.name=x&_include=Observation:subject&_explain=true",
        "Patient?_summary=count&_explain=true",
        "?_type=Patient,Observation&_lastUpdated=ge2026&_explain=true",
        f"Patient/{person['id']}/Observation?code=x&_explain=true",
    ):
        answer = open_api.get(f"/fhir/{query}")
        outcome = answer.json["entry"][-1]["resource"]
        assert [one["details"]["coding"][0]["code"] for one in outcome["issue"]][:1] == ["explain-query"], query


def test_nothing_is_explained_without_asking(open_api: FlaskClient) -> None:
    plain = open_api.get("/fhir/Patient?identifier=nobody")
    assert "entry" not in plain.json
    assert "entry" not in open_api.get("/fhir/Patient?identifier=nobody&_explain=false").json
    issue(open_api.get("/fhir/Patient?_explain=maybe"), 400)


def test_the_setting_decides(api: FlaskClient) -> None:
    told = issue(api.get("/fhir/Patient?_explain=true"), 400)
    assert told["expression"] == ["http._explain"]
    assert "INFUSION_RECORDS_EXPLAIN" in told["diagnostics"]
