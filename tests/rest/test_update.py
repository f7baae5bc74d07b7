"""Updating: https://hl7.org/fhir/R4/http.html#update, #cond-update, #concurrency."""

from flask.testing import FlaskClient

from tests.rest.made import BASE, SYSTEM, fresh, issue, made, patient, put


def test_an_update_writes_the_next_version(api: FlaskClient) -> None:
    subject = made(api, patient())
    answer = put(api, f"Patient/{subject['id']}", {**subject, "active": False})
    assert answer.status_code == 200
    assert answer.json["meta"]["versionId"] == "2"
    assert answer.headers["ETag"] == 'W/"2"'
    assert answer.headers["Content-Location"] == f"{BASE}/Patient/{subject['id']}/_history/2"


def test_an_update_that_changes_nothing_keeps_the_version(api: FlaskClient) -> None:
    subject = made(api, patient())
    answer = put(api, f"Patient/{subject['id']}", subject)
    assert (answer.status_code, answer.headers["ETag"]) == (200, 'W/"1"')
    assert answer.json == subject


def test_an_update_to_a_free_id_creates_the_resource_there(api: FlaskClient) -> None:
    id = fresh()
    answer = put(api, f"Patient/{id}", {**patient(), "id": id})
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"{BASE}/Patient/{id}/_history/1"
    assert api.get(f"/fhir/Patient/{id}").json["id"] == id


def test_the_id_of_the_body_is_that_of_the_url(api: FlaskClient) -> None:
    issue(put(api, f"Patient/{fresh()}", {**patient(), "id": fresh()}), 400)
    issue(put(api, f"Patient/{fresh()}", patient()), 400)
    issue(put(api, "Patient/not_an_id!", {**patient(), "id": "not_an_id!"}), 400)
    issue(put(api, "Patient/" + "a" * 65, {**patient(), "id": "a" * 65}), 400)


def test_if_match_guards_against_overwriting(api: FlaskClient) -> None:
    subject = made(api, patient())
    url = f"Patient/{subject['id']}"
    assert put(api, url, {**subject, "active": False}, if_match='W/"1"').status_code == 200
    issue(put(api, url, subject, if_match='W/"1"'), 412)
    issue(put(api, url, subject, if_match='W/"99999999999999999999"'), 412)
    issue(put(api, url, subject, if_match="1"), 400)
    assert api.get(f"/fhir/{url}").json["active"] is False


def test_if_match_on_what_is_not_there_fails(api: FlaskClient) -> None:
    id = fresh()
    issue(put(api, f"Patient/{id}", {**patient(), "id": id}, if_match='W/"1"'), 412)


def test_if_none_match_star_creates_and_never_replaces(api: FlaskClient) -> None:
    id = fresh()
    subject = {**patient(), "id": id}
    assert put(api, f"Patient/{id}", subject, if_none_match="*").status_code == 201
    issue(put(api, f"Patient/{id}", {**subject, "active": False}, if_none_match="*"), 412)
    issue(put(api, f"Patient/{id}", subject, if_none_match='W/"1"'), 400)


def test_a_deleted_resource_can_be_brought_back(api: FlaskClient) -> None:
    subject = made(api, patient())
    api.delete(f"/fhir/Patient/{subject['id']}")
    answer = put(api, f"Patient/{subject['id']}", subject)
    assert (answer.status_code, answer.headers["ETag"]) == (201, 'W/"3"')
    assert api.get(f"/fhir/Patient/{subject['id']}").status_code == 200


def test_a_conditional_update_makes_then_replaces_one_resource(api: FlaskClient) -> None:
    value = fresh()
    url = f"Patient?identifier={SYSTEM}|{value}"
    first = put(api, url, patient(value))
    assert first.status_code == 201
    second = put(api, url, patient(value, active=False))
    assert (second.status_code, second.json["id"]) == (200, first.json["id"])
    issue(put(api, url, {**patient(value), "id": fresh()}), 400)
    made(api, patient(value))
    issue(put(api, url, patient(value)), 412)


def test_a_conditional_update_without_a_condition_is_refused(api: FlaskClient) -> None:
    issue(put(api, "Patient", patient()), 400)
    issue(put(api, "Patient?_count=1", patient()), 400)
    issue(put(api, "Patient?nonsense=1", patient()), 400)


def test_minimal_answers_have_no_body(api: FlaskClient) -> None:
    subject = made(api, patient())
    answer = put(api, f"Patient/{subject['id']}", {**subject, "active": False}, prefer="return=minimal")
    assert (answer.status_code, answer.data, answer.headers["ETag"]) == (200, b"", 'W/"2"')


def test_a_part_of_a_resource_does_not_replace_the_whole(api: FlaskClient) -> None:
    subject = made(api, patient())
    part = api.get(f"/fhir/Patient/{subject['id']}?_summary=true").json
    found = issue(put(api, f"Patient/{subject['id']}", part), 422)
    assert found["expression"] == ["Patient.meta.tag"]
    assert api.get(f"/fhir/Patient/{subject['id']}").json == subject
