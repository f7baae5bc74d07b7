"""Bearer tokens of an OpenID provider at the FHIR API, over a real HTTPS connection to a provider on loopback."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.records import provider as records_provider
from tests.access import bearer, token
from tests.external.provider import Provider
from tests.rest.made import BASE, patient

NOT_A_TOKEN = "x" * 43


def test_a_token_of_the_provider_opens_the_record(browser: FlaskClient, provider: Provider) -> None:
    headers = bearer(provider.access(BASE))
    made = browser.post("/fhir/Patient", json=patient(), headers=headers, content_type="application/fhir+json")
    assert made.status_code == 201
    assert browser.get(made.headers["Location"], headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("reason", "claims"),
    [
        ("audience", {"aud": "https://other.example"}),
        ("issuer", {"iss": "https://other.example"}),
        ("expired", {"exp": 1}),
        ("client", {"azp": None}),
        ("patient", {"patient": ["a"]}),
    ],
)
def test_RS1_a_token_that_does_not_hold_is_401_and_its_reason_is_logged_alone(
    browser: FlaskClient, provider: Provider, reason: str, claims: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[str] = []
    monkeypatch.setattr(records_provider._LOG, "info", lambda text, *args: logged.append(text % args))
    answer = browser.get("/fhir/Patient", headers=bearer(provider.access(BASE, **claims)))
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == f'Bearer realm="{BASE}", error="invalid_token"'
    assert answer.json["resourceType"] == "OperationOutcome"
    assert answer.data == browser.get("/fhir/Patient", headers=bearer(NOT_A_TOKEN)).data
    assert logged == [f"A token was refused: {reason}.", "A token was refused: segments."]


def test_a_new_key_is_asked_for_and_a_made_up_one_at_most_once_in_a_minute(browser: FlaskClient, provider: Provider) -> None:
    assert browser.get("/fhir/Patient", headers=bearer(provider.access(BASE))).status_code == 200
    assert provider.asked.count("keys") == 1
    provider.kids.append("two")
    assert browser.get("/fhir/Patient", headers=bearer(provider.access(BASE))).status_code == 200
    assert provider.asked.count("keys") == 2
    for number in range(20):
        provider.kids = [f"made-up-{number % 2}"]
        assert browser.get("/fhir/Patient", headers=bearer(provider.access(BASE))).status_code == 401
    assert provider.asked.count("keys") == 2


def test_when_the_provider_is_away_its_keys_serve_for_an_hour_and_then_nobody_gets_in(
    outside: Flask, browser: FlaskClient, provider: Provider
) -> None:
    parts = outside.extensions["infusion_records"].provider
    headers = bearer(provider.access(BASE))
    provider.fault["keys"] = 503
    later = _later(parts, 5 * 60 + 1)
    assert browser.get("/fhir/Patient", headers=headers).status_code == 200
    assert browser.get("/readyz").status_code == 200
    assert provider.asked.count("keys") == 2
    later(60 * 60)
    answer = browser.get("/fhir/Patient", headers=headers)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json["issue"][0]["code"] == "transient"
    ready = browser.get("/readyz")
    assert ready.status_code == 503
    assert "OpenID provider" in ready.text
    assert browser.get("/livez").status_code == 200
    del provider.fault["keys"]
    later(11)
    assert browser.get("/readyz").status_code == 200
    assert browser.get("/fhir/Patient", headers=headers).status_code == 200


def _later(provider: object, seconds: int):  # type: ignore[no-untyped-def]
    """Lets the clock of the key cache go on by so many seconds; the returned function does so again."""
    cache = provider._started.keys  # type: ignore[attr-defined]
    tick = cache._tick

    def go_on(more: int) -> None:
        nonlocal seconds
        seconds += more

    cache._tick = lambda: tick() + seconds
    return go_on


def test_tokens_of_our_own_are_no_tokens_in_the_external_mode(outside: Flask, browser: FlaskClient) -> None:
    assert browser.get("/fhir/Patient", headers=bearer(token(outside.extensions["infusion_records"]))).status_code == 401


def test_SC8_a_token_about_no_patient_reaches_none(browser: FlaskClient, provider: Provider) -> None:
    answer = browser.get("/fhir/Patient", headers=bearer(provider.access(BASE, scope="patient/Patient.rs")))
    assert answer.status_code in (200, 403)
