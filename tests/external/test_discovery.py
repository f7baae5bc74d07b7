"""What clients find out in the external mode, and what is not there."""

import re
from pathlib import Path

import pytest
import yaml
from flask import Flask
from flask.testing import FlaskClient

from tests.external.provider import Provider

SMART = "/fhir/.well-known/smart-configuration"


def test_D1_smart_configuration_leads_to_the_provider(browser: FlaskClient, provider: Provider) -> None:
    answer = browser.get(SMART, headers={"Accept": "application/xml"})
    assert answer.status_code == 200
    assert answer.content_type == "application/json"
    assert answer.json == {
        "authorization_endpoint": f"{provider.issuer}/authorize",
        "token_endpoint": f"{provider.issuer}/token",
        "introspection_endpoint": f"{provider.issuer}/introspect",
        "grant_types_supported": ["authorization_code", "client_credentials"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
        "scopes_supported": ["openid", "fhirUser", "system/*.rs", "patient/*.rs"],
        "capabilities": ["permission-patient", "permission-user", "permission-v1", "permission-v2"],
    }


def test_the_capability_statement_leads_there_too(browser: FlaskClient, provider: Provider) -> None:
    security = browser.get("/fhir/metadata").json["rest"][0]["security"]
    assert security["extension"][0]["extension"] == [
        {"url": "authorize", "valueUri": f"{provider.issuer}/authorize"},
        {"url": "token", "valueUri": f"{provider.issuer}/token"},
        {"url": "introspect", "valueUri": f"{provider.issuer}/introspect"},
    ]


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/introspect", "/oauth/revoke", "/.well-known/oauth-authorization-server"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_built_in_endpoints_do_not_exist(browser: FlaskClient, app: Flask, path: str, method: str) -> None:
    assert browser.open(path, method=method, data={"grant_type": "client_credentials"}).status_code == 404
    there = {app.test_client().open(path, method=each, data={}).status_code for each in ("GET", "POST")}
    assert there != {404}


def test_the_contract_has_the_routes_of_this_mode(outside: Flask) -> None:
    paths = yaml.safe_load((Path(__file__).parents[2] / "openapi.yaml").read_text())["paths"]
    told = {
        (verb.upper(), path, one)
        for path, item in paths.items()
        for verb in item.keys() & {"get", "post", "delete"}
        for one in _modes(item[verb])
    }
    rules = [rule for rule in outside.url_map.iter_rules() if rule.endpoint not in ("fhir", "pages.static")]
    there = {
        (verb, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)) for rule in rules for verb in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert there == {(verb, path) for verb, path, mode in told if mode != "builtin"}
    assert len([mode for *_, mode in told if mode == "external"]) == 2


def _modes(operation: dict[str, str]) -> list[str]:
    return [] if "x-fhir-interaction" in operation else [operation.get("x-authentication", "both")]
