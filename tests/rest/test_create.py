"""Creating: https://hl7.org/fhir/R4/http.html#create, #ccreate."""

import json

from flask.testing import FlaskClient

from tests.rest.made import BASE, FHIR, SYSTEM, create, fresh, issue, made, patient


def test_a_new_resource_is_created_under_an_id_of_the_server(api: FlaskClient) -> None:
    answer = create(api, {**patient(), "id": "mine"})
    assert answer.status_code == 201
    assert answer.json["id"] != "mine"
    assert answer.json["meta"]["versionId"] == "1"
    assert answer.headers["Location"] == f"{BASE}/Patient/{answer.json['id']}/_history/1"
    assert answer.headers["ETag"] == 'W/"1"'
    assert "Last-Modified" in answer.headers


def test_the_client_says_what_it_wants_back(api: FlaskClient) -> None:
    minimal = create(api, patient(), prefer="return=minimal")
    assert (minimal.status_code, minimal.data) == (201, b"")
    assert minimal.headers["Preference-Applied"] == "return=minimal"
    assert "Location" in minimal.headers
    outcome = create(api, patient(), prefer="return=OperationOutcome")
    assert outcome.json["resourceType"] == "OperationOutcome"
    assert create(api, patient(), prefer="return=representation").json["resourceType"] == "Patient"


def test_a_conditional_create_makes_one_resource(api: FlaskClient) -> None:
    value = fresh()
    first = create(api, patient(value), if_none_exist=f"identifier={SYSTEM}|{value}")
    again = create(api, patient(value), if_none_exist=f"identifier={SYSTEM}|{value}")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json == first.json
    assert again.headers["Location"] == first.headers["Location"]
    made(api, patient(value))
    issue(create(api, patient(value), if_none_exist=f"identifier={SYSTEM}|{value}"), 412)


def test_a_condition_that_cannot_be_understood_is_a_bad_request(api: FlaskClient) -> None:
    for condition in ("nonsense=1", "identifier", "%00=1", "?", "identifier=%ff"):
        issue(create(api, patient(), if_none_exist=condition), 400)
    issue(api.post("/fhir/Patient?identifier=x", json=patient()), 400)


def test_what_is_not_fhir_json_is_refused_with_the_reason(api: FlaskClient) -> None:
    for media in ("application/fhir+xml", "text/plain", "application/x-www-form-urlencoded", ""):
        answer = api.post("/fhir/Patient", data=b"<Patient/>", content_type=media)
        assert issue(answer, 415)["code"] == "not-supported"
    assert "XML is not offered" in api.post("/fhir/Patient", data=b"<Patient/>", content_type="text/xml").text
    issue(api.post("/fhir/Patient", data=json.dumps(patient()), content_type=f"{FHIR}; fhirVersion=3.0"), 415)
    issue(api.post("/fhir/Patient", data=json.dumps(patient()), content_type=f"{FHIR}; charset=latin-1"), 415)
    assert api.post("/fhir/Patient", data=json.dumps(patient()), content_type=f"{FHIR}; charset=UTF-8; fhirVersion=4.0").status_code == 201


def test_what_the_gate_refuses_names_every_element(api: FlaskClient) -> None:
    answer = create(api, {"resourceType": "Patient", "gender": "unknowable", "birthDate": "14.3.2026", "nonsense": 1})
    issue(answer, 422) if answer.status_code == 422 else issue(answer, 400)
    places = {line["expression"][0] for line in answer.json["issue"]}
    assert places >= {"Patient.gender", "Patient.birthDate"}
    assert all(line["details"]["coding"][0]["code"] for line in answer.json["issue"])


def test_a_resource_of_another_type_is_refused(api: FlaskClient) -> None:
    answer = api.post("/fhir/Patient", data=json.dumps({"resourceType": "Basic", "code": {"text": "x"}}), content_type=FHIR)
    assert answer.status_code in (400, 422)


def test_types_that_are_not_offered_say_so(api: FlaskClient) -> None:
    assert issue(create(api, {"resourceType": "Subscription"}), 422)["code"] == "not-supported"
    audit = create(api, {"resourceType": "AuditEvent"})
    issue(audit, 405)
    assert audit.headers["Allow"] == "GET, HEAD"
    issue(create(api, {"resourceType": "Nonsense"}), 404)
