"""Transactions: https://hl7.org/fhir/R4/http.html#transaction, https://hl7.org/fhir/R4/http.html#trules."""

import json
import uuid
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.rest.made import BASE, FHIR, SYSTEM, create, entry, fresh, issue, made, observation, patient, process


def urn() -> str:
    return f"urn:uuid:{uuid.uuid4()}"


def statuses(answer: TestResponse) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["response"]["status"][:3] for one in answer.json["entry"]]


def path(location: str) -> str:
    return location.removeprefix(f"{BASE}/").partition("/_history/")[0]


def seen(subject: str) -> dict[str, Any]:
    tree: dict[str, Any] = json.loads(observation(subject))
    return tree


def test_entries_find_each_other_by_their_full_url(api: FlaskClient) -> None:
    name = urn()
    answer = process(api, "transaction", entry("POST", "Observation", seen(name)), entry("POST", "Patient", patient(), name))
    assert answer.json["type"] == "transaction-response"
    assert statuses(answer) == ["201", "201"]
    first, second = (path(one["response"]["location"]) for one in answer.json["entry"])
    assert first.startswith("Observation/")
    assert api.get(f"/fhir/{first}").json["subject"]["reference"] == second


def test_every_token_of_an_entry_but_its_references_is_kept(api: FlaskClient) -> None:
    name = urn()
    body = json.dumps(
        {"resourceType": "Bundle", "type": "transaction", "entry": [entry("POST", "Patient", patient(), name), "OBSERVATION"]}
    )
    text = (
        '{"request": {"method": "POST", "url": "Observation"}, "resource": '
        + observation(name, "1.2300", note=[{"text": "caf\u00e9"}])
        + "}"
    )
    answer = api.post("/fhir", data=body.replace('"OBSERVATION"', text), content_type=FHIR)
    assert answer.status_code == 200, answer.text
    stored = api.get(f"/fhir/{path(answer.json['entry'][1]['response']['location'])}")
    assert '"value":1.2300' in stored.text
    assert '"caf\\u00e9"' in stored.text


def test_all_kinds_of_entries_are_answered_in_the_order_of_the_request(api: FlaskClient) -> None:
    old, kept, gone = (made(api, patient()) for _ in range(3))
    answer = process(
        api,
        "transaction",
        entry("GET", f"Patient/{kept['id']}"),
        entry("PUT", f"Patient/{old['id']}", {**old, "active": False}, ifMatch='W/"1"'),
        entry("DELETE", f"Patient/{gone['id']}"),
        entry("GET", f"Patient/{old['id']}"),
        entry("POST", "Patient", patient(), urn()),
        entry("GET", f"Patient/{kept['id']}", ifNoneMatch='W/"1"'),
        entry("HEAD", f"Patient/{kept['id']}"),
    )
    assert statuses(answer) == ["200", "200", "204", "200", "201", "304", "200"]
    parts = answer.json["entry"]
    assert parts[3]["resource"]["active"] is False
    assert parts[0]["fullUrl"] == f"{BASE}/Patient/{kept['id']}"
    assert parts[1]["response"]["etag"] == 'W/"2"'
    assert parts[3]["response"]["lastModified"] == parts[3]["resource"]["meta"]["lastUpdated"]
    assert ["resource" in one for one in parts] == [True, False, False, True, False, False, False]


def test_resources_come_back_when_preferred(api: FlaskClient) -> None:
    answer = process(api, "transaction", entry("POST", "Patient", patient()), prefer="return=representation")
    assert answer.json["entry"][0]["resource"]["meta"]["versionId"] == "1"
    outcome = process(api, "transaction", entry("POST", "Patient", patient()), prefer="return=OperationOutcome")
    assert outcome.json["entry"][0]["response"]["outcome"]["resourceType"] == "OperationOutcome"


def test_warnings_come_back_where_nothing_is_preferred(api: FlaskClient) -> None:
    claiming = {**patient(), "meta": {"profile": ["http://x.example/unheard-of"]}}
    written = (entry("POST", "Patient", claiming), entry("POST", "Patient", patient()))
    claimed, plain = process(api, "transaction", *written).json["entry"]
    assert [line["details"]["coding"][0]["code"] for line in claimed["response"]["outcome"]["issue"]] == ["unknown-profile"]
    assert "outcome" not in plain["response"]
    assert not any("resource" in one for one in (claimed, plain))
    assert all("outcome" not in one["response"] for one in process(api, "transaction", *written, prefer="return=minimal").json["entry"])


def test_nothing_happens_when_one_entry_fails_and_that_entry_is_named(api: FlaskClient) -> None:
    value = fresh()
    bad = {"resourceType": "Patient", "gender": "unknowable"}
    answer = process(
        api, "transaction", entry("GET", "Patient?_count=1"), entry("POST", "Patient", patient(value)), entry("POST", "Patient", bad)
    )
    line = next(one for one in answer.json["issue"] if one["severity"] == "error")
    assert answer.status_code in (400, 422)
    assert line["expression"] == ["Bundle.entry[2].resource.gender"]
    assert "Entry 2" in line["diagnostics"]
    assert api.get(f"/fhir/Patient?identifier={SYSTEM}|{value}").json["total"] == 0


def test_preconditions_of_entries_hold_for_the_whole(api: FlaskClient) -> None:
    subject, value = made(api, patient()), fresh()
    answer = process(
        api,
        "transaction",
        entry("POST", "Patient", patient(value)),
        entry("PUT", f"Patient/{subject['id']}", {**subject, "active": False}, ifMatch='W/"7"'),
    )
    assert issue(answer, 412)["expression"] == ["Bundle.entry[1]"]
    assert api.get(f"/fhir/Patient?identifier={SYSTEM}|{value}").json["total"] == 0


def test_a_read_that_fails_fails_the_whole(api: FlaskClient) -> None:
    value = fresh()
    answer = process(api, "transaction", entry("POST", "Patient", patient(value)), entry("GET", f"Patient/{fresh()}"))
    assert issue(answer, 404)["expression"] == ["Bundle.entry[1]"]
    assert api.get(f"/fhir/Patient?identifier={SYSTEM}|{value}").json["total"] == 0


def test_searches_inside_see_what_the_transaction_wrote(api: FlaskClient) -> None:
    value = fresh()
    answer = process(api, "transaction", entry("GET", f"Patient?identifier={SYSTEM}|{value}"), entry("POST", "Patient", patient(value)))
    assert answer.json["entry"][0]["resource"]["total"] == 1


def test_conditional_entries_and_references_resolve(api: FlaskClient) -> None:
    value = fresh()
    existing = made(api, patient(value))
    name, query = urn(), f"identifier={SYSTEM}|{value}"
    answer = process(
        api,
        "transaction",
        entry("POST", "Patient", patient(value), name, ifNoneExist=query),
        entry("POST", "Observation", seen(name)),
        entry("POST", "Observation", seen(f"Patient?{query}")),
    )
    assert statuses(answer) == ["200", "201", "201"]
    for one in answer.json["entry"][1:]:
        assert api.get(f"/fhir/{path(one['response']['location'])}").json["subject"]["reference"] == f"Patient/{existing['id']}"
    unmatched = process(api, "transaction", entry("POST", "Observation", seen(f"Patient?identifier={SYSTEM}|{fresh()}")))
    assert issue(unmatched, 412)["expression"][0].startswith("Bundle.entry[0]")


def test_duplicates_are_refused(api: FlaskClient) -> None:
    subject, name = made(api, patient()), urn()
    twice = [entry("PUT", f"Patient/{subject['id']}", {**subject, "active": False}), entry("DELETE", f"Patient/{subject['id']}")]
    assert issue(process(api, "transaction", *twice), 400)["expression"][0].startswith("Bundle.entry[1]")
    named = [entry("POST", "Patient", patient(), name), entry("POST", "Patient", patient(), name)]
    assert issue(process(api, "transaction", *named), 400)["expression"] == ["Bundle.entry[1]"]


def test_a_transaction_may_remove_what_refers_to_each_other(api: FlaskClient) -> None:
    subject = made(api, patient())
    stored = made(api, observation(f"Patient/{subject['id']}"))
    entries = [entry("DELETE", f"Patient/{subject['id']}"), entry("DELETE", f"Observation/{stored['id']}")]
    assert statuses(process(api, "transaction", *entries)) == ["204", "204"]


def test_an_unresolved_reference_names_its_element(api: FlaskClient) -> None:
    answer = process(api, "transaction", entry("POST", "Observation", seen(urn())))
    assert issue(answer, 422)["expression"] == ["Bundle.entry[0].resource.subject.reference"]


def test_absolute_urls_of_this_server_are_understood(api: FlaskClient) -> None:
    assert statuses(process(api, "transaction", entry("POST", f"{BASE}/Patient", patient()), entry("GET", "/metadata"))) == ["201", "200"]


def test_too_many_entries_are_refused(api: FlaskClient) -> None:
    answer = process(api, "transaction", *[entry("POST", "Patient", patient()) for _ in range(61)])
    assert issue(answer, 413)["code"] == "too-costly"


def test_a_bundle_of_another_type_is_refused(api: FlaskClient) -> None:
    for kind in ("collection", "history", "searchset", "", "TRANSACTION"):
        issue(process(api, kind, entry("POST", "Patient", patient())), 400)
    issue(api.post("/fhir", data=json.dumps(patient()), content_type=FHIR), 400)


def test_an_empty_transaction_is_answered_with_an_empty_response(api: FlaskClient) -> None:
    answer = api.post("/fhir", data='{"resourceType":"Bundle","type":"transaction"}', content_type=FHIR)
    assert answer.json == {"resourceType": "Bundle", "type": "transaction-response"}


def test_malformed_entries_are_refused_by_place(api: FlaskClient) -> None:
    malformed: list[Any] = [
        {},
        {"request": []},
        {"request": {"method": "POST"}},
        {"request": {"method": "BREW", "url": "Patient"}},
        {"request": {"method": ["POST"], "url": "Patient"}},
        {"request": {"method": "POST", "url": 7}},
        {"request": {"method": "POST", "url": "Patient"}},
        {"request": {"method": "POST", "url": "Patient"}, "resource": []},
        {"request": {"method": "POST", "url": "Patient", "ifNoneExist": 1}, "resource": patient()},
        {"request": {"method": "PUT", "url": "Patient/x", "ifMatch": "1"}, "resource": {**patient(), "id": "x"}},
        {"request": {"method": "POST", "url": "Patient"}, "resource": patient(), "fullUrl": 3},
        {"request": {"method": "POST", "url": "../Patient"}, "resource": patient()},
        {"request": {"method": "GET", "url": "Patient?identifier=%00"}},
        {"request": {"method": "GET", "url": "Nonsense/1"}},
        {"request": {"method": "GET", "url": "http://elsewhere.example/fhir/Patient/1"}},
        {"request": {"method": "POST", "url": "AuditEvent"}, "resource": {"resourceType": "AuditEvent"}},
        {"request": {"method": "POST", "url": "Subscription"}, "resource": {"resourceType": "Subscription"}},
        {"request": {"method": "DELETE", "url": "Patient"}},
        {"request": {"method": "POST", "url": "/"}, "resource": {"resourceType": "Bundle", "type": "batch"}},
        "entry",
        None,
        7,
    ]
    for one in malformed:
        answer = process(api, "transaction", entry("GET", "metadata"), one)
        assert answer.status_code in (400, 404, 405, 422), (one, answer.text)
        assert answer.json["issue"][0]["expression"][0].startswith("Bundle.entry[1]"), (one, answer.text)


def test_entries_that_are_no_list_are_refused(api: FlaskClient) -> None:
    for entries in ('{"a":1}', '"x"', "7", "null", "true"):
        answer = api.post("/fhir", data=f'{{"resourceType":"Bundle","type":"transaction","entry":{entries}}}', content_type=FHIR)
        issue(answer, 400)


def test_raw_creates_and_bundles_agree(api: FlaskClient) -> None:
    single = create(api, {"resourceType": "Patient", "gender": "unknowable"})
    whole = process(api, "transaction", entry("POST", "Patient", {"resourceType": "Patient", "gender": "unknowable"}))
    assert whole.status_code == single.status_code
