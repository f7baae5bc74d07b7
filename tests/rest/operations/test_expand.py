"""`ValueSet/$expand`."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.rest.made import FHIR, issue
from tests.rest.operations import codes
from tests.rest.operations.codes import COLOURS, MIXED, NOWHERE, PART, WARM, asked

STATUS = "http://hl7.org/fhir/ValueSet/observation-status"
ALL_RED = ["red", "scarlet", "rust"]


@pytest.fixture(scope="module")
def ids(clinic: FlaskClient) -> dict[str, str]:
    return codes.store(clinic)


def _expansion(answer: TestResponse) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    assert answer.json["resourceType"] == "ValueSet"
    found: dict[str, Any] = answer.json["expansion"]
    return found


def _codes(answer: TestResponse) -> list[str]:
    return [row["code"] for row in _expansion(answer).get("contains", ())]


def _get(clinic: FlaskClient, path: str, **query: Any) -> TestResponse:
    return clinic.get(f"/fhir/ValueSet/{path}", query_string={name.replace("_", "-"): value for name, value in query.items()})


def test_a_value_set_of_the_library(clinic: FlaskClient) -> None:
    answer = _get(clinic, "$expand", url=STATUS)
    assert {"final", "preliminary", "amended"} < set(_codes(answer))
    assert _expansion(answer)["total"] == len(_codes(answer))
    assert "compose" not in answer.json
    gate = clinic.application.extensions["infusion_records"].gate
    assert [one for one in gate.check(answer.json, "ValueSet") if one.severity == "error"] == []
    assert _codes(_get(clinic, "$expand", url=f"{STATUS}|4.0.1")) == _codes(answer)
    assert _codes(_get(clinic, "$expand", url=STATUS, valueSetVersion="4.0.1")) == _codes(answer)


def test_every_way_to_name_one(clinic: FlaskClient, ids: dict[str, str]) -> None:
    answers = [
        _get(clinic, "$expand", url=WARM),
        _get(clinic, f"{ids[WARM]}/$expand"),
        clinic.post(f"/fhir/ValueSet/{ids[WARM]}/$expand"),
        clinic.post("/fhir/ValueSet/$expand", data={"url": WARM}),
        asked(clinic, "ValueSet/$expand", {"name": "url", "valueUri": WARM}),
        asked(clinic, "ValueSet/$expand", {"name": "valueSet", "resource": codes.WARM_SET}),
        clinic.post("/fhir/ValueSet/$expand", data=json.dumps(codes.WARM_SET), content_type=FHIR),
    ]
    for answer in answers:
        assert _codes(answer) == ALL_RED
        assert answer.json["url"] == WARM
    bare = clinic.post("/fhir/ValueSet/$expand?filter=scar", data=json.dumps(codes.WARM_SET), content_type=FHIR)
    assert _codes(bare) == ["scarlet"]


def test_pages_make_the_whole(clinic: FlaskClient, ids: dict[str, str]) -> None:
    whole = _expansion(_get(clinic, "$expand", url=MIXED))
    rows: list[dict[str, Any]] = []
    for offset in range(0, whole["total"] + 2, 2):
        page = _expansion(_get(clinic, "$expand", url=MIXED, count=2, offset=offset))
        assert (page["total"], page["offset"]) == (whole["total"], offset)
        rows += page.get("contains", [])
    assert rows == whole["contains"]
    assert [row["code"] for row in rows] == ["n1", *ALL_RED, "blues", "navy", "one"]
    only = _expansion(_get(clinic, "$expand", url=MIXED, count=0))
    assert (only["total"], "contains" in only) == (7, False)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"filter": "SCAR"}, ["scarlet"]),
        ({"filter": "bright scar"}, ["scarlet"]),
        ({"filter": "scharlach"}, ["scarlet"]),
        ({"filter": "scar zzz"}, []),
        ({"filter": ""}, ALL_RED),
        ({"filter": '%_*()[\\"'}, []),
        ({"activeOnly": "true"}, ["red", "scarlet"]),
        ({"activeOnly": "false"}, ALL_RED),
        ({"exclude_system": COLOURS}, []),
        ({"exclude_system": f"{COLOURS}|1"}, ALL_RED),
        ({"exclude_system": f"{COLOURS}|2"}, []),
        ({"system_version": f"{COLOURS}|2"}, ALL_RED),
        ({"force_system_version": f"{COLOURS}|2"}, ALL_RED),
        ({"check_system_version": f"{COLOURS}|2"}, ALL_RED),
        ({"excludeNested": "true", "excludePostCoordinated": "true"}, ALL_RED),
    ],
)
def test_what_narrows_it(clinic: FlaskClient, ids: dict[str, str], query: dict[str, str], found: list[str]) -> None:
    assert _codes(_get(clinic, "$expand", url=WARM, **query)) == found


def test_what_is_told_of_each_code(clinic: FlaskClient, ids: dict[str, str]) -> None:
    rows = {row["code"]: row for row in _expansion(_get(clinic, "$expand", url=MIXED, includeDesignations="true"))["contains"]}
    assert rows["n1"] == {"system": NOWHERE, "code": "n1", "display": "Listed"}
    assert rows["blues"]["abstract"] is True
    assert rows["rust"]["inactive"] is True
    assert [one["value"] for one in rows["red"]["designation"]] == ["Rot", "Vermeil é"]
    assert "blues" not in _codes(_get(clinic, "$expand", url=MIXED, excludeNotForUI="true"))
    german = {row["code"]: row for row in _expansion(_get(clinic, "$expand", url=MIXED, displayLanguage="de"))["contains"]}
    assert (german["red"]["display"], german["rust"]["display"], "designation" in german["red"]) == ("Rot", "Rust", False)
    for token, value in (("urn:ietf:bcp:47|de", "Rot"), (f"{codes.USE['system']}|poetic", "Vermeil é")):
        row = _expansion(_get(clinic, "$expand", url=WARM, designation=token))["contains"][0]
        assert [one["value"] for one in row["designation"]] == [value]


def test_what_is_told_of_the_expansion(clinic: FlaskClient, ids: dict[str, str]) -> None:
    found = _expansion(_get(clinic, "$expand", url=WARM, count=1, filter="r", activeOnly="true"))
    told = {one["name"]: next(value for name, value in one.items() if name != "name") for one in found["parameter"]}
    assert told == {"filter": "r", "count": 1, "activeOnly": True, "version": f"{COLOURS}|2"}
    assert "compose" in _get(clinic, "$expand", url=WARM, includeDefinition="true").json
    part = {"resourceType": "ValueSet", "status": "active", "compose": {"include": [{"system": PART}]}}
    whole = _expansion(clinic.post("/fhir/ValueSet/$expand", data=json.dumps(part), content_type=FHIR))
    assert [row["code"] for row in whole["contains"]] == ["one", "two", "three"]
    assert whole["extension"][0]["valueBoolean"] is True
    assert {"name": "fragment", "valueUri": PART} in whole["parameter"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 400),
        ({"url": "http://x.example/none"}, 404),
        ({"url": f"{WARM}|9"}, 404),
        ({"url": WARM, "valueSetVersion": "9"}, 404),
        ({"url": f"{WARM}|1", "valueSetVersion": "9"}, 400),
        ({"url": "http://snomed.info/sct?fhir_vs"}, 422),
        ({"url": "http://snomed.info/sct?fhir_vs=isa/1"}, 422),
        ({"url": "http://loinc.org/vs"}, 422),
        ({"url": ""}, 400),
        ({"url": " |"}, 404),
        ({"url": WARM, "count": "x"}, 400),
        ({"url": WARM, "count": "-1"}, 400),
        ({"url": WARM, "count": "5001"}, 400),
        ({"url": WARM, "offset": "9" * 40}, 400),
        ({"url": WARM, "filter": "x" * 300}, 400),
        ({"url": WARM, "activeOnly": "yes"}, 400),
        ({"url": WARM, "displayLanguage": "<script>"}, 400),
        ({"url": WARM, "context": "http://hl7.org/fhir/StructureDefinition/Observation#status"}, 400),
        ({"url": WARM, "date": "2020-01-01"}, 400),
        ({"url": WARM, "system_version": COLOURS}, 400),
        ({"url": WARM, "system_version": "|"}, 400),
        ({"url": WARM, "system_version": f"{COLOURS}|9"}, 422),
        ({"url": WARM, "force_system_version": f"{COLOURS}|9"}, 422),
        ({"url": WARM, "valueSet": "x"}, 400),
        ({"url": [WARM, WARM]}, 400),
    ],
)
def test_what_cannot_be_answered_is_refused(clinic: FlaskClient, ids: dict[str, str], query: dict[str, Any], status: int) -> None:
    issue(_get(clinic, "$expand", **query), status)


def test_a_version_that_is_not_the_one_to_be_used(clinic: FlaskClient, ids: dict[str, str]) -> None:
    compose = {"include": [{"system": COLOURS, "version": "2"}]}
    sent = {"resourceType": "ValueSet", "status": "active", "compose": compose}
    body = json.dumps(sent)
    answer = clinic.post(f"/fhir/ValueSet/$expand?check-system-version={COLOURS}|3", data=body, content_type=FHIR)
    assert "check-system-version" in issue(answer, 422)["diagnostics"]
    assert len(_codes(clinic.post(f"/fhir/ValueSet/$expand?system-version={COLOURS}|3", data=body, content_type=FHIR))) == 5


def test_who_is_meant_has_to_be_clear(clinic: FlaskClient, ids: dict[str, str]) -> None:
    issue(_get(clinic, f"{ids[WARM]}/$expand", url=WARM), 400)
    issue(_get(clinic, "none/$expand"), 404)
    both = asked(clinic, "ValueSet/$expand", {"name": "url", "valueUri": WARM}, {"name": "valueSet", "resource": codes.WARM_SET})
    issue(both, 400)
    issue(asked(clinic, "ValueSet/$expand", {"name": "valueSet", "resource": {"resourceType": "Patient"}}), 400)
    issue(clinic.post("/fhir/ValueSet/$expand", data=json.dumps({"resourceType": "Patient"}), content_type=FHIR), 422)
    issue(clinic.post("/fhir/ValueSet/$expand", data=json.dumps({"resourceType": "ValueSet"}), content_type=FHIR), 422)


@pytest.mark.parametrize(
    "compose",
    [
        {"include": [{"valueSet": ["#x"]}]},
        {"include": [{"valueSet": ["http://x.example/none"]}]},
        {"include": [{"system": NOWHERE}]},
        {"include": [{"system": COLOURS, "filter": [{"property": "concept", "op": "is-a", "value": "none"}]}]},
        {"include": [{"system": COLOURS, "filter": [{"property": "code", "op": "regex", "value": "(((a+)+)+)+$("}]}]},
        {"include": [{"system": COLOURS, "version": "9"}]},
        {"lockedDate": "2020-01-01", "include": [{"system": COLOURS}]},
    ],
)
def test_definitions_that_cannot_be_expanded(clinic: FlaskClient, ids: dict[str, str], compose: dict[str, Any]) -> None:
    sent = {"resourceType": "ValueSet", "url": f"{codes.ROOT}/ValueSet/sent", "status": "active", "compose": compose}
    answer = clinic.post("/fhir/ValueSet/$expand", data=json.dumps(sent), content_type=FHIR)
    issue(answer, 422)


def test_a_circle_is_told(clinic: FlaskClient) -> None:
    url = f"{codes.ROOT}/ValueSet/circle"
    circle = {"resourceType": "ValueSet", "url": url, "status": "active", "compose": {"include": [{"valueSet": [url]}]}}
    assert clinic.post("/fhir/ValueSet", data=json.dumps(circle), content_type=FHIR).status_code == 201
    assert "circle" in issue(_get(clinic, "$expand", url=url), 422)["diagnostics"]


def test_many_codes_come_in_pages(clinic: FlaskClient) -> None:
    concept = [{"code": f"c{number}"} for number in range(5200)]
    sent = {"resourceType": "ValueSet", "status": "active", "compose": {"include": [{"system": NOWHERE, "concept": concept}]}}
    body = json.dumps(sent)
    assert "count" in issue(clinic.post("/fhir/ValueSet/$expand", data=body, content_type=FHIR), 422)["diagnostics"]
    page = clinic.post("/fhir/ValueSet/$expand?count=5000&offset=5000", data=body, content_type=FHIR)
    assert (_expansion(page)["total"], len(_codes(page))) == (5200, 200)
