"""I1 to I3 (RFC 7662) and revocation (RFC 7009): who may ask about which token, and what is heard of the others."""

import json
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from service.records import clients, tokens
from service.records.clients import Registration
from service.records.context import Service
from tests.identity.clients import Signer, bearer, post, registered, token

INTROSPECT, REVOKE = "/oauth/introspect", "/oauth/revoke"
INACTIVE = {"active": False}


@pytest.fixture
def ehr(service: Service) -> Signer:
    """A client with keys."""
    return registered(service)


@pytest.fixture
def admin(service: Service) -> str:
    """A token of an administrator of clients."""
    clients.register(service, Registration("admin", role="admin"))
    return tokens.issue(service, "admin").text


def _told(client: FlaskClient, asked: str, by: str) -> dict[str, object]:
    answer = post(client, {"token": asked}, INTROSPECT, headers=bearer(by))
    assert (answer.status_code, answer.content_type, answer.headers["Cache-Control"]) == (200, "application/json", "no-store")
    told: dict[str, object] = json.loads(answer.data)
    return told


def test_I1_an_active_token_tells_what_it_is_for(client: FlaskClient, ehr: Signer) -> None:
    text = token(client, ehr)
    told = _told(client, text, by=text)
    assert told.keys() == {"active", "scope", "client_id", "token_type", "iss", "iat", "exp"}
    assert (told["active"], told["scope"], told["client_id"]) == (True, "system/Patient.rs", "ehr")
    assert told["exp"] - told["iat"] == 300  # type: ignore[operator]


def test_I1_the_launch_context_is_told(client: FlaskClient, service: Service) -> None:
    clients.register(service, Registration("app", "patient/Patient.rs"))
    text = tokens.issue(service, "app", patient="p1", user="Practitioner/u1").text
    told = _told(client, text, by=text)
    assert (told["patient"], told["fhirUser"]) == ("p1", "http://127.0.0.1:8080/fhir/Practitioner/u1")


def test_I2_nobody_asks_without_a_token(client: FlaskClient, ehr: Signer) -> None:
    text = token(client, ehr)
    for headers in ({}, bearer("x"), bearer(text + "x"), {"Authorization": "Basic eDp5"}):
        for path in (INTROSPECT, REVOKE):
            answer = post(client, {"token": text}, path, headers=headers)
            assert answer.status_code == 401
            assert "scope" not in answer.text
    assert post(client, {"token": text}, INTROSPECT, headers=bearer("x")).headers["WWW-Authenticate"].startswith("Bearer")
    assert client.get("/fhir/Patient", headers=bearer(text)).status_code == 200


def test_I2_a_client_may_ask_by_an_assertion(client: FlaskClient, ehr: Signer) -> None:
    text, proof = token(client, ehr), ehr.proof()
    assert json.loads(post(client, {"token": text, **proof}, INTROSPECT).data)["active"] is True
    assert post(client, {"token": text, **proof}, INTROSPECT).status_code == 401
    assert post(client, {"token": text, **replace(ehr, key="two").proof()}, INTROSPECT).status_code == 401
    assert post(client, {"token": text, **ehr.proof()}, INTROSPECT, headers=bearer(text)).status_code == 400


def test_I2_tokens_of_others_are_for_administrators(client: FlaskClient, service: Service, ehr: Signer, admin: str) -> None:
    other = token(client, registered(service, Signer("lab")))
    text = token(client, ehr)
    assert _told(client, text, by=other) == INACTIVE
    assert _told(client, text, by=admin)["client_id"] == "ehr"


@pytest.mark.parametrize("garbage", ["x", "\u00e4", "a b", "\x00", "x" * 20_000, "eyJhbGciOiJub25lIn0.e30."])
def test_I3_garbage_is_not_active(client: FlaskClient, admin: str, garbage: str) -> None:
    assert _told(client, garbage, by=admin) == INACTIVE


def test_I3_what_ended_is_not_active(client: FlaskClient, service: Service, ehr: Signer, admin: str) -> None:
    revoked, left, disabled = token(client, ehr), token(client, ehr), token(client, registered(service, Signer("lab")))
    assert post(client, {"token": revoked}, REVOKE, headers=bearer(revoked)).status_code == 200
    clients.disable(service, "lab")
    assert [_told(client, text, by=admin) for text in (revoked, disabled)] == [INACTIVE, INACTIVE]
    assert _told(client, left, by=admin)["active"] is True


@pytest.mark.parametrize("path", [INTROSPECT, REVOKE])
@pytest.mark.parametrize("form", [{}, {"token": ""}, b"token=a&token=b", b"{}"])
def test_I3_a_request_that_names_no_token_is_malformed(client: FlaskClient, admin: str, path: str, form: dict[str, str] | bytes) -> None:
    answer = post(client, form, path, headers=bearer(admin))
    assert (answer.status_code, json.loads(answer.data)["error"]) == (400, "invalid_request")


def test_RS5_a_client_revokes_its_token_by_an_assertion(client: FlaskClient, ehr: Signer) -> None:
    text, proof = token(client, ehr), ehr.proof()
    assert client.get("/fhir/Patient", headers=bearer(text)).status_code == 200
    assert post(client, {"token": text, "token_type_hint": "access_token", **proof}, REVOKE).status_code == 200
    assert client.get("/fhir/Patient", headers=bearer(text)).status_code == 401
    assert post(client, {"token": text, **proof}, REVOKE).status_code == 401


def test_RS5_a_token_may_revoke_itself(client: FlaskClient, ehr: Signer) -> None:
    text = token(client, ehr)
    assert post(client, {"token": text}, REVOKE, headers=bearer(text)).status_code == 200
    assert post(client, {"token": text}, REVOKE, headers=bearer(text)).status_code == 401


def test_RS5_nobody_revokes_the_tokens_of_others(client: FlaskClient, service: Service, ehr: Signer, admin: str) -> None:
    other, text = token(client, registered(service, Signer("lab"))), token(client, ehr)
    answers = [post(client, {"token": each}, REVOKE, headers=bearer(other)) for each in (text, "never-issued")]
    assert {(answer.status_code, answer.data) for answer in answers} == {(200, b"{}")}
    assert client.get("/fhir/Patient", headers=bearer(text)).status_code == 200
    assert post(client, {"token": text}, REVOKE, headers=bearer(admin)).status_code == 200
    assert client.get("/fhir/Patient", headers=bearer(text)).status_code == 401
