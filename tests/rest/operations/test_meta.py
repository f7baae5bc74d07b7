"""`$meta`, `$meta-add` and `$meta-delete`."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.rest.made import FHIR, entry, issue, made, named, patient, process

TAGS = "https://clinic.example/fhir/CodeSystem/test-tag"
PROFILE = "https://clinic.example/fhir/StructureDefinition/test"


def _tag(code: str, **members: str) -> dict[str, str]:
    return {"system": TAGS, "code": code, **members}


def _change(clinic: FlaskClient, url: str, meta: dict[str, Any], **headers: str) -> TestResponse:
    body = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": meta}]}
    return clinic.post(f"/fhir/{url}", json=body, content_type=FHIR, headers=named(headers))


def _meta(answer: TestResponse) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    (parameter,) = answer.json["parameter"]
    assert parameter["name"] == "return"
    found: dict[str, Any] = parameter["valueMeta"]
    return found


@pytest.fixture
def person(clinic: FlaskClient) -> str:
    return f"Patient/{made(clinic, patient(meta={'tag': [_tag('kept', display='Kept')]}))['id']}"


def test_the_meta_of_a_resource_and_of_a_version(clinic: FlaskClient, person: str) -> None:
    stored = clinic.get(f"/fhir/{person}")
    answer = clinic.get(f"/fhir/{person}/$meta")
    assert _meta(answer) == stored.json["meta"]
    assert answer.headers["ETag"] == stored.headers["ETag"]
    _change(clinic, f"{person}/$meta-add", {"tag": [_tag("new")]})
    assert _meta(clinic.get(f"/fhir/{person}/_history/1/$meta")) == stored.json["meta"]
    assert _meta(clinic.post(f"/fhir/{person}/$meta"))["versionId"] == "2"
    issue(clinic.get(f"/fhir/{person}/_history/9/$meta"), 404)
    issue(clinic.get(f"/fhir/{person}/$meta?depth=2"), 400)


def test_labels_are_sets(clinic: FlaskClient, person: str) -> None:
    given = {"tag": [_tag("kept", display="Again"), _tag("new"), _tag("new")], "security": [_tag("r")], "profile": [PROFILE]}
    answer = _change(clinic, f"{person}/$meta-add", given)
    meta = _meta(answer)
    assert meta["tag"] == [_tag("kept", display="Kept"), _tag("new")]
    assert (meta["security"], meta["profile"], meta["versionId"]) == ([_tag("r")], [PROFILE], "2")
    assert answer.headers["ETag"] == 'W/"2"'
    assert _meta(_change(clinic, f"{person}/$meta-add", given))["versionId"] == "2"
    assert clinic.get(f"/fhir/Patient?_tag={TAGS}|new&_id={person.split('/')[1]}").json["total"] == 1
    gone = _meta(_change(clinic, f"{person}/$meta-delete", {"tag": [_tag("kept"), _tag("never")], "security": [_tag("r")]}))
    assert (gone["tag"], "security" in gone, gone["profile"], gone["versionId"]) == ([_tag("new")], False, [PROFILE], "3")
    assert len(clinic.get(f"/fhir/{person}/_history").json["entry"]) == 3
    assert clinic.get(f"/fhir/{person}/_history/1").json["meta"]["tag"] == [_tag("kept", display="Kept")]


def test_guards_hold_for_labels_too(clinic: FlaskClient, person: str) -> None:
    issue(_change(clinic, f"{person}/$meta-add", {"tag": [_tag("x")]}, if_match='W/"7"'), 412)
    assert _meta(_change(clinic, f"{person}/$meta-add", {"tag": [_tag("x")]}, if_match='W/"1"'))["versionId"] == "2"
    first = _change(clinic, f"{person}/$meta-delete", {"tag": [_tag("x")]}, idempotency_key=f"{person} once")
    _change(clinic, f"{person}/$meta-add", {"tag": [_tag("x")]})
    again = _change(clinic, f"{person}/$meta-delete", {"tag": [_tag("x")]}, idempotency_key=f"{person} once")
    assert again.json == first.json
    assert _tag("x") in _meta(clinic.get(f"/fhir/{person}/$meta"))["tag"]


def test_what_is_no_label_is_refused(clinic: FlaskClient, person: str) -> None:
    assert "'source'" in issue(_change(clinic, f"{person}/$meta-add", {"source": "urn:x"}), 400)["diagnostics"]
    assert "'meta'" in issue(clinic.post(f"/fhir/{person}/$meta-add"), 400)["diagnostics"]
    issue(clinic.post(f"/fhir/{person}/$meta-add", data={"meta": "x"}), 400)
    issue(_change(clinic, f"{person}/$meta-add", {"tag": "x"}), 422)
    issue(_change(clinic, "Patient/none/$meta-add", {"tag": [_tag("x")]}), 404)
    issue(clinic.get(f"/fhir/{person}/$meta-add"), 405)
    issue(_change(clinic, f"{person}/_history/1/$meta-add", {"tag": [_tag("x")]}), 404)
    issue(_change(clinic, "AuditEvent/x/$meta-add", {"tag": [_tag("x")]}), 405)


def test_what_is_in_use(clinic: FlaskClient) -> None:
    tag, label = _tag("in-use", display="In use"), _tag("label")
    for _ in range(3):
        made(clinic, {"resourceType": "Location", "meta": {"tag": [tag], "security": [label], "profile": [PROFILE]}})
    gone = made(clinic, {"resourceType": "Location", "meta": {"tag": [_tag("gone")]}})
    assert clinic.delete(f"/fhir/Location/{gone['id']}").status_code == 204
    assert _meta(clinic.get("/fhir/Location/$meta")) == {"profile": [PROFILE], "security": [label], "tag": [tag]}
    whole = _meta(clinic.get("/fhir/$meta"))
    assert tag in whole["tag"]
    assert whole.keys() <= {"profile", "security", "tag"}
    assert clinic.get("/fhir/Slot/$meta").json == {"resourceType": "Parameters"}


def test_in_bundles(clinic: FlaskClient, person: str) -> None:
    body = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"tag": [_tag("batch")]}}]}
    change = entry("POST", f"{person}/$meta-add", body)
    issue(process(clinic, "transaction", change), 400)
    answers = process(clinic, "batch", change, entry("GET", f"{person}/$meta"), entry("POST", "$meta", {"resourceType": "Parameters"}))
    assert [one["response"]["status"] for one in answers.json["entry"]] == ["200 OK"] * 3
    assert _tag("batch") in answers.json["entry"][1]["resource"]["parameter"][0]["valueMeta"]["tag"]
    (read,) = process(clinic, "transaction", entry("GET", f"{person}/$meta")).json["entry"]
    assert read["resource"]["resourceType"] == "Parameters"
