"""The clinic's definitions over HTTP: found by URL, shown as pages, and kept by the service."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from service.app import create_app
from service.fhir.guide import BASE, ID
from service.records import installation
from service.records.context import Context
from tests.access import TESTS, admitted
from tests.databases import KINDS, Databases
from tests.rest.conftest import SETTINGS
from tests.rest.made import bundle, create, entry, issue, put

PROFILE = f"{BASE}/StructureDefinition/infusion-heart-rate"
OF_EACH_TYPE = [
    "CodeSystem/ketamine-clinic",
    "ConceptMap/ketamine-clinic-to-standard",
    f"ImplementationGuide/{ID}",
    "OperationDefinition/Observation-lastn",
    "Questionnaire/discharge-criteria",
    "SearchParameter/Flag-status",
    "StructureDefinition/infusion-heart-rate",
    "ValueSet/rescue-medications",
]
HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module", params=KINDS)
def api(request: pytest.FixtureRequest, databases: Databases) -> Iterator[FlaskClient]:
    """A service whose database was upgraded as an operator does it."""
    with databases.fresh(request.param) as url:
        app = create_app(replace(SETTINGS, database_url=url))
        parts = app.extensions["infusion_records"]
        installation.install(Context(parts, TESTS))
        yield admitted(app)
        parts.database.dispose()


@pytest.mark.parametrize("address", OF_EACH_TYPE)
def test_a_definition_is_found_by_its_canonical_url(api: FlaskClient, address: str) -> None:
    type = address.partition("/")[0]
    found = api.get(f"/fhir/{type}", query_string={"url": f"{BASE}/{address}"}).json
    assert [one["resource"]["id"] for one in found["entry"]] == [address.partition("/")[2]]


@pytest.mark.parametrize("address", OF_EACH_TYPE)
def test_a_definition_has_a_page_and_a_history(api: FlaskClient, address: str) -> None:
    assert api.get(f"/fhir/{address}", headers=HTML).status_code == 200
    assert api.get(f"/fhir/{address}/_history").json["total"] == 1


def test_a_profile_is_served_with_its_snapshot(api: FlaskClient) -> None:
    (found,) = api.get("/fhir/StructureDefinition", query_string={"url": PROFILE}).json["entry"]
    assert len(found["resource"]["snapshot"]["element"]) > 50
    page = api.get("/fhir/StructureDefinition/infusion-heart-rate", headers=HTML).text
    assert "Table of elements" in page


def test_the_guide_lists_what_the_service_has(api: FlaskClient) -> None:
    listed = api.get(f"/fhir/ImplementationGuide/{ID}").json["definition"]["resource"]
    assert len(listed) > 100
    assert [one for one in listed if "exampleCanonical" in one] == []
    for one in listed[:: len(listed) // 10]:
        assert api.get(f"/fhir/{one['reference']['reference']}").status_code == 200


def test_ready_says_nothing_more_when_all_is_installed(api: FlaskClient) -> None:
    assert "definitions" not in api.get("/readyz").text


def test_a_client_cannot_change_delete_or_double_one(api: FlaskClient) -> None:
    stored = api.get("/fhir/StructureDefinition/infusion-heart-rate").json
    changed = {**stored, "title": "Mine"}
    double = {name: value for name, value in changed.items() if name not in ("id", "meta")}
    refusals = [
        issue(put(api, "StructureDefinition/infusion-heart-rate", changed), 422),
        issue(api.delete("/fhir/StructureDefinition/infusion-heart-rate"), 409),
        issue(create(api, double), 422),
        issue(api.delete("/fhir/StructureDefinition", query_string={"url": PROFILE}), 409),
        issue(put(api, f"StructureDefinition?url={PROFILE}", double), 422),
    ]
    for one in refusals:
        assert one["details"]["coding"][0]["code"] == "clinic-definition"
        assert "Publish your own" in one["diagnostics"]
    assert api.get("/fhir/StructureDefinition/infusion-heart-rate").json == stored


def test_a_patch_is_refused_too(api: FlaskClient) -> None:
    operations = [{"op": "replace", "path": "/status", "value": "retired"}]
    answer = api.patch("/fhir/CodeSystem/ketamine-clinic", json=operations, headers={"Content-Type": "application/json-patch+json"})
    assert issue(answer, 422)["expression"] == ["CodeSystem.id"]


def test_in_a_transaction_it_undoes_the_rest_and_in_a_batch_it_does_not(api: FlaskClient) -> None:
    stolen = {"resourceType": "ValueSet", "url": f"{BASE}/ValueSet/rescue-medications", "status": "draft"}
    entries = (
        entry("PUT", "Basic/beside", {"resourceType": "Basic", "id": "beside", "code": {"text": "x"}}),
        entry("POST", "ValueSet", stolen),
    )
    refused = api.post("/fhir", json=bundle("transaction", *entries))
    assert "Bundle.entry[1]" in issue(refused, 422)["expression"][0]
    assert api.get("/fhir/Basic/beside").status_code == 404
    statuses = [one["response"]["status"] for one in api.post("/fhir", json=bundle("batch", *entries)).json["entry"]]
    assert [status[:3] for status in statuses] == ["201", "422"]


def test_who_asks_for_one_only_if_there_is_none_gets_it(api: FlaskClient) -> None:
    mine = {"resourceType": "ValueSet", "url": f"{BASE}/ValueSet/rescue-medications", "status": "draft"}
    answer = create(api, mine, **{"If-None-Exist": f"url={mine['url']}"})
    assert answer.status_code == 200
    assert answer.headers["Location"].split("/_history")[0].endswith("/ValueSet/rescue-medications")


def test_a_profile_of_ones_own_may_be_derived_from_one(api: FlaskClient) -> None:
    own = {
        "resourceType": "StructureDefinition",
        "url": "https://else.example/StructureDefinition/pulse",
        "name": "Pulse",
        "status": "draft",
        "kind": "resource",
        "abstract": False,
        "type": "Observation",
        "baseDefinition": PROFILE,
        "derivation": "constraint",
        "differential": {"element": [{"id": "Observation", "path": "Observation"}]},
    }
    assert create(api, own).status_code == 201
