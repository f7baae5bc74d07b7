"""D1 to D7 and section 1.2: what clients find out before they ask, and from which web pages they may."""

import json
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from service.app import composed
from service.records import clients, tokens
from service.records.clients import Registration
from service.records.context import Service
from service.security.identity import Identity
from service.security.scope import MAX_SCOPES
from service.storage.failures import overloaded
from tests.identity.clients import Signer, bearer, post, registered
from tests.unit.security.signing import ES384, RS384

SMART, SERVER = "/fhir/.well-known/smart-configuration", "/.well-known/oauth-authorization-server"
APP, OTHER = "https://app.example", "https://other.example"


def _document(client: FlaskClient, path: str = SMART) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(client.get(path).data)
    return found


@pytest.mark.parametrize("path", [SMART, SERVER])
@pytest.mark.parametrize("accept", [None, "application/json", "application/fhir+json", "text/html", "application/xml", "image/png"])
def test_D1_discovery_is_json_for_everyone(client: FlaskClient, path: str, accept: str | None) -> None:
    answer = client.get(path, headers={"Accept": accept} if accept else {})
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert client.head(path).status_code == 200


def test_D1_a_bad_token_does_not_matter(client: FlaskClient) -> None:
    assert client.get(SMART, headers=bearer("x")).status_code == 200


@pytest.mark.parametrize("base", ["https://clinic.example/fhir", "https://clinic.example/a/b/r4", "https://clinic.example"])
def test_D1_D2_a_base_with_any_path(service: Service, base: str) -> None:
    settings = replace(service.settings, base_url=base)
    identity = Identity.of(base, service.identity.grammar.types, service.identity.outbound)
    client = composed(replace(service, settings=settings, identity=identity)).test_client()
    found = _document(client, base.removeprefix("https://clinic.example") + "/.well-known/smart-configuration")
    assert found["token_endpoint"] == "https://clinic.example/oauth/token"
    assert _document(client, SERVER)["issuer"] == "https://clinic.example"


@pytest.mark.parametrize("path", [SMART, SERVER])
def test_D2_every_url_is_absolute(client: FlaskClient, path: str) -> None:
    found = {name: value for name, value in _document(client, path).items() if name.endswith("_endpoint") or name in ("issuer", "jwks_uri")}
    assert len(found) >= 3
    assert [value for value in found.values() if not value.startswith("http://127.0.0.1:8080")] == []


def test_D2_every_endpoint_is_there(client: FlaskClient) -> None:
    found = [value for name, value in _document(client).items() if name.endswith("_endpoint")]
    assert {client.post(url.removeprefix("http://127.0.0.1:8080")).status_code for url in found} == {400}


def test_D3_what_is_required_is_there(client: FlaskClient) -> None:
    found = _document(client)
    assert {"grant_types_supported", "token_endpoint", "capabilities", "code_challenge_methods_supported"} <= found.keys()
    assert found["grant_types_supported"] == ["client_credentials"]
    assert found["code_challenge_methods_supported"] == ["S256"]


def test_D4_clients_authenticate_by_keys(client: FlaskClient) -> None:
    for path in (SMART, SERVER):
        found = _document(client, path)
        assert found["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
        assert found["token_endpoint_auth_signing_alg_values_supported"] == [RS384, ES384]


def test_D5_every_scope_that_is_listed_can_be_had(client: FlaskClient, service: Service) -> None:
    listed = _document(client)["scopes_supported"]
    assert len(listed) == len(set(listed)) > 50
    grammar = service.identity.grammar
    for start in range(0, len(listed), MAX_SCOPES // 2):
        part = listed[start : start + MAX_SCOPES // 2]
        who = registered(service, Signer(f"client-{start}"), " ".join(part))
        given = json.loads(post(client, who.form(" ".join(part))).data)["scope"]
        missing = [scope for scope in part if not any(_covers(grammar.scope(one), grammar.scope(scope)) for one in given.split(" "))]
        assert missing == []


def _covers(one: Any, other: Any) -> bool:
    return one == other or (hasattr(one, "covers") and hasattr(other, "letters") and bool(one.covers(other)))


def test_D5_introspection_and_revocation_are_told(client: FlaskClient) -> None:
    found = _document(client)
    assert found["introspection_endpoint"].endswith("/oauth/introspect")
    assert found["revocation_endpoint"].endswith("/oauth/revoke")


def test_D6_the_issuer_is_told_by_the_authorization_server_alone(client: FlaskClient, service: Service) -> None:
    assert "issuer" not in _document(client)
    assert "jwks_uri" not in _document(client)
    issuer = _document(client, SERVER)["issuer"]
    who = registered(service, Signer(header={"typ": "client-authentication+jwt"}))
    assert post(client, who.form(client_assertion=who.assertion(aud=issuer))).status_code == 200


def test_D7_nothing_is_claimed_that_is_not_tested(client: FlaskClient) -> None:
    assert _document(client)["capabilities"] == ["client-confidential-asymmetric", "permission-v1", "permission-v2"]


def test_the_capability_statement_names_smart(client: FlaskClient) -> None:
    """Without an authorization endpoint the extension oauth-uris would be invalid."""
    [rest] = json.loads(client.get("/fhir/metadata").data)["rest"]
    assert rest["security"].keys() == {"cors", "service", "description"}
    assert rest["security"]["service"][0]["coding"][0]["code"] == "SMART-on-FHIR"
    assert rest["security"]["cors"] is True


def _preflight(client: FlaskClient, path: str, origin: str) -> TestResponse:
    return client.options(path, headers={"Origin": origin, "Access-Control-Request-Method": "GET"})


def _origins(*answers: TestResponse) -> list[str | None]:
    return [answer.headers.get("Access-Control-Allow-Origin") for answer in answers]


@pytest.fixture
def app_token(service: Service) -> str:
    """A token of a client with a web page, beside another one with another."""
    clients.register(service, Registration("app", "system/Patient.rs", origins=(APP,)))
    clients.register(service, Registration("other", "system/Patient.rs", origins=(OTHER,)))
    return tokens.issue(service, "app").text


@pytest.mark.parametrize("path", [SMART, SERVER, "/fhir/metadata"])
def test_cors_what_everyone_may_read_is_open_to_any_origin(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers={"Origin": "https://anywhere.example"})
    assert _origins(answer, _preflight(client, path, "https://anywhere.example")) == ["*", "*"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("path", ["/fhir/Patient", "/fhir", "/fhir/Patient/x", "/oauth/token", "/oauth/introspect"])
def test_cors_the_api_is_open_to_registered_origins(client: FlaskClient, app_token: str, path: str) -> None:
    good, bad = _preflight(client, path, APP), _preflight(client, path, "https://evil.example")
    assert _origins(good, bad) == [APP, None]
    assert (good.status_code, good.data) == (204, b"")
    assert "Authorization" in good.headers["Access-Control-Allow-Headers"]
    assert {"GET", "POST", "PUT", "PATCH", "DELETE"} <= set(good.headers["Access-Control-Allow-Methods"].split(", "))
    assert "Origin" in good.headers["Vary"]
    assert "Origin" in bad.headers["Vary"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example.evil",
        "https://APP.example",
        "http://app.example",
        "https://app.example:8443",
        "https://app.example/",
        "null",
        "*",
        "",
    ],
)
def test_cors_an_origin_matches_to_the_letter(client: FlaskClient, app_token: str, origin: str) -> None:
    answer = client.get("/fhir/Patient", headers={**bearer(app_token), "Origin": origin})
    assert (answer.status_code, _origins(answer)) == (200, [None])


def test_cors_an_answer_is_open_to_the_origins_of_its_client(client: FlaskClient, app_token: str) -> None:
    good = client.get("/fhir/Patient", headers={**bearer(app_token), "Origin": APP})
    bad = client.get("/fhir/Patient", headers={**bearer(app_token), "Origin": OTHER})
    stranger = client.get("/fhir/Patient", headers={**bearer("x"), "Origin": OTHER})
    assert _origins(good, bad, stranger) == [APP, None, OTHER]
    exposed = set(good.headers["Access-Control-Expose-Headers"].split(", "))
    assert {"ETag", "Location", "Content-Location", "Last-Modified", "Retry-After", "X-Progress", "X-Request-Id"} <= exposed
    assert "Access-Control-Allow-Credentials" not in good.headers
    assert {"Accept", "Origin"} <= {name.strip() for name in good.headers["Vary"].split(",")}


def test_cors_the_token_endpoint_too(client: FlaskClient, service: Service) -> None:
    who = registered(service, origins=(APP,))
    assert _origins(post(client, who.form(), headers={"Origin": APP}), post(client, who.form(), headers={"Origin": OTHER})) == [APP, None]


def test_cors_nobody_is_registered_at_first(client: FlaskClient) -> None:
    assert _origins(_preflight(client, "/fhir/Patient", APP)) == [None]


def test_cors_a_disabled_client_takes_its_origins_along(client: FlaskClient, service: Service, app_token: str) -> None:
    clients.disable(service, "app")
    assert _origins(_preflight(client, "/fhir/Patient", APP), _preflight(client, "/fhir/Patient", OTHER)) == [None, OTHER]


def test_cors_pages_and_health_are_not_for_other_origins(client: FlaskClient, app_token: str) -> None:
    assert _origins(client.get("/livez", headers={"Origin": APP}), client.get("/", headers={"Origin": APP})) == [None, None]


def test_cors_without_the_database_nobody_is_let_in(app: Flask, app_token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object) -> frozenset[str]:
        raise overloaded("busy", "busy")

    monkeypatch.setattr(clients, "origins", busy)
    answer = app.test_client().get("/fhir/Patient", headers={**bearer(app_token), "Origin": APP})
    assert (answer.status_code, _origins(answer)) == (200, [None])
