"""Idempotency-Key: a POST that is sent again gets the first answer and writes nothing."""

from flask.testing import FlaskClient

from tests.rest.made import create, entry, fresh, issue, patient, process


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


def test_a_key_that_is_no_plain_text_is_a_bad_request(api: FlaskClient) -> None:
    issue(create(api, patient(), idempotency_key="k" * 256), 400)
    issue(create(api, patient(), idempotency_key="\xe9"), 400)
