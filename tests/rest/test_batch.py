"""Batches: https://hl7.org/fhir/R4/http.html#transaction."""

from typing import Any

from flask.testing import FlaskClient

from tests.rest.made import create, entry, fresh, made, observation, patient, process, put


def statuses(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.text
    assert answer.json["type"] == "batch-response"
    return [int(one["response"]["status"][:3]) for one in answer.json["entry"]]


def test_one_bad_entry_spoils_no_other(api: FlaskClient) -> None:
    subject = made(api, patient())
    answer = process(
        api,
        "batch",
        entry("POST", "Patient", patient()),
        {"request": {"method": "POST"}},
        entry("POST", "Observation", {"resourceType": "Observation"}),
        entry("GET", f"Patient/{subject['id']}"),
        entry("GET", f"Patient/{fresh()}"),
        entry("DELETE", f"Patient/{subject['id']}"),
        entry("GET", "Patient?nonsense=1"),
        "no entry",  # type: ignore[arg-type]
        entry("POST", "Patient", patient()),
    )
    found = statuses(answer)
    assert [found[place] for place in (0, 1, 3, 4, 5, 6, 7, 8)] == [201, 400, 200, 404, 204, 400, 400, 201]
    assert found[2] in (400, 422)
    for place in (1, 2, 4, 6, 7):
        assert answer.json["entry"][place]["response"]["outcome"]["issue"][0]["severity"] == "error"
    assert answer.headers["X-Entries-Failed"] == "5"


def test_entries_are_answered_with_the_codes_of_single_requests(api: FlaskClient) -> None:
    subject, gone = made(api, patient()), made(api, patient())
    api.delete(f"/fhir/Patient/{gone['id']}")
    singles = [
        create(api, {"resourceType": "Patient", "gender": 1}),
        put(api, f"Patient/{subject['id']}", subject, if_match='W/"9"'),
        put(api, "Patient/bad!id", {**patient(), "id": "bad!id"}),
        api.get(f"/fhir/Patient/{gone['id']}"),
        api.get("/fhir/Nonsense/1"),
        create(api, {"resourceType": "Subscription"}),
        create(api, {"resourceType": "AuditEvent"}),
        api.get(f"/fhir/Patient/{subject['id']}", headers={"If-None-Match": 'W/"1"'}),
    ]
    batch = process(
        api,
        "batch",
        entry("POST", "Patient", {"resourceType": "Patient", "gender": 1}),
        entry("PUT", f"Patient/{subject['id']}", subject, ifMatch='W/"9"'),
        entry("PUT", "Patient/bad!id", {**patient(), "id": "bad!id"}),
        entry("GET", f"Patient/{gone['id']}"),
        entry("GET", "Nonsense/1"),
        entry("POST", "Subscription", {"resourceType": "Subscription"}),
        entry("POST", "AuditEvent", {"resourceType": "AuditEvent"}),
        entry("GET", f"Patient/{subject['id']}", ifNoneMatch='W/"1"'),
    )
    assert statuses(batch) == [single.status_code for single in singles]


def test_each_entry_has_a_transaction_of_its_own(api: FlaskClient) -> None:
    subject = made(api, patient())
    changed = [entry("PUT", f"Patient/{subject['id']}", {**subject, "active": active}) for active in (False, True, False)]
    assert statuses(process(api, "batch", *changed)) == [200, 200, 200]
    assert api.get(f"/fhir/Patient/{subject['id']}").headers["ETag"] == 'W/"4"'


def test_decimals_keep_their_digits_through_a_batch(api: FlaskClient) -> None:
    subject = made(api, patient())
    body = '{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"POST","url":"Observation"},"resource":%s}]}'
    answer = api.post("/fhir", data=body % observation(f"Patient/{subject['id']}", "98.600"), content_type="application/json")
    location = answer.json["entry"][0]["response"]["location"].removeprefix("http://127.0.0.1:8080")
    assert '"value":98.600' in api.get(location).text


def test_entries_tell_when_they_were_stored_to_the_millisecond(api: FlaskClient) -> None:
    value = fresh()
    creation = entry("POST", "Patient", patient(value), ifNoneExist=f"identifier={value}")
    answered = process(api, "batch", creation, prefer="return=representation").json["entry"][0]
    assert answered["response"]["lastModified"] == answered["resource"]["meta"]["lastUpdated"]


def test_a_batch_in_a_batch_is_refused(api: FlaskClient) -> None:
    assert statuses(process(api, "batch", entry("POST", "/", {"resourceType": "Bundle", "type": "batch"}))) == [400]
