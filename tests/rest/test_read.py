"""Reading: https://hl7.org/fhir/R4/http.html#read, #cread, #vread."""

import re

import pytest
from flask.testing import FlaskClient

from tests.rest.made import BASE, create, fresh, issue, made, observation, patient, put


def test_a_read_gives_the_stored_text_with_its_validators(api: FlaskClient) -> None:
    subject = made(api, patient())
    stored = create(api, observation(f"Patient/{subject['id']}", "1.10"))
    answer = api.get(f"/fhir/Observation/{stored.json['id']}")
    assert answer.status_code == 200
    assert answer.text == stored.text
    assert '"value":1.10' in answer.text
    assert answer.headers["ETag"] == 'W/"1"'
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", answer.headers["Last-Modified"])
    assert answer.headers["Content-Location"] == f"{BASE}/Observation/{stored.json['id']}/_history/1"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", answer.json["meta"]["lastUpdated"])


def test_a_current_copy_is_answered_not_modified(api: FlaskClient) -> None:
    subject = made(api, patient())
    url = f"/fhir/Patient/{subject['id']}"
    modified = api.get(url).headers["Last-Modified"]
    for headers in ({"If-None-Match": 'W/"1"'}, {"If-None-Match": 'W/"7", W/"1"'}, {"If-None-Match": "*"}, {"If-Modified-Since": modified}):
        answer = api.get(url, headers=headers)
        assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", 'W/"1"')
    put(api, f"Patient/{subject['id']}", {**subject, "active": False})
    assert api.get(url, headers={"If-None-Match": 'W/"1"', "If-Modified-Since": modified}).status_code == 200


def test_a_read_with_a_malformed_condition_gives_the_resource(api: FlaskClient) -> None:
    subject = made(api, patient())
    for headers in ({"If-None-Match": "1"}, {"If-Modified-Since": "yesterday"}):
        assert api.get(f"/fhir/Patient/{subject['id']}", headers=headers).json == subject


def test_head_has_the_headers_of_get_and_no_body(api: FlaskClient) -> None:
    subject = made(api, patient())
    got, head = (method(f"/fhir/Patient/{subject['id']}") for method in (api.get, api.head))
    assert head.data == b""
    for name in ("ETag", "Last-Modified", "Content-Type", "Content-Length"):
        assert head.headers[name] == got.headers[name]


def test_what_never_was_is_not_found_and_what_was_deleted_is_gone(api: FlaskClient) -> None:
    subject = made(api, patient())
    assert issue(api.get(f"/fhir/Patient/{fresh()}"), 404)["code"] == "not-found"
    api.delete(f"/fhir/Patient/{subject['id']}")
    gone = api.get(f"/fhir/Patient/{subject['id']}")
    assert issue(gone, 410)["code"] == "deleted"
    assert gone.headers["ETag"] == 'W/"2"'


def test_each_version_stays_readable_as_it_was(api: FlaskClient) -> None:
    subject = made(api, patient())
    url = f"/fhir/Patient/{subject['id']}"
    put(api, f"Patient/{subject['id']}", {**subject, "active": False})
    api.delete(url)
    first, second = api.get(f"{url}/_history/1"), api.get(f"{url}/_history/2")
    assert (first.json["active"], second.json["active"]) == (True, False)
    assert (first.headers["ETag"], second.headers["ETag"]) == ('W/"1"', 'W/"2"')
    issue(api.get(f"{url}/_history/3"), 410)
    assert api.get(f"{url}/_history/1", headers={"If-None-Match": 'W/"1"'}).status_code == 304


def test_a_version_that_never_was_is_not_found_whatever_its_number(api: FlaskClient) -> None:
    subject = made(api, patient())
    for version in ("0", "2", "-1", "abc", "1.5", "99999999999", "9" * 4000, "٣", "1%00"):
        issue(api.get(f"/fhir/Patient/{subject['id']}/_history/{version}"), 404)
    issue(api.get(f"/fhir/Patient/{fresh()}/_history/1"), 404)


def test_a_part_of_a_resource_is_tagged_as_such(api: FlaskClient) -> None:
    subject = made(api, patient())
    stored = made(
        api, observation(f"Patient/{subject['id']}", "0.50", note=[{"text": "n"}], meta={"tag": [{"system": "http://e", "code": "t"}]})
    )
    answer = api.get(f"/fhir/Observation/{stored['id']}?_elements=valueQuantity,Observation.note")
    assert set(answer.json) == {"resourceType", "id", "meta", "status", "code", "valueQuantity", "note"}
    assert [tag["code"] for tag in answer.json["meta"]["tag"]] == ["t", "SUBSETTED"]
    assert '"value":0.50' in answer.text
    summary = api.get(f"/fhir/Observation/{stored['id']}?_summary=true").json
    assert "note" not in summary
    assert "valueQuantity" in summary
    text = api.get(f"/fhir/Observation/{stored['id']}?_summary=text").json
    assert set(text) == {"resourceType", "id", "meta", "status", "code"}
    assert api.get(f"/fhir/Observation/{stored['id']}?_summary=false").json == stored


@pytest.mark.parametrize("view", ["_summary=true", "_summary=data", "_elements=code,valueQuantity,component"])
def test_a_part_keeps_its_characters(api: FlaskClient, view: str) -> None:
    tokens = r'"code":{"text":"caf\u00e9 \/"},"v\u0061lueQuantity":{"value":-0}'
    tokens += ',"component":[{"code":{"text":"x"},"valueQuantity":{"value":1E2}}]'
    text = r'{"resourceType":"Observation","meta":{"source":"http:\/\/x"},"status":"final",' + tokens + "}"
    id = made(api, text)["id"]
    for url in (f"/fhir/Observation/{id}?{view}", f"/fhir/Observation?_id={id}&{view}"):
        shown = api.get(url)
        assert "SUBSETTED" in shown.text
        assert tokens in shown.text
        assert r'"source":"http:\/\/x"' in shown.text


def test_parameters_that_a_read_does_not_have_are_refused_unless_handled_leniently(api: FlaskClient) -> None:
    subject = made(api, patient())
    issue(api.get(f"/fhir/Patient/{subject['id']}?name=x"), 400)
    issue(api.get(f"/fhir/Patient/{subject['id']}?_summary=much"), 400)
    assert api.get(f"/fhir/Patient/{subject['id']}?name=x", headers={"Prefer": "handling=lenient"}).status_code == 200
    assert api.get(f"/fhir/Patient/{subject['id']}?_format=json&_pretty=true").text.startswith('{\n  "resourceType"')
