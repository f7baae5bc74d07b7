"""Deleting: https://hl7.org/fhir/R4/http.html#delete, #cdelete."""

from dataclasses import replace

from flask.testing import FlaskClient

from service.app import create_app
from service.config import Settings
from tests.access import admitted
from tests.rest.made import SYSTEM, fresh, issue, made, observation, patient


def test_a_deletion_is_a_version_without_content(api: FlaskClient) -> None:
    subject = made(api, patient())
    answer = api.delete(f"/fhir/Patient/{subject['id']}")
    assert (answer.status_code, answer.data, answer.headers["ETag"]) == (204, b"", 'W/"2"')
    assert "Content-Type" not in answer.headers


def test_deleting_what_is_not_there_succeeds_and_writes_nothing(api: FlaskClient) -> None:
    assert api.delete(f"/fhir/Patient/{fresh()}").status_code == 204
    subject = made(api, patient())
    for _ in range(2):
        assert api.delete(f"/fhir/Patient/{subject['id']}").status_code == 204
    assert api.get(f"/fhir/Patient/{subject['id']}/_history").json["total"] == 2


def test_an_outcome_is_given_on_request(api: FlaskClient) -> None:
    subject = made(api, patient())
    answer = api.delete(f"/fhir/Patient/{subject['id']}", headers={"Prefer": "return=OperationOutcome"})
    assert (answer.status_code, answer.json["resourceType"]) == (200, "OperationOutcome")


def test_if_match_guards_a_deletion(api: FlaskClient) -> None:
    subject = made(api, patient())
    issue(api.delete(f"/fhir/Patient/{subject['id']}", headers={"If-Match": 'W/"2"'}), 412)
    assert api.delete(f"/fhir/Patient/{subject['id']}", headers={"If-Match": 'W/"1"'}).status_code == 204


def test_what_others_refer_to_is_kept_and_they_are_named(api: FlaskClient) -> None:
    subject = made(api, patient())
    stored = made(api, observation(f"Patient/{subject['id']}"))
    refusal = issue(api.delete(f"/fhir/Patient/{subject['id']}"), 409)
    assert f"Observation/{stored['id']}" in refusal["diagnostics"]
    api.delete(f"/fhir/Observation/{stored['id']}")
    assert api.delete(f"/fhir/Patient/{subject['id']}").status_code == 204


def test_a_conditional_delete_takes_one_match(api: FlaskClient) -> None:
    value = fresh()
    url = f"/fhir/Patient?identifier={SYSTEM}|{value}"
    assert api.delete(url).status_code == 204
    subject = made(api, patient(value))
    assert api.delete(url).status_code == 204
    issue(api.get(f"/fhir/Patient/{subject['id']}"), 410)
    kept = [made(api, patient(value)) for _ in range(2)]
    issue(api.delete(url), 412)
    assert all(api.get(f"/fhir/Patient/{one['id']}").status_code == 200 for one in kept)


def test_a_conditional_delete_needs_a_condition(api: FlaskClient) -> None:
    issue(api.delete("/fhir/Patient"), 400)
    issue(api.delete("/fhir/Patient?_count=1"), 400)
    issue(api.delete(f"/fhir/Patient/{fresh()}?active=true"), 400)


def test_several_are_deleted_where_the_setting_allows_it(settings: Settings) -> None:
    app = create_app(replace(settings, conditional_delete_multiple=True, conditional_delete_max=3))
    api = admitted(app)
    value = fresh()
    url = f"/fhir/Patient?identifier={SYSTEM}|{value}"
    kept = [made(api, patient(value)) for _ in range(4)]
    issue(api.delete(url), 412)
    assert api.delete(f"/fhir/Patient/{kept[0]['id']}").status_code == 204
    answer = api.delete(url)
    assert (answer.status_code, "ETag" in answer.headers) == (204, False)
    assert [api.get(f"/fhir/Patient/{one['id']}").status_code for one in kept] == [410] * 4
    app.extensions["infusion_records"].database.dispose()
