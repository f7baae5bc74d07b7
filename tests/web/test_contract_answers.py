"""What openapi.yaml promises is what happens: statuses, header fields and media types of real answers are among the promised ones."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from service.app import create_app
from service.config import Settings
from tests.access import admitted
from tests.databases import Databases

CONTRACT = yaml.safe_load((Path(__file__).parents[2] / "openapi.yaml").read_text())
FHIR = "application/fhir+json"
PATIENT = {"resourceType": "Patient", "id": "p1", "gender": "other"}
NAMELESS = {"resourceType": "Patient", "gender": "other"}
WRONG = {"resourceType": "Patient", "id": "p1", "gender": 7}
BATCH = {"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "GET", "url": "Patient/p1"}}]}
PATCH = [{"op": "replace", "path": "/gender", "value": "female"}]
LABELS = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"tag": [{"system": "urn:test", "code": "t"}]}}]}
QUESTION = {
    "resourceType": "Parameters",
    "parameter": [
        {"name": "subject", "valueUri": "Patient/p1"},
        {"name": "code", "valueString": "x"},
        {"name": "statistic", "valueCode": "count"},
    ],
}
STATUS = "http://hl7.org/fhir/ValueSet/observation-status"
FINAL = "system=http://hl7.org/fhir/observation-status&code=final"
ID, TYPE = "/fhir/{type}/{id}", "/fhir/{type}"

CASES: list[tuple[int, str, str, str, Any, dict[str, str]]] = [
    (200, "GET", "/fhir/metadata", "/fhir/metadata", None, {}),
    (406, "GET", "/fhir/metadata", "/fhir/metadata", None, {"Accept": "application/fhir+xml"}),
    (200, "POST", "/fhir", "/fhir", BATCH, {}),
    (400, "POST", "/fhir", "/fhir", {"resourceType": "Bundle", "type": "collection"}, {}),
    (415, "POST", "/fhir", "/fhir", BATCH, {"Content-Type": "application/fhir+xml"}),
    (200, "GET", "/fhir?_type=Patient", "/fhir", None, {}),
    (400, "GET", "/fhir?nonsense=1", "/fhir", None, {}),
    (200, "GET", "/fhir/_history", "/fhir/_history", None, {}),
    (400, "GET", "/fhir/_history?_since=yesterday", "/fhir/_history", None, {}),
    (200, "GET", "/fhir/Patient?_count=1", TYPE, None, {}),
    (400, "GET", "/fhir/Patient?nonsense=1", TYPE, None, {}),
    (404, "GET", "/fhir/Nonsense", TYPE, None, {}),
    (422, "GET", "/fhir/Subscription", TYPE, None, {}),
    (201, "POST", "/fhir/Patient", TYPE, NAMELESS, {}),
    (200, "POST", "/fhir/Patient", TYPE, NAMELESS, {"If-None-Exist": "_id=p1"}),
    (405, "POST", "/fhir/AuditEvent", TYPE, {"resourceType": "AuditEvent"}, {}),
    (415, "POST", "/fhir/Patient", TYPE, NAMELESS, {"Content-Type": "text/csv"}),
    (422, "POST", "/fhir/Patient", TYPE, WRONG, {}),
    (200, "PUT", "/fhir/Patient?_id=p1", TYPE, NAMELESS, {}),
    (200, "PATCH", "/fhir/Patient?_id=p1", TYPE, PATCH, {"Content-Type": "application/json-patch+json"}),
    (404, "PATCH", "/fhir/Patient?_id=none", TYPE, PATCH, {"Content-Type": "application/json-patch+json"}),
    (204, "DELETE", "/fhir/Patient?_id=none", TYPE, None, {}),
    (200, "GET", "/fhir/Patient/_history", "/fhir/{type}/_history", None, {}),
    (200, "GET", "/fhir/Patient/p1", ID, None, {}),
    (304, "GET", "/fhir/Patient/p1", ID, None, {"If-None-Match": "*"}),
    (404, "GET", "/fhir/Patient/none", ID, None, {}),
    (410, "GET", "/fhir/Patient/gone", ID, None, {}),
    (200, "PUT", "/fhir/Patient/p1", ID, PATIENT, {}),
    (201, "PUT", "/fhir/Patient/p2", ID, PATIENT | {"id": "p2"}, {}),
    (412, "PUT", "/fhir/Patient/p1", ID, PATIENT, {"If-Match": 'W/"999"'}),
    (422, "PUT", "/fhir/Patient/p1", ID, WRONG, {}),
    (200, "PATCH", "/fhir/Patient/p1", ID, PATCH, {"Content-Type": "application/json-patch+json"}),
    (204, "DELETE", "/fhir/Patient/p1", ID, None, {}),
    (200, "DELETE", "/fhir/Patient/p1", ID, None, {"Prefer": "return=OperationOutcome"}),
    (412, "DELETE", "/fhir/Patient/p1", ID, None, {"If-Match": 'W/"999"'}),
    (200, "GET", "/fhir/Patient/p1/_history", "/fhir/{type}/{id}/_history", None, {}),
    (200, "GET", "/fhir/Patient/p1/_history/1", "/fhir/{type}/{id}/_history/{version}", None, {}),
    (404, "GET", "/fhir/Patient/p1/_history/999", "/fhir/{type}/{id}/_history/{version}", None, {}),
    (410, "GET", "/fhir/Patient/gone/_history/2", "/fhir/{type}/{id}/_history/{version}", None, {}),
    (200, "GET", "/fhir/Observation/$lastn?patient=p1", "/fhir/Observation/$lastn", None, {}),
    (400, "GET", "/fhir/Observation/$lastn", "/fhir/Observation/$lastn", None, {}),
    (200, "POST", "/fhir/Observation/$stats", "/fhir/Observation/$stats", QUESTION, {}),
    (422, "POST", "/fhir/Observation/$stats", "/fhir/Observation/$stats", {"resourceType": "Parameters", "wrong": 1}, {}),
    (415, "POST", "/fhir/Observation/$stats", "/fhir/Observation/$stats", QUESTION, {"Content-Type": "text/csv"}),
    (200, "GET", "/fhir/Patient/p1/$everything", "/fhir/Patient/{id}/$everything", None, {}),
    (404, "GET", "/fhir/Patient/none/$everything", "/fhir/Patient/{id}/$everything", None, {}),
    (410, "GET", "/fhir/Patient/gone/$everything", "/fhir/Patient/{id}/$everything", None, {}),
    (404, "GET", "/fhir/Encounter/none/$everything", "/fhir/Encounter/{id}/$everything", None, {}),
    (200, "GET", "/fhir/$meta", "/fhir/$meta", None, {}),
    (200, "GET", "/fhir/Patient/$meta", "/fhir/{type}/$meta", None, {}),
    (200, "GET", "/fhir/Patient/p1/$meta", "/fhir/{type}/{id}/$meta", None, {}),
    (200, "GET", "/fhir/Patient/p1/_history/1/$meta", "/fhir/{type}/{id}/_history/{version}/$meta", None, {}),
    (200, "POST", "/fhir/Patient/p1/$meta-add", "/fhir/{type}/{id}/$meta-add", LABELS, {}),
    (405, "POST", "/fhir/AuditEvent/p1/$meta-add", "/fhir/{type}/{id}/$meta-add", LABELS, {}),
    (410, "POST", "/fhir/Patient/gone/$meta-add", "/fhir/{type}/{id}/$meta-add", LABELS, {}),
    (412, "POST", "/fhir/Patient/p1/$meta-add", "/fhir/{type}/{id}/$meta-add", LABELS, {"If-Match": 'W/"999"'}),
    (200, "POST", "/fhir/Patient/p1/$meta-delete", "/fhir/{type}/{id}/$meta-delete", LABELS, {}),
    (200, "POST", "/fhir/Patient/$validate", "/fhir/{type}/$validate", WRONG, {}),
    (400, "GET", "/fhir/Patient/$validate", "/fhir/{type}/$validate", None, {}),
    (422, "POST", "/fhir/Patient/$validate?profile=urn:none", "/fhir/{type}/$validate", WRONG, {}),
    (200, "GET", "/fhir/Patient/p1/$validate?mode=delete", "/fhir/{type}/{id}/$validate", None, {}),
    (200, "POST", "/fhir/Patient/p1/$validate?mode=update", "/fhir/{type}/{id}/$validate", PATIENT, {"If-Match": 'W/"999"'}),
    (410, "GET", "/fhir/Patient/gone/$validate", "/fhir/{type}/{id}/$validate", None, {}),
    (200, "GET", f"/fhir/ValueSet/$expand?url={STATUS}", "/fhir/ValueSet/$expand", None, {}),
    (404, "GET", "/fhir/ValueSet/$expand?url=urn:none", "/fhir/ValueSet/$expand", None, {}),
    (422, "GET", "/fhir/ValueSet/$expand?url=http://snomed.info/sct?fhir_vs", "/fhir/ValueSet/$expand", None, {}),
    (404, "GET", "/fhir/ValueSet/none/$expand", "/fhir/ValueSet/{id}/$expand", None, {}),
    (200, "GET", f"/fhir/ValueSet/$validate-code?url={STATUS}&{FINAL}", "/fhir/ValueSet/$validate-code", None, {}),
    (404, "GET", f"/fhir/ValueSet/none/$validate-code?{FINAL}", "/fhir/ValueSet/{id}/$validate-code", None, {}),
    (200, "GET", f"/fhir/CodeSystem/$lookup?{FINAL}", "/fhir/CodeSystem/$lookup", None, {}),
    (404, "GET", f"/fhir/CodeSystem/$lookup?{FINAL}x", "/fhir/CodeSystem/$lookup", None, {}),
    (200, "GET", "/fhir/CodeSystem/$validate-code?url=http://unitsofmeasure.org&code=mg", "/fhir/CodeSystem/$validate-code", None, {}),
    (404, "GET", "/fhir/CodeSystem/none/$validate-code?code=mg", "/fhir/CodeSystem/{id}/$validate-code", None, {}),
    (200, "GET", f"/fhir/CodeSystem/$subsumes?{FINAL.replace('code', 'codeA')}&codeB=final", "/fhir/CodeSystem/$subsumes", None, {}),
    (404, "GET", "/fhir/CodeSystem/none/$subsumes?codeA=a&codeB=b", "/fhir/CodeSystem/{id}/$subsumes", None, {}),
    (200, "GET", f"/fhir/ConceptMap/$translate?{FINAL}", "/fhir/ConceptMap/$translate", None, {}),
    (400, "GET", "/fhir/ConceptMap/$translate", "/fhir/ConceptMap/$translate", None, {}),
    (404, "GET", f"/fhir/ConceptMap/none/$translate?{FINAL}", "/fhir/ConceptMap/{id}/$translate", None, {}),
    (200, "GET", "/livez", "/livez", None, {}),
    (200, "GET", "/readyz", "/readyz", None, {}),
    (200, "GET", "/", "/", None, {}),
    (200, "GET", "/docs", "/docs", None, {}),
    (200, "GET", "/openapi.yaml", "/openapi.yaml", None, {}),
]


@pytest.fixture(scope="module")
def application(databases: Databases) -> Iterator[FlaskClient]:
    """The application with a deleted patient, `gone`."""
    with databases.fresh("sqlite") as url:
        client = admitted(create_app(Settings(database_url=url)))
        client.put("/fhir/Patient/gone", json=PATIENT | {"id": "gone"}, content_type=FHIR)
        client.delete("/fhir/Patient/gone")
        yield client


@pytest.fixture
def client(application: FlaskClient) -> FlaskClient:
    """The application with the patient `p1` as it was at first."""
    application.put("/fhir/Patient/p1", json=PATIENT, content_type=FHIR)
    return application


def _promised(verb: str, path: str, status: int) -> dict[str, Any]:
    answer = CONTRACT["paths"][path][verb.lower()]["responses"][str(status)]
    name = answer.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = CONTRACT["components"]["responses"][name] if name else answer
    return found


def _ask(client: FlaskClient, verb: str, url: str, body: Any, headers: dict[str, str]) -> TestResponse:
    content = {} if body is None else {"json": body, "content_type": headers.get("Content-Type", FHIR)}
    return client.open(url, method=verb, headers={name: value for name, value in headers.items() if name != "Content-Type"}, **content)


@pytest.mark.parametrize(("status", "verb", "url", "path", "body", "headers"), CASES, ids=lambda case: str(case)[:40])
def test_an_answer_is_promised(
    client: FlaskClient, status: int, verb: str, url: str, path: str, body: Any, headers: dict[str, str]
) -> None:
    answer = _ask(client, verb, url, body, headers)
    assert answer.status_code == status, answer.text
    promise = _promised(verb, path, status)
    kept = {"ETag", "Last-Modified", "Location", "Content-Location", "Preference-Applied", "Allow", "Retry-After"}
    assert set(answer.headers.keys()) & kept <= promise.get("headers", {}).keys()
    if answer.data:
        assert answer.mimetype in promise["content"]


@pytest.mark.parametrize(
    ("status", "url"), [(case[0], case[2]) for case in CASES if case[1] == "GET" and "/fhir" in case[2] and not case[5]]
)
def test_every_answer_has_a_page(client: FlaskClient, status: int, url: str) -> None:
    answer = client.get(url, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.mimetype) == (status, "text/html"), answer.text


def test_every_header_that_is_promised_is_known() -> None:
    references = {
        header["$ref"].rpartition("/")[2]
        for answer in CONTRACT["components"]["responses"].values()
        for header in answer.get("headers", {}).values()
    }
    assert references <= CONTRACT["components"]["headers"].keys()


@pytest.mark.parametrize(
    ("example", "url"), [("Patient", "/fhir/Patient"), ("BloodPressure", "/fhir/Observation"), ("Transaction", "/fhir"), ("Batch", "/fhir")]
)
def test_the_examples_are_accepted(client: FlaskClient, example: str, url: str) -> None:
    answer = client.post(url, json=CONTRACT["components"]["examples"][example]["value"], content_type=FHIR)
    assert answer.status_code in (200, 201), answer.text
    assert [entry["response"]["status"] for entry in answer.get_json().get("entry", ()) if entry["response"]["status"] >= "4"] == []
