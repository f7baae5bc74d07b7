"""`$validate`: what is wrong with a resource, and that it says of a write what the write is told."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.rest.made import BASE, FHIR, SYSTEM, create, entry, fresh, issue, made, named, observation, patient, process, put

Issues = list[dict[str, Any]]


def _parameters(resource: Any = None, **primitives: str) -> dict[str, Any]:
    given: list[dict[str, Any]] = [{"name": name, "valueString": value} for name, value in primitives.items()]
    if resource is not None:
        given.append({"name": "resource", "resource": resource})
    return {"resourceType": "Parameters", "parameter": given}


def _ask(clinic: FlaskClient, url: str, body: Any, **headers: str) -> TestResponse:
    text = body if isinstance(body, str) else json.dumps(body)
    return clinic.post(f"/fhir/{url}", data=text, content_type=FHIR, headers=named(headers))


def _issues(answer: TestResponse) -> Issues:
    assert answer.status_code == 200, answer.text
    assert answer.json["resourceType"] == "OperationOutcome"
    found: Issues = answer.json["issue"]
    return found


def _rules(issues: Issues) -> list[str]:
    return [one["details"]["coding"][0]["code"] for one in issues]


def _errors(answer: TestResponse) -> Issues:
    return [one for one in _issues(answer) if one["severity"] == "error"]


def _counted(clinic: FlaskClient, type: str) -> int:
    total: int = clinic.get(f"/fhir/{type}/_history?_count=1").json["total"]
    return total


def test_content_alone_and_in_parameters(clinic: FlaskClient) -> None:
    wrong = patient(gender="mael", birthDate="2026-02-31")
    for body in (wrong, _parameters(wrong)):
        found = _errors(_ask(clinic, "Patient/$validate", body))
        assert {one["expression"][0] for one in found} == {"Patient.gender", "Patient.birthDate"}
        assert all(one["diagnostics"] and one["details"] for one in found)
    right = _ask(clinic, "Patient/$validate", patient(gender="male"))
    assert _errors(right) == []
    assert _issues(right)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"resourceType": "Observation"},
        {"resourceType": 7},
        {"resourceType": "Nonsense"},
        {"resourceType": "Patient", "id": {"a": 1}},
        {"resourceType": "Patient", "id": None},
        {"resourceType": "Patient", "meta": 3, "contained": "x"},
        {"resourceType": "Patient", "contact": [None, 1, []]},
        {"resourceType": "Patient", "managingOrganization": {"reference": 5}},
        {"resourceType": "Patient", "managingOrganization": {"reference": "Organization?name=a&&&=&_sort=x"}, "active": "?"},
        {"resourceType": "Patient", "managingOrganization": {"reference": "urn:uuid:x"}},
        {"resourceType": "Patient", "text": {"status": "generated", "div": "<div"}},
    ],
)
def test_hostile_content_is_judged_in_every_mode(clinic: FlaskClient, body: Any) -> None:
    for url in ("Patient/$validate", "Patient/$validate?mode=create", "Patient/x/$validate?mode=update"):
        is_right_alone = url == "Patient/$validate" and "urn:uuid:x" in json.dumps(body)
        assert bool(_errors(_ask(clinic, url, body))) is not is_right_alone, url
        assert bool(_errors(_ask(clinic, url, _parameters(body)))) is not is_right_alone, url


def test_a_create_is_told_what_it_would_be_told(clinic: FlaskClient) -> None:
    value, missing = fresh(), f"Patient/{fresh()}"
    for _ in range(2):
        made(clinic, patient(value))
    before = _counted(clinic, "Observation"), _counted(clinic, "Patient")
    several = {"if_none_exist": f"identifier={SYSTEM}|{value}"}
    cases: list[tuple[Any, dict[str, str]]] = [
        (observation(missing), {}),
        (observation(f"Patient?identifier={SYSTEM}|{value}"), {}),
        (observation(f"Patient?identifier={SYSTEM}|nobody"), {}),
        (observation("urn:uuid:5f1c1c0e-8f5b-4f60-9d0a-0d3f4f0a7b11"), {}),
        (observation(missing, status="done"), {}),
        (json.dumps(patient()), several),
        (json.dumps(patient(managingOrganization={"reference": "Organization/none"})), {}),
        (json.dumps({"resourceType": "AuditEvent"}), {}),
    ]
    for text, headers in cases:
        refusal = create(clinic, text, **headers)
        assert refusal.status_code >= 400, text
        told = _errors(_ask(clinic, f"{json.loads(text)['resourceType']}/$validate?mode=create", text, **headers))
        assert set(_rules(refusal.json["issue"])) <= set(_rules(told)), text
    both = _errors(_ask(clinic, "Observation/$validate?mode=create", observation(missing, status="done")))
    assert [one["expression"] for one in both] == [["Observation.status"], ["Observation.subject.reference"]]
    assert (_counted(clinic, "Observation"), _counted(clinic, "Patient")) == before


def test_what_would_become_of_a_create(clinic: FlaskClient) -> None:
    value = fresh()
    asked: Callable[[], list[str]] = lambda: _rules(  # noqa: E731
        _issues(_ask(clinic, "Patient/$validate?mode=create", patient(value), if_none_exist=f"identifier={SYSTEM}|{value}"))
    )
    assert asked()[-1] == "would-be-created"
    id = made(clinic, patient(value))["id"]
    assert asked()[-1] == "would-be-existing"
    resolved = _issues(_ask(clinic, "Observation/$validate?mode=create", observation(f"Patient?identifier={SYSTEM}|{value}")))
    assert _rules(resolved)[-1] == "would-be-created"
    assert clinic.get(f"/fhir/Observation?subject=Patient/{id}").json["total"] == 0


def test_an_update_is_told_what_it_would_be_told(clinic: FlaskClient) -> None:
    person = made(clinic, patient())
    url, address = f"Patient/{person['id']}/$validate?mode=update", f"Patient/{person['id']}"
    cases: list[tuple[Any, dict[str, str]]] = [
        ({**person, "id": "other"}, {}),
        ({**person, "active": False}, {"if_match": 'W/"7"'}),
        ({**person, "active": False}, {"if_match": 'W/"never"'}),
        ({**person, "active": False}, {"if_none_match": "*"}),
        ({**person, "active": "no"}, {}),
        ({**person, "meta": {"tag": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}]}}, {}),
    ]
    for body, headers in cases:
        refusal = put(clinic, address, body, **headers)
        assert refusal.status_code >= 400, body
        told = _errors(_ask(clinic, url, body, **headers))
        assert set(_rules(refusal.json["issue"])) <= set(_rules(told)), body
    assert _rules(_issues(_ask(clinic, url, {**person, "active": False}, if_match='W/"1"')))[-1] == "would-be-updated"
    assert _rules(_issues(_ask(clinic, url, person)))[-1] == "would-be-unchanged"
    new = {**patient(), "id": "new-one"}
    assert _rules(_issues(_ask(clinic, "Patient/new-one/$validate?mode=update", new)))[-1] == "would-be-created"
    assert clinic.get("/fhir/Patient/new-one").status_code == 404
    assert clinic.get(f"/fhir/{address}").json == person
    issue(_ask(clinic, url, person, if_match="x"), 400)


def test_a_deletion_is_told_who_objects(clinic: FlaskClient) -> None:
    person = made(clinic, patient())
    address = f"Patient/{person['id']}"
    url = f"/fhir/{address}/$validate?mode=delete"
    assert _rules(_issues(clinic.get(url))) == ["would-be-deleted"]
    seen = made(clinic, observation(address))
    (told,) = _errors(clinic.get(url))
    assert seen["id"] in told["diagnostics"]
    assert set(_rules(clinic.delete(f"/fhir/{address}").json["issue"])) == {"delete-referenced"} == set(_rules([told]))
    assert _rules(_errors(clinic.get(f"/fhir/Observation/{seen['id']}/$validate?mode=delete", headers={"If-Match": 'W/"9"'}))) == [
        "if-match"
    ]
    assert clinic.delete(f"/fhir/Observation/{seen['id']}").status_code == 204
    assert _rules(_issues(_ask(clinic, f"{address}/$validate", _parameters(mode="delete")))) == ["would-be-deleted"]
    assert _rules(_issues(clinic.get("/fhir/Patient/nobody/$validate?mode=delete"))) == ["would-be-absent"]
    assert _rules(_errors(clinic.get("/fhir/AuditEvent/x/$validate?mode=delete"))) == ["method"]
    assert clinic.get(f"/fhir/{address}").status_code == 200


BP = "http://hl7.org/fhir/StructureDefinition/bp"
ISSUE_PROFILE = "https://clinic.example/fhir/StructureDefinition/issue-profile"


def test_profiles_are_asked_for(clinic: FlaskClient) -> None:
    text = observation("Patient/nobody")
    assert _errors(_ask(clinic, "Observation/$validate", text)) == []
    found = _errors(_ask(clinic, f"Observation/$validate?profile={BP}", text))
    assert {one["extension"][0]["url"] for one in found} == {ISSUE_PROFILE}
    assert {one["extension"][0]["valueCanonical"].partition("|")[0] for one in found} == {BP}
    claimed = json.loads(text) | {"meta": {"profile": [BP]}}
    refusal = create(clinic, claimed)
    for url in ("Observation/$validate", "Observation/$validate?mode=create", f"Observation/$validate?profile={BP}"):
        told = _errors(_ask(clinic, url, claimed))
        assert set(_rules([one for one in refusal.json["issue"] if one["severity"] == "error"])) <= set(_rules(told))
        assert "slice-minimum" in _rules(told)
    for profile in ("http://x.example/none", f"{BP}|9", "", "Patient", "http://hl7.org/fhir/StructureDefinition/Patient"):
        answer = _ask(clinic, f"Observation/$validate?profile={profile}", text)
        assert answer.status_code in (400, 422), profile
    assert BP in issue(_ask(clinic, "Observation/$validate?profile=http://x.example/none", text), 422)["diagnostics"]
    assert "other versions of it: 4.0.1" in issue(_ask(clinic, f"Observation/$validate?profile={BP}|9", text), 422)["diagnostics"]
    several = _errors(_ask(clinic, f"Observation/$validate?profile={BP}&profile=http://hl7.org/fhir/StructureDefinition/heartrate", text))
    assert len({one["extension"][0]["valueCanonical"] for one in several}) == 2


def test_what_is_stored_is_held_to_a_profile(clinic: FlaskClient) -> None:
    person = made(clinic, patient())
    seen = made(clinic, observation(f"Patient/{person['id']}"))
    assert "slice-minimum" in _rules(_errors(clinic.get(f"/fhir/Observation/{seen['id']}/$validate?mode=profile&profile={BP}")))


def test_codes_that_cannot_be_checked_are_told(clinic: FlaskClient) -> None:
    profile = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-procedure"
    procedure = {
        "resourceType": "Procedure",
        "meta": {"profile": [profile]},
        "status": "completed",
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "not-known-here"}]},
        "subject": {"reference": "Patient/nobody"},
        "performedDateTime": "2026-03-14T10:00:00Z",
    }
    told = _issues(_ask(clinic, "Procedure/$validate", procedure))
    assert [one["expression"] for one in told if one["details"]["coding"][0]["code"] == "code-not-checked"] == [["Procedure.code"]]
    assert _errors(_ask(clinic, "Procedure/$validate", procedure)) == []


def test_what_is_stored_is_judged_where_nothing_is_sent(clinic: FlaskClient) -> None:
    person = made(clinic, patient())
    assert _errors(clinic.get(f"/fhir/Patient/{person['id']}/$validate")) == []
    issue(clinic.get("/fhir/Patient/nobody/$validate"), 404)
    gone = made(clinic, patient())
    clinic.delete(f"/fhir/Patient/{gone['id']}")
    issue(clinic.get(f"/fhir/Patient/{gone['id']}/$validate"), 410)


@pytest.mark.parametrize(
    ("url", "body"),
    [
        ("Patient/$validate", None),
        ("Patient/$validate?mode=create", None),
        ("Patient/x/$validate?mode=update", None),
        ("Patient/x/$validate?mode=create", patient()),
        ("Patient/$validate?mode=update", patient()),
        ("Patient/$validate?mode=delete", None),
        ("Patient/$validate?mode=profile&profile=http://hl7.org/fhir/StructureDefinition/Patient", patient()),
        ("Patient/x/$validate?mode=profile", None),
        ("Patient/x/$validate?mode=delete&profile=http://hl7.org/fhir/StructureDefinition/Patient", None),
        ("Patient/$validate?mode=destroy", patient()),
        ("Patient/$validate?mode=", patient()),
        ("Patient/$validate?depth=3", patient()),
        ("Patient/$validate?resource=x", None),
        ("Patient/$validate?mode=create&mode=create", patient()),
        ("Patient/$validate", {"resourceType": "Parameters", "parameter": [{"name": "resource", "valueString": "x"}]}),
        ("Patient/$validate", {"resourceType": "Parameters", "parameter": [{"name": "mode", "resource": patient()}]}),
        ("Patient/$validate", _parameters(mode="nonsense")),
    ],
)
def test_a_request_that_is_wrong_itself_is_refused(clinic: FlaskClient, url: str, body: Any) -> None:
    issue(clinic.get(f"/fhir/{url}") if body is None else _ask(clinic, url, body), 400)


@pytest.mark.parametrize("parameter", ["x", [], {}, ["x"], [{}], [{"name": "resource", "resource": "x"}], [{"name": 1}]])
def test_parameters_that_are_no_parameters_are_refused(clinic: FlaskClient, parameter: Any) -> None:
    assert _ask(clinic, "Patient/$validate", {"resourceType": "Parameters", "parameter": parameter}).status_code in (400, 422)


def test_what_cannot_be_read_is_refused(clinic: FlaskClient) -> None:
    issue(_ask(clinic, "Patient/$validate", '{"resourceType":'), 400)
    issue(_ask(clinic, "Patient/$validate", "[1]"), 400)
    issue(clinic.post("/fhir/Patient/$validate", data="<Patient/>", content_type="application/fhir+xml"), 415)
    issue(_ask(clinic, "Nonsense/$validate", patient()), 404)
    issue(clinic.put("/fhir/Patient/$validate", json=patient(), content_type=FHIR), 405)


def test_in_bundles(clinic: FlaskClient) -> None:
    person = made(clinic, patient())
    address = f"Patient/{person['id']}"
    asked = (entry("POST", "Patient/$validate?mode=create", patient(gender="x")), entry("GET", f"{address}/$validate?mode=delete"))
    answers = process(clinic, "batch", *asked).json["entry"]
    assert [one["response"]["status"] for one in answers] == ["200 OK"] * 2
    assert answers[0]["response"]["outcome"]["issue"][0]["severity"] == "error"
    change = entry("PUT", address, {**person, "active": False})
    read = process(clinic, "transaction", change, entry("GET", f"{address}/$validate?mode=delete")).json["entry"][1]
    assert _rules(read["response"]["outcome"]["issue"]) == ["would-be-deleted"]
    assert clinic.get(f"/fhir/{address}").json["meta"]["versionId"] == "2"


def test_absolute_references_count_as_well(clinic: FlaskClient) -> None:
    (told,) = _errors(_ask(clinic, "Observation/$validate?mode=create", observation(f"{BASE}/Patient/nobody")))
    assert told["expression"] == ["Observation.subject.reference"]
