"""Idempotency-Key: a POST that is sent again gets the first answer and writes nothing."""

from typing import Any, NoReturn

import pytest
from flask.testing import FlaskClient

from tests.rest.made import create, entry, fresh, issue, made, patient, process, put


def test_a_repeated_create_gets_the_first_answer(api: FlaskClient) -> None:
    key, subject = fresh(), patient()
    first, again = (create(api, subject, idempotency_key=key) for _ in range(2))
    assert first.status_code == again.status_code == 201
    assert again.text == first.text
    for name in ("Location", "ETag", "Last-Modified"):
        assert again.headers[name] == first.headers[name]
    issue(api.get(f"/fhir/Patient/{first.json['id']}/_history/2"), 404)


def test_the_same_key_with_another_body_is_unprocessable(api: FlaskClient) -> None:
    key = fresh()
    create(api, patient(), idempotency_key=key)
    issue(create(api, patient(), idempotency_key=key), 422)


def test_a_key_belongs_to_one_route(api: FlaskClient) -> None:
    key = fresh()
    assert create(api, patient(), idempotency_key=key).status_code == 201
    assert create(api, {"resourceType": "Basic", "code": {"text": "x"}}, idempotency_key=key).status_code == 201


def test_a_refused_request_leaves_the_key_free(api: FlaskClient) -> None:
    key = fresh()
    assert create(api, {"resourceType": "Patient", "gender": 7}, idempotency_key=key).status_code in (400, 422)
    assert create(api, patient(), idempotency_key=key).status_code == 201


def test_a_repeated_transaction_gets_the_first_answer(api: FlaskClient) -> None:
    key, entries = fresh(), [entry("POST", "Patient", patient()), entry("GET", "Patient?_count=1")]
    first, again = (process(api, "transaction", *entries, idempotency_key=key) for _ in range(2))
    assert first.status_code == 200
    assert again.json == first.json


def test_a_repeated_batch_repeats_no_creation(api: FlaskClient) -> None:
    key, entries = fresh(), [entry("POST", "Patient", patient()), entry("POST", "Patient", {"resourceType": "Patient", "gender": 1})]
    first, again = (process(api, "batch", *entries, idempotency_key=key) for _ in range(2))
    places = [[one["response"].get("location") for one in answer.json["entry"]] for answer in (first, again)]
    assert places[0] == places[1]
    assert places[0][1] is None


def test_a_repeated_batch_gets_the_first_answer_whatever_its_entries_do(api: FlaskClient) -> None:
    key, subject = fresh(), made(api, patient())
    address = f"Patient/{subject['id']}"
    guarded = entry("PUT", address, {**subject, "active": False}, ifMatch='W/"1"')
    entries = [guarded, entry("GET", address), entry("POST", "Patient", patient())]
    first, again = (process(api, "batch", *entries, idempotency_key=key) for _ in range(2))
    assert [one["response"]["status"][:3] for one in first.json["entry"]] == ["200", "200", "201"]
    assert again.text == first.text


def test_the_key_of_a_batch_with_another_body_is_unprocessable(api: FlaskClient) -> None:
    key = fresh()
    assert process(api, "batch", entry("GET", "Patient?_count=1"), idempotency_key=key).status_code == 200
    issue(process(api, "batch", entry("POST", "Patient", patient()), idempotency_key=key), 422)


def test_a_batch_that_broke_off_repeats_no_creation(api: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    key, entries = fresh(), [entry("POST", "Patient", patient()), entry("GET", "Patient?_count=1")]
    with monkeypatch.context() as broken:
        broken.setattr("service.rest.bundle_response.bundled", _broken)
        assert process(api, "batch", *entries, idempotency_key=key).status_code == 500
    identifier = entries[0]["resource"]["identifier"][0]["value"]
    assert process(api, "batch", *entries, idempotency_key=key).status_code == 200
    assert api.get(f"/fhir/Patient?identifier={identifier}").json["total"] == 1


def test_the_entries_of_a_batch_share_their_key_with_no_other_request(api: FlaskClient) -> None:
    longest = fresh().ljust(254, "k")
    for key in (f"{longest}1", f"{longest}2"):
        answer = process(api, "batch", entry("POST", "Patient", patient()), idempotency_key=key)
        assert answer.json["entry"][0]["response"]["status"] == "201 Created"


def test_a_blank_header_is_not_passed_over(api: FlaskClient) -> None:
    for header in ("if_none_exist", "idempotency_key"):
        issue(create(api, patient(), **{header: ""}), 400)
    subject = made(api, patient())
    issue(put(api, f"Patient/{subject['id']}", {**subject, "active": False}, if_match=""), 400)


def test_a_key_that_is_no_plain_text_is_a_bad_request(api: FlaskClient) -> None:
    issue(create(api, patient(), idempotency_key="k" * 256), 400)
    issue(create(api, patient(), idempotency_key="\xe9"), 400)


def _broken(*_: Any) -> NoReturn:
    raise RuntimeError("lost on the way")
