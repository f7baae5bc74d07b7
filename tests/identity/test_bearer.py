"""RS1, RS2, RS5 and T5: what a token in the Authorization header is worth."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.records import clients, tokens
from service.records.clients import Registration
from service.records.context import Service
from service.security.token import digest
from service.storage import tokens as stored
from service.web.authentication import caller


@pytest.fixture
def token(service: Service) -> str:
    """A token of the client `ehr`, which may read patients."""
    clients.register(service, Registration("ehr", "system/Patient.rs ledger.read", role="ehr", device="Device/d1"))
    return tokens.issue(service, "ehr", patient="p1", user="Practitioner/u1").text


def _sent(client: FlaskClient, header: str) -> tuple[int, str | None]:
    answer = client.get("/fhir/Patient", headers={"Authorization": header})
    assert (answer.json or {})["resourceType"] == ("OperationOutcome" if answer.status_code != 200 else "Bundle")
    return answer.status_code, answer.headers.get("WWW-Authenticate")


def test_RS1_a_token_makes_a_caller(app: Flask, service: Service, token: str) -> None:
    with app.test_request_context("/fhir/Patient", headers={"Authorization": f"Bearer {token}"}) as request:
        found = caller(service, request.request)
    assert (found.client, found.role, found.device, found.patients, found.user) == ("ehr", "ehr", "Device/d1", ("p1",), "Practitioner/u1")
    assert (found.grant.has("ledger.read"), bool(found.grant.reaches("r", "Patient")), found.grant.reaches("c", "Patient")) == (
        True,
        True,
        (),
    )
    assert not found.is_internal
    assert found.token
    assert found.token not in token


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_RS1_a_good_token_is_let_in(client: FlaskClient, token: str, scheme: str) -> None:
    assert _sent(client, f"{scheme} {token}") == (200, None)


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer x", "Basic eDp5", "Bearer {}x", "{}", "Bearer {}, Bearer {}", "Bearer " + "a" * 600]
)
def test_RS1_a_bad_token_is_refused_at_once(client: FlaskClient, token: str, header: str) -> None:
    header = header.replace("{}", token)
    assert _sent(client, header) == (401, 'Bearer realm="http://127.0.0.1:8080/fhir", error="invalid_token"')


def test_RS2_a_token_in_the_query_is_refused(client: FlaskClient, token: str) -> None:
    answer = client.get(f"/fhir/Patient?access_token={token}", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 400
    assert answer.headers["WWW-Authenticate"].endswith('error="invalid_request"')
    assert token not in answer.text


def test_RS5_a_revoked_token_is_void_at_the_next_request(client: FlaskClient, service: Service, token: str) -> None:
    assert _sent(client, f"Bearer {token}")[0] == 200
    with service.database.write() as tx:
        assert stored.revoke(tx, digest(token), service.clock())
    assert _sent(client, f"Bearer {token}")[0] == 401


def test_RS5_a_disabled_client_is_out_at_the_next_request(client: FlaskClient, service: Service, token: str) -> None:
    assert _sent(client, f"Bearer {token}")[0] == 200
    clients.disable(service, "ehr")
    assert _sent(client, f"Bearer {token}")[0] == 401
