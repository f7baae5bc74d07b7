"""X-Provenance: the header of a write becomes a Provenance of the versions that it makes, in the same transaction."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from service.records.clients import Registration
from tests.access import admitted
from tests.rest.made import FHIR, bundle, create, entry, fresh, issue, made, patient, process, put

ACTIVITY = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"


def _provenance(mark: str, **members: Any) -> dict[str, Any]:
    tree = {
        "resourceType": "Provenance",
        "recorded": "2026-03-14T10:00:00Z",
        "policy": [f"https://clinic.example/policy/{mark}"],
        "agent": [{"who": {"display": "Ada Byron"}}],
        **members,
    }
    return {name: value for name, value in tree.items() if value is not None}


def _header(mark: str, **members: Any) -> str:
    return json.dumps(_provenance(mark, **members))


def _kept(api: FlaskClient, mark: str) -> list[dict[str, Any]]:
    """The Provenances with that mark. Nothing searches by policy, so all are looked through."""
    found = api.get("/fhir/Provenance?_count=50&_sort=-_lastUpdated").json.get("entry", [])
    return [one["resource"] for one in found if one["resource"].get("policy") == [f"https://clinic.example/policy/{mark}"]]


def _targets(api: FlaskClient, mark: str) -> list[list[str]]:
    return [[target["reference"] for target in one["target"]] for one in _kept(api, mark)]


def _version(response: TestResponse) -> str:
    return response.headers["Location"].partition("/fhir/")[2]


def test_a_create_is_attested(api: FlaskClient) -> None:
    mark = fresh()
    response = create(api, patient(), X_Provenance=_header(mark))
    assert response.status_code == 201
    assert response.headers["X-Audit-Entry"].count(";leaf=") == 2
    assert _targets(api, mark) == [[_version(response)]]
    [kept] = _kept(api, mark)
    assert kept["agent"] == [{"who": {"display": "Ada Byron"}}]
    assert kept["meta"]["lastUpdated"] == response.json["meta"]["lastUpdated"]


def test_an_update_and_a_patch_are_attested_with_their_own_versions(api: FlaskClient) -> None:
    first, second = fresh(), fresh()
    one = made(api, patient())
    url = f"Patient/{one['id']}"
    assert put(api, url, {**one, "active": False}, X_Provenance=_header(first)).status_code == 200
    body = json.dumps([{"op": "replace", "path": "/active", "value": True}])
    headers = {"X-Provenance": _header(second)}
    assert api.patch(f"/fhir/{url}", data=body, content_type="application/json-patch+json", headers=headers).status_code == 200
    assert _targets(api, first) == [[f"{url}/_history/2"]]
    assert _targets(api, second) == [[f"{url}/_history/3"]]


def test_a_transaction_is_attested_once_with_all_that_it_makes(api: FlaskClient) -> None:
    mark, known = fresh(), made(api, patient())
    gone, same = made(api, patient()), made(api, patient())
    response = process(
        api,
        "transaction",
        entry("POST", "Patient", patient(), full_url="urn:uuid:5a3c5ee3-3f0c-4d6c-8a53-2d5f4b1f0c11"),
        entry("PUT", f"Patient/{known['id']}", {**known, "active": False}),
        entry("DELETE", f"Patient/{gone['id']}"),
        entry("PUT", f"Patient/{same['id']}", same),
        entry("GET", f"Patient/{same['id']}"),
        X_Provenance=_header(mark),
    )
    assert response.status_code == 200
    answers = [one["response"] for one in response.json["entry"]]
    assert len(answers) == 5
    [targets] = _targets(api, mark)
    assert sorted(targets) == sorted([answers[0]["location"].partition("/fhir/")[2], f"Patient/{known['id']}/_history/2"])


def test_what_makes_no_version_makes_no_provenance(api: FlaskClient) -> None:
    mark, known = fresh(), made(api, patient())
    assert put(api, f"Patient/{known['id']}", known, X_Provenance=_header(mark)).status_code == 200
    condition = f"identifier={known['identifier'][0]['system']}|{known['identifier'][0]['value']}"
    assert create(api, patient(), X_Provenance=_header(mark), If_None_Exist=condition).status_code == 200
    reading = entry("GET", f"Patient/{known['id']}")
    assert process(api, "transaction", reading, X_Provenance=_header(mark)).status_code == 200
    assert _kept(api, mark) == []


def test_revinclude_brings_the_provenance_of_what_was_found(api: FlaskClient) -> None:
    mark = fresh()
    response = create(api, patient(), X_Provenance=_header(mark))
    found = api.get(f"/fhir/Patient?_id={response.json['id']}&_revinclude=Provenance:target").json["entry"]
    assert [(one["resource"]["resourceType"], one["search"]["mode"]) for one in found] == [("Patient", "match"), ("Provenance", "include")]
    assert found[1]["resource"]["policy"] == [f"https://clinic.example/policy/{mark}"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '"Provenance"',
        '{"resourceType": "Patient"}',
        '{"resourceType": "Provenance", "recorded": "2026-03-14T10:00:00Z", "recorded": "2026-03-14T10:00:00Z"}',
        _header("x", target=[{"reference": "Patient/1"}]),
        _header("x", target=None, policy=["https://clinic.example/" + "x" * 9000]),
        "[" * 100 + "]" * 100,
        '{"resourceType": "Provenance", "recorded": NaN}',
        '{"resourceType": "Provenance", "agent": "\xff"}',
    ],
    ids=["empty", "no JSON", "array", "text", "another type", "twice", "targets", "long", "deep", "NaN", "no UTF-8"],
)
def test_a_malformed_header_is_400_and_nothing_is_written(api: FlaskClient, text: str) -> None:
    value = fresh()
    told = issue(create(api, patient(value), X_Provenance=text), 400)
    assert told["diagnostics"].startswith("X-Provenance: ")
    _require_nothing(api, value)


@pytest.mark.parametrize(
    ("members", "expression"),
    [
        ({"agent": None}, "Provenance.agent"),
        ({"recorded": "yesterday"}, "Provenance.recorded"),
        ({"agent": [{"who": {"reference": "Practitioner/nobody"}}]}, "Provenance.agent[0].who.reference"),
        ({"entity": [{"role": "sauce", "what": {"display": "x"}}]}, "Provenance.entity[0].role"),
        ({"unheard": "of"}, "Provenance.unheard"),
    ],
    ids=["no agent", "no instant", "unknown agent", "unknown role", "unknown element"],
)
def test_an_invalid_provenance_is_422_and_nothing_is_written(api: FlaskClient, members: dict[str, Any], expression: str) -> None:
    value = fresh()
    told = issue(create(api, patient(value), X_Provenance=_header("x", **members)), 422)
    assert told["diagnostics"].startswith("X-Provenance: ")
    assert told["expression"][0].startswith(expression)
    both = process(api, "transaction", entry("POST", "Patient", patient(value)), X_Provenance=_header("x", **members))
    assert issue(both, 422)["diagnostics"].startswith("X-Provenance: ")
    _require_nothing(api, value)


def test_what_is_wrong_with_the_resource_is_told_of_the_resource(api: FlaskClient) -> None:
    mark = fresh()
    told = issue(create(api, patient(gender="mauve"), X_Provenance=_header(mark)), 422)
    assert told["expression"] == ["Patient.gender"]
    assert not told["diagnostics"].startswith("X-Provenance")
    assert _kept(api, mark) == []


def _require_nothing(api: FlaskClient, value: str) -> None:
    assert api.get(f"/fhir/Patient?identifier={value}").json["total"] == 0


@pytest.mark.parametrize("kind", ["delete", "batch"])
def test_where_nothing_can_be_done_with_it_the_header_is_refused(api: FlaskClient, kind: str) -> None:
    known = made(api, patient())
    headers = {"X-Provenance": _header("x")}
    if kind == "delete":
        response = api.delete(f"/fhir/Patient/{known['id']}", headers=headers)
    else:
        data = json.dumps(bundle("batch", entry("DELETE", f"Patient/{known['id']}")))
        response = api.post("/fhir", data=data, content_type=FHIR, headers=headers)
    assert "X-Provenance" in issue(response, 400)["diagnostics"]
    assert api.get(f"/fhir/Patient/{known['id']}").status_code == 200


def test_a_repeated_request_gets_the_first_answer_and_one_provenance(api: FlaskClient) -> None:
    mark, key = fresh(), fresh()
    body = patient()
    first, second = (create(api, body, X_Provenance=_header(mark), Idempotency_Key=key) for _ in range(2))
    assert (first.status_code, first.data) == (second.status_code, second.data)
    assert len(_kept(api, mark)) == 1
    assert create(api, body, X_Provenance=_header(fresh()), Idempotency_Key=key).status_code == 422


def test_who_may_not_create_a_provenance_sends_none_along(api: FlaskClient) -> None:
    value = fresh()
    narrow = admitted(api.application, Registration("no-provenance", "system/Patient.crus"))
    refused = create(narrow, patient(value), X_Provenance=_header("x"))
    assert refused.status_code == 403
    _require_nothing(api, value)
    assert create(narrow, patient(value)).status_code == 201
