"""Malformed and hostile Bundles: refused as a whole or entry by entry, with the entry named, and nothing half-written."""

import json
import uuid
from typing import Any

import pytest

from tests.faults.target import Target, require_refused, require_sane

PATIENT: dict[str, Any] = {"resourceType": "Patient", "active": True}
POST: dict[str, Any] = {"resource": PATIENT, "request": {"method": "POST", "url": "Patient"}}
URN = "urn:uuid:00000000-0000-4000-8000-000000000001"


def _bundle(*entries: object, **members: object) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "transaction", "entry": list(entries), **members}


def _request(method: object, url: object, **members: object) -> dict[str, Any]:
    return {"resource": PATIENT, "request": {"method": method, "url": url, **members}}


WHOLE: dict[str, object] = {
    "no type": {"resourceType": "Bundle", "entry": [POST]},
    "type searchset": _bundle(POST, type="searchset"),
    "type a list": _bundle(POST, type=["transaction"]),
    "type in capitals": _bundle(POST, type="TRANSACTION"),
    "no Bundle": PATIENT,
    "a list": [POST],
    "entry an object": _bundle(entry=POST),
    "entry a string": _bundle(entry="x"),
    "entry null": _bundle(entry=None),
    "entry a number": _bundle(entry=5),
    "1,001 entries": _bundle(*[{"request": {"method": "GET", "url": "Patient/a"}}] * 1001),
    "unknown member": _bundle(POST, shoe=1),
    "link a string": _bundle(POST, link="x"),
    "total a string": _bundle(POST, total="x"),
    "meta a number": _bundle(POST, meta=5),
    "id a list": _bundle(POST, id=["a"]),
}

ENTRIES: dict[str, object] = {
    "null": None,
    "a string": "x",
    "a list": [],
    "empty": {},
    "no request": {"resource": PATIENT},
    "request null": {"resource": PATIENT, "request": None},
    "request a string": {"resource": PATIENT, "request": "POST Patient"},
    "request a list": {"resource": PATIENT, "request": [{"method": "POST", "url": "Patient"}]},
    "no method": {"resource": PATIENT, "request": {"url": "Patient"}},
    "no url": {"resource": PATIENT, "request": {"method": "POST"}},
    "no resource": {"request": {"method": "POST", "url": "Patient"}},
    "resource null": {"resource": None, "request": {"method": "POST", "url": "Patient"}},
    "resource a string": {"resource": "x", "request": {"method": "POST", "url": "Patient"}},
    "resource a list": {"resource": [PATIENT], "request": {"method": "POST", "url": "Patient"}},
    "resource empty": {"resource": {}, "request": {"method": "POST", "url": "Patient"}},
    "method in lower case": _request("post", "Patient"),
    "method unknown": _request("BREW", "Patient"),
    "method a number": _request(5, "Patient"),
    "method a list": _request(["POST"], "Patient"),
    "method an object": _request({"a": 1}, "Patient"),
    "method TRACE": _request("TRACE", "Patient"),
    "url empty": _request("POST", ""),
    "url a slash": _request("POST", "/"),
    "url a number": _request("POST", 5),
    "url a list": _request("POST", ["Patient"]),
    "url of another server": _request("POST", "https://other.example/fhir/Patient"),
    "url of a file": _request("GET", "file:///etc/passwd"),
    "url without a scheme": _request("POST", "//other.example/Patient"),
    "url with traversal": _request("GET", "../../../etc/passwd"),
    "url with encoded traversal": _request("GET", "Patient/%2e%2e%2f%2e%2e%2fetc%2fpasswd"),
    "url with a NUL": _request("GET", "Patient/%00"),
    "url with NUL in the query": _request("GET", "Patient?name=%00"),
    "url with a line break": _request("GET", "Patient/a\r\nX: y"),
    "url with a fragment": _request("POST", "Patient#x"),
    "url of an unknown type": _request("POST", "Shoe"),
    "url of 100 kB": _request("POST", "Patient/" + "a" * 100_000),
    "url with 10,000 segments": _request("POST", "a/" * 10_000),
    "url with many parameters": _request("GET", "Patient?" + "&".join(["name=x"] * 5_000)),
    "url of a transaction": _request("POST", "?"),
    "PUT without an id": _request("PUT", "Patient"),
    "PUT with another id": {"resource": {**PATIENT, "id": "b"}, "request": {"method": "PUT", "url": "Patient/a"}},
    "PUT with a bad id": {"resource": {**PATIENT, "id": "a b"}, "request": {"method": "PUT", "url": "Patient/a%20b"}},
    "POST to an id": _request("POST", "Patient/a"),
    "DELETE of a type": {"request": {"method": "DELETE", "url": "Patient"}},
    "DELETE of everything": {"request": {"method": "DELETE", "url": ""}},
    "DELETE by count": {"request": {"method": "DELETE", "url": "Patient?_count=1"}},
    "PATCH with a resource": {"resource": PATIENT, "request": {"method": "PATCH", "url": "Patient/a"}},
    "PATCH with no base64": {
        "resource": {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": "%%"},
        "request": {"method": "PATCH", "url": "Patient/a"},
    },
    "PATCH with base64 of no JSON": {
        "resource": {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": "eA=="},
        "request": {"method": "PATCH", "url": "Patient/a"},
    },
    "PATCH with data a number": {
        "resource": {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": 5},
        "request": {"method": "PATCH", "url": "Patient/a"},
    },
    "PATCH with a content type a list": {
        "resource": {"resourceType": "Binary", "contentType": ["x"], "data": "eA=="},
        "request": {"method": "PATCH", "url": "Patient/a"},
    },
    "type and url differ": {"resource": {"resourceType": "Observation"}, "request": {"method": "POST", "url": "Patient"}},
    "ifMatch a number": _request("PUT", "Patient/a", ifMatch=1),
    "ifMatch nonsense": {"resource": {**PATIENT, "id": "a"}, "request": {"method": "PUT", "url": "Patient/a", "ifMatch": "x"}},
    "ifNoneExist a list": _request("POST", "Patient", ifNoneExist=["a"]),
    "ifNoneExist unknown": _request("POST", "Patient", ifNoneExist="shoe=1"),
    "ifNoneExist empty": _request("POST", "Patient", ifNoneExist="?"),
    "ifNoneExist without restriction": _request("POST", "Patient", ifNoneExist="_count=1"),
    "ifNoneExist with a NUL": _request("POST", "Patient", ifNoneExist="identifier=%00"),
    "fullUrl a number": {**POST, "fullUrl": 5},
    "fullUrl empty": {**POST, "fullUrl": ""},
    "fullUrl a list": {**POST, "fullUrl": [URN]},
    "a Bundle inside": {"resource": _bundle(POST), "request": {"method": "POST", "url": ""}},
    "a Bundle inside a type": {"resource": _bundle(POST), "request": {"method": "POST", "url": "Bundle"}},
    "unknown member": {**POST, "shoe": 1},
    "read of nobody": {"request": {"method": "GET", "url": "Patient/nobody"}},
    "read of a huge version": {"request": {"method": "GET", "url": "Patient/a/_history/99999999999999999999999"}},
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_malformed_bundle_is_refused(target: Target, name: str) -> None:
    require_refused(target.send("POST", "/", json.dumps(WHOLE[name])), 400, 413, 422)


@pytest.mark.parametrize("name", ENTRIES)
def test_a_malformed_entry_stops_the_transaction_and_is_named(target: Target, name: str) -> None:
    id = str(uuid.uuid4())
    good = {"resource": {**PATIENT, "id": id}, "request": {"method": "PUT", "url": f"Patient/{id}"}}
    issues = require_refused(target.send("POST", "/", json.dumps(_bundle(good, ENTRIES[name]))))
    assert "Bundle.entry[1]" in json.dumps(issues)
    assert target.send("GET", f"/Patient/{id}").status_code == 404


@pytest.mark.parametrize("name", ENTRIES)
def test_a_malformed_entry_spoils_no_other_of_a_batch(target: Target, name: str) -> None:
    answer = target.send("POST", "/", json.dumps(_bundle(POST, ENTRIES[name], POST, type="batch")))
    if answer.status_code != 200:
        require_refused(answer, 400, 422)
        return
    statuses = [entry["response"]["status"].split()[0] for entry in answer.json()["entry"]]
    assert (statuses[0], statuses[2]) == ("201", "201")
    assert statuses[1][0] == "4", statuses
    assert answer.json()["entry"][1]["response"]["outcome"]["issue"][0]["diagnostics"]


def test_an_empty_bundle_is_an_empty_answer(target: Target) -> None:
    for kind in ("transaction", "batch"):
        answer = target.send("POST", "/", {"resourceType": "Bundle", "type": kind})
        assert (answer.status_code, answer.json().get("entry")) == (200, None)
        require_sane(target.send("POST", "/", {"resourceType": "Bundle", "type": kind, "entry": []}))


def test_duplicate_fullurls_are_refused(target: Target) -> None:
    named = {**POST, "fullUrl": URN}
    issues = require_refused(target.send("POST", "/", _bundle(named, POST, named)), 400)
    assert "Bundle.entry[2]" in json.dumps(issues)


def test_entries_that_touch_one_resource_are_refused(target: Target) -> None:
    put = {"resource": {**PATIENT, "id": "dup"}, "request": {"method": "PUT", "url": "Patient/dup"}}
    for second in (
        put,
        {"request": {"method": "DELETE", "url": "Patient/dup"}},
        {**put, "request": {"method": "PUT", "url": "/Patient/dup/"}},
    ):
        issues = require_refused(target.send("POST", "/", _bundle(put, second)), 400)
        assert "Bundle.entry[1]" in json.dumps(issues)
    assert target.send("GET", "/Patient/dup").status_code == 404


def test_self_references_and_cycles_are_resolved(target: Target) -> None:
    other = URN[:-1] + "2"
    link = [{"other": {"reference": URN}, "type": "seealso"}, {"other": {"reference": other}, "type": "seealso"}]
    first = {**POST, "fullUrl": URN, "resource": {**PATIENT, "link": link}}
    second = {**POST, "fullUrl": other, "resource": {**PATIENT, "link": link}}
    answer = target.send("POST", "/", _bundle(first, second), Prefer="return=representation")
    assert answer.status_code == 200
    made = [entry["resource"] for entry in answer.json()["entry"]]
    names = [f"Patient/{one['id']}" for one in made]
    assert [[item["other"]["reference"] for item in one["link"]] for one in made] == [names, names]


@pytest.mark.parametrize(
    "target_of",
    ["urn:uuid:unknown", URN + "#x", "urn:oid:1.2", "Patient?shoe=1", "Patient?identifier=none", "Shoe?identifier=1", "Patient/nobody"],
)
def test_references_to_nothing_are_refused_with_their_place(target: Target, target_of: str) -> None:
    lost = {**POST, "resource": {**PATIENT, "link": [{"other": {"reference": target_of}, "type": "seealso"}]}}
    issues = require_refused(target.send("POST", "/", _bundle({**POST, "fullUrl": URN}, lost)), 400, 412, 422)
    assert "Bundle.entry[1]" in json.dumps(issues)


def test_many_bad_entries_are_all_named(target: Target) -> None:
    bad = {"resource": {**PATIENT, "shoe": 1}, "request": {"method": "POST", "url": "Patient"}}
    issues = require_refused(target.send("POST", "/", _bundle(*[bad, POST] * 50)), 422)
    assert {f"Bundle.entry[{number}]" for number in range(0, 100, 2)} <= {
        issue["expression"][0].split(".resource")[0] for issue in issues if "expression" in issue
    }


def test_a_batch_of_a_thousand_hostile_entries_ends(target: Target) -> None:
    entries = [entry for _, entry in zip(range(300), [*ENTRIES.values()] * 10, strict=False) if len(json.dumps(entry)) < 1_000]
    answer = target.send("POST", "/", json.dumps(_bundle(*entries, type="batch")))
    if answer.status_code == 200:
        assert {entry["response"]["status"][0] for entry in answer.json()["entry"]} <= {"2", "4"}
    else:
        require_refused(answer, 400, 422)
