"""Signing in by browser at an OpenID provider: authorization code, PKCE, state and nonce, over real HTTPS to the provider."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from service.fhir.document import Limits, decode
from service.records.change import Update
from service.records.commit import commit
from service.records.context import Context
from tests.access import TESTS
from tests.external.provider import Provider

ADA = b'{"resourceType": "Practitioner", "id": "ada", "name": [{"family": "Byron", "given": ["Ada"]}]}'
HOME = "/"


@pytest.fixture(autouse=True)
def _ada(outside: Flask) -> None:
    ctx = Context(outside.extensions["infusion_records"], TESTS)
    commit(ctx, [Update("Practitioner", "ada", decode(ADA, Limits(depth=9, digits=9)))])


def _begin(browser: FlaskClient, path: str = "/docs") -> str:
    answer = browser.get("/oidc/begin", query_string={"next": path})
    assert answer.status_code == 303
    return answer.headers["Location"]


def _at_the_provider(provider: Provider, address: str) -> Mapping[str, str]:
    """What the provider sends the browser back with, once the user has signed in there."""
    answer = requests.get(address, verify=provider.authorities, allow_redirects=False, timeout=30)
    assert answer.status_code == 302
    back = urlsplit(answer.headers["Location"])
    assert f"{back.scheme}://{back.netloc}{back.path}" == "http://127.0.0.1:8080/oidc/callback"
    return {name: value for name, [value] in parse_qs(back.query).items()}


def _back(browser: FlaskClient, told: Mapping[str, Any]) -> TestResponse:
    return browser.get("/oidc/callback", query_string=dict(told))


def _signed_in(browser: FlaskClient, provider: Provider) -> TestResponse:
    return _back(browser, _at_the_provider(provider, _begin(browser)))


def _has_session(browser: FlaskClient) -> bool:
    return browser.get_cookie("session") is not None


def test_who_signs_in_at_the_provider_has_a_session_as_a_practitioner(browser: FlaskClient, provider: Provider) -> None:
    answer = _signed_in(browser, provider)
    assert answer.status_code == 200
    assert '<meta http-equiv="refresh" content="0;url=/docs">' in answer.text
    cookie = browser.get_cookie("session")
    assert cookie is not None
    assert (cookie.http_only, cookie.same_site) == (True, "Strict")
    page = browser.get("/docs")
    assert "Ada Byron" in page.text
    assert "clinician" in page.text
    assert browser.get("/sign-in", query_string={"next": "/docs"}).headers["Location"] == "/docs"


def test_the_provider_is_asked_with_everything_that_ties_the_end_to_the_beginning(browser: FlaskClient, provider: Provider) -> None:
    first, second = (parse_qs(urlsplit(_begin(browser)).query) for _ in range(2))
    assert first["response_type"] == ["code"]
    assert first["scope"] == ["openid fhirUser profile"]
    assert first["code_challenge_method"] == ["S256"]
    assert first["redirect_uri"] == ["http://127.0.0.1:8080/oidc/callback"]
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name][0]) == 43
        assert first[name] != second[name]
    cookie = browser.get_cookie("oidc")
    assert cookie is not None
    assert (cookie.http_only, cookie.same_site, cookie.max_age) == (True, "Lax", 600)


def test_the_page_leads_to_the_provider_and_away_from_it(browser: FlaskClient, provider: Provider) -> None:
    page = browser.get("/sign-in", query_string={"next": "/docs"})
    assert 'href="/oidc/begin?next=%2Fdocs"' in page.text
    assert f'href="{provider.issuer}/end"' in page.text
    assert 'type="password"' not in page.text


@pytest.mark.parametrize("path", ["https://evil.example", "//evil.example", "/\\evil.example", "/sign-in"])
def test_nobody_is_sent_anywhere_else_afterwards(browser: FlaskClient, provider: Provider, path: str) -> None:
    answer = _back(browser, _at_the_provider(provider, _begin(browser, path)))
    assert 'content="0;url=/">' in answer.text


def test_signing_out_ends_the_session(browser: FlaskClient, provider: Provider) -> None:
    _signed_in(browser, provider)
    token = re.search(r'name="form_token" value="([0-9a-f]+)"', browser.get("/docs").text)
    assert token
    answer = browser.post("/sign-out", data={"form_token": token[1]})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")
    assert not _has_session(browser)
    assert "Ada Byron" not in browser.get("/docs").text


@pytest.mark.parametrize("what", ["state", "no state", "cookie", "no cookie", "another browser", "too late"])
def test_a_sign_in_that_was_not_begun_here_is_refused(outside: Flask, browser: FlaskClient, provider: Provider, what: str) -> None:
    told = dict(_at_the_provider(provider, _begin(browser)))
    back = browser
    match what:
        case "state":
            told["state"] = "s" * 43
        case "no state":
            del told["state"]
        case "cookie":
            text = browser.get_cookie("oidc").value  # type: ignore[union-attr]
            browser.set_cookie("oidc", f"{text[:-2]}{'AA' if not text.endswith('AA') else 'BB'}")
        case "no cookie":
            browser.delete_cookie("oidc")
        case "another browser":
            back = outside.test_client()
            _begin(back)
        case "too late":
            parts = outside.extensions["infusion_records"]
            clock = parts.clock
            object.__setattr__(parts, "clock", lambda: clock() + 601 * 1_000_000)
    answer = _back(back, told)
    assert answer.status_code == 403
    assert "not begun in this browser" in answer.text
    assert not _has_session(back)
    assert "token" not in provider.asked


@pytest.mark.parametrize(
    "told",
    [{"code": ""}, {"code": "made-up"}, {"error": "access_denied", "code": ""}, {"iss": "https://other.example"}],
    ids=["no code", "made-up code", "denied", "another issuer"],
)
def test_a_code_that_is_not_good_opens_nothing(browser: FlaskClient, provider: Provider, told: Mapping[str, str]) -> None:
    answer = _back(browser, {**_at_the_provider(provider, _begin(browser)), **told})
    assert answer.status_code == 403
    assert "did not come to its end" in answer.text
    assert not _has_session(browser)


def test_a_code_and_its_cookie_are_good_once(browser: FlaskClient, provider: Provider) -> None:
    told = _at_the_provider(provider, _begin(browser))
    kept = browser.get_cookie("oidc").value  # type: ignore[union-attr]
    assert _back(browser, told).status_code == 200
    assert browser.get_cookie("oidc") is None
    browser.set_cookie("oidc", kept)
    assert _back(browser, told).status_code == 403


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"fhirUser": None}, "claim fhirUser"),
        ({"fhirUser": "Patient/ada"}, "claim fhirUser"),
        ({"fhirUser": "https://other.example/fhir/Practitioner/ada"}, "claim fhirUser"),
        ({"fhirUser": "Practitioner/bob"}, "does not know"),
        ({"roles": []}, "no role"),
        ({"roles": ["gateway"]}, "no role"),
        ({"roles": ["clinician", "auditor"]}, "several roles"),
        ({"iss": "https://other.example"}, "did not come to its end"),
        ({"aud": "another"}, "did not come to its end"),
        ({"nonce": "n" * 43}, "did not come to its end"),
        ({"exp": 1}, "did not come to its end"),
    ],
    ids=["no user", "a patient", "elsewhere", "unknown", "no role", "machine's role", "roles", "issuer", "audience", "nonce", "expired"],
)
def test_an_id_token_that_does_not_do_opens_nothing(browser: FlaskClient, provider: Provider, claims: dict[str, Any], words: str) -> None:
    provider.user |= claims
    answer = _signed_in(browser, provider)
    assert answer.status_code == 403
    assert words in answer.text
    assert not _has_session(browser)


@pytest.mark.parametrize("what", ["down", "html", "no id token", "twice"])
def test_a_token_endpoint_that_fails_opens_nothing(browser: FlaskClient, provider: Provider, what: str) -> None:
    from flask import Response

    bodies = {"html": "<html>", "no id token": '{"access_token": "x"}', "twice": '{"id_token": "a", "id_token": "b"}'}
    told = _at_the_provider(provider, _begin(browser))
    provider.fault["token"] = 503 if what == "down" else lambda: Response(bodies[what])
    assert _back(browser, told).status_code == 403
    assert not _has_session(browser)


@pytest.mark.parametrize("path", ["/account", "/witness"])
def test_there_are_no_accounts_of_our_own(browser: FlaskClient, path: str) -> None:
    assert browser.get(path).status_code == 404
    assert browser.post("/sign-in", data={"name": "ada", "password": "x"}).status_code == 405


def test_the_routes_of_the_code_flow_do_not_exist_in_the_built_in_mode(client: FlaskClient) -> None:
    assert client.get("/oidc/begin").status_code == client.get("/oidc/callback").status_code == 404


def test_without_a_browser_client_nobody_signs_in_by_browser(outside: Flask, browser: FlaskClient) -> None:
    outside.extensions["infusion_records"].provider.browser = None
    for path in ("/sign-in", "/oidc/begin", "/oidc/callback"):
        answer = browser.get(path)
        assert answer.status_code == 404
        assert "OIDC_CLIENT_ID" in answer.text
