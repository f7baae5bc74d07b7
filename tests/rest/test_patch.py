"""Patching over HTTP: https://hl7.org/fhir/R4/http.html#patch, https://hl7.org/fhir/R4/fhirpatch.html."""

import base64
import json
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.rest.made import FHIR, SYSTEM, create, entry, fresh, issue, made, named, observation, patient, process

JSON_PATCH = "application/json-patch+json"
DEACTIVATE = [{"op": "replace", "path": "/active", "value": False}]
GENDER = {
    "resourceType": "Parameters",
    "parameter": [
        {
            "name": "operation",
            "part": [
                {"name": "type", "valueCode": "add"},
                {"name": "path", "valueString": "Patient"},
                {"name": "name", "valueString": "gender"},
                {"name": "value", "valueCode": "female"},
            ],
        }
    ],
}


def send(api: FlaskClient, url: str, patch: Any, media: str = JSON_PATCH, **headers: str) -> TestResponse:
    return api.patch(f"/fhir/{url}", data=json.dumps(patch), content_type=media, headers=named(headers))


def test_a_json_patch_writes_the_next_version_and_keeps_all_other_tokens(api: FlaskClient) -> None:
    subject = made(api, patient())
    stored = create(api, observation(f"Patient/{subject['id']}", "0.120"))
    answer = send(api, f"Observation/{stored.json['id']}", [{"op": "replace", "path": "/status", "value": "amended"}])
    assert (answer.status_code, answer.headers["ETag"]) == (200, 'W/"2"')
    assert answer.json["status"] == "amended"
    assert '"value":0.120' in answer.text


def test_a_fhirpath_patch_does_the_same(api: FlaskClient) -> None:
    subject = made(api, patient())
    answer = send(api, f"Patient/{subject['id']}", GENDER, FHIR)
    assert (answer.status_code, answer.json["gender"]) == (200, "female")


def test_a_patch_that_changes_nothing_keeps_the_version(api: FlaskClient) -> None:
    subject = made(api, patient())
    answer = send(api, f"Patient/{subject['id']}", [{"op": "replace", "path": "/active", "value": True}])
    assert (answer.status_code, answer.headers["ETag"]) == (200, 'W/"1"')


def test_what_the_patch_leaves_passes_the_gate(api: FlaskClient) -> None:
    subject = made(api, patient())
    assert send(api, f"Patient/{subject['id']}", [{"op": "add", "path": "/gender", "value": "unknowable"}]).status_code in (400, 422)
    issue(send(api, f"Patient/{subject['id']}", [{"op": "replace", "path": "/id", "value": "x"}]), 422)
    assert api.get(f"/fhir/Patient/{subject['id']}").headers["ETag"] == 'W/"1"'


def test_if_match_guards_a_patch(api: FlaskClient) -> None:
    subject = made(api, patient())
    assert send(api, f"Patient/{subject['id']}", DEACTIVATE, if_match='W/"1"').status_code == 200
    issue(send(api, f"Patient/{subject['id']}", [{"op": "remove", "path": "/active"}], if_match='W/"1"'), 412)


def test_a_conditional_patch_finds_its_resource(api: FlaskClient) -> None:
    value = fresh()
    made(api, patient(value))
    url = f"Patient?identifier={SYSTEM}|{value}"
    assert send(api, url, DEACTIVATE).json["active"] is False
    issue(send(api, f"Patient?identifier={SYSTEM}|{fresh()}", DEACTIVATE), 404)
    made(api, patient(value))
    issue(send(api, url, DEACTIVATE), 412)


def test_patching_what_is_not_there_is_not_found_or_gone(api: FlaskClient) -> None:
    issue(send(api, f"Patient/{fresh()}", DEACTIVATE), 404)
    subject = made(api, patient())
    api.delete(f"/fhir/Patient/{subject['id']}")
    issue(send(api, f"Patient/{subject['id']}", DEACTIVATE), 410)


def test_other_formats_are_refused(api: FlaskClient) -> None:
    subject = made(api, patient())
    issue(send(api, f"Patient/{subject['id']}", [], "application/xml-patch+xml"), 415)
    issue(send(api, f"Patient/{subject['id']}", DEACTIVATE, "application/merge-patch+json"), 415)
    issue(send(api, f"Patient/{subject['id']}", {"resourceType": "Patient"}, FHIR), 400)
    issue(send(api, f"Patient/{subject['id']}", {"op": "remove"}), 400)


def test_patches_travel_in_bundles_too(api: FlaskClient) -> None:
    one, other = made(api, patient()), made(api, patient())
    wrapped = {"resourceType": "Binary", "contentType": JSON_PATCH, "data": base64.b64encode(json.dumps(DEACTIVATE).encode()).decode()}
    for kind in ("transaction", "batch"):
        answer = process(
            api,
            kind,
            entry("PATCH", f"Patient/{one['id']}", wrapped),
            entry("PATCH", f"Patient/{other['id']}", GENDER),
            prefer="return=representation",
        )
        assert answer.status_code == 200, answer.text
        assert [part["response"]["status"] for part in answer.json["entry"]] == ["200 OK", "200 OK"]
        if kind == "transaction":
            assert answer.json["entry"][0]["resource"]["active"] is False
            assert answer.json["entry"][1]["resource"]["gender"] == "female"
            made_again = send(api, f"Patient/{other['id']}", [{"op": "remove", "path": "/gender"}])
            assert made_again.status_code == 200


def test_a_patch_in_a_bundle_that_is_no_patch_is_refused_by_place(api: FlaskClient) -> None:
    subject = made(api, patient())
    for binary in ({"contentType": "text/plain", "data": ""}, {"contentType": JSON_PATCH, "data": "!"}, {"contentType": JSON_PATCH}):
        answer = process(api, "transaction", entry("PATCH", f"Patient/{subject['id']}", {"resourceType": "Binary", **binary}))
        assert issue(answer, 400)["expression"][0].startswith("Bundle.entry[0]")
