"""The start in the external mode: what the provider must say of itself, and how the service refuses to start otherwise."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Response, redirect

from service import wiring
from service.app import create_app
from service.config import Settings, SettingsError
from service.records import provider as records_provider
from tests.databases import Databases
from tests.external.provider import Provider, running


@pytest.fixture(scope="module")
def place(databases: Databases) -> Any:
    """Settings on an empty database; nothing here depends on which kind it is."""
    with databases.fresh("sqlite") as url:
        yield Settings(database_url=url, cursor_key="c" * 32)


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One provider for all."""
    with running(tmp_path_factory.mktemp("provider")) as made:
        yield made


@pytest.fixture
def fresh(one: Provider) -> Provider:
    """The provider without faults."""
    one.told, one.fault, one.kids, one.asked = {}, {}, ["one"], []
    return one


def _refusal(settings: Settings) -> str:
    parts = wiring.service(settings)
    try:
        with pytest.raises(SettingsError) as refusal:
            records_provider.start(parts)
    finally:
        parts.database.dispose()
    return str(refusal.value)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"issuer": "https://other.example"}, "byte for byte"),
        ({"issuer": None}, "byte for byte"),
        ({"issuer": ["x"]}, "byte for byte"),
        ({"jwks_uri": None}, "its jwks_uri is missing"),
        ({"jwks_uri": 7}, "its jwks_uri is missing"),
        ({"jwks_uri": "http://localhost/keys"}, "its jwks_uri cannot be used"),
        ({"jwks_uri": "https://127.0.0.1/keys"}, "its jwks_uri cannot be used"),
        ({"jwks_uri": "https://elsewhere.example/keys"}, "elsewhere.example, which is not allowed"),
        ({"token_endpoint": "https://elsewhere.example/token"}, "elsewhere.example, which is not allowed"),
        ({"authorization_endpoint": "http://localhost/a"}, "its authorization_endpoint cannot be used"),
        ({"token_endpoint": None}, "its token_endpoint is missing"),
        ({"authorization_endpoint": None}, "its authorization_endpoint is missing"),
        ({"code_challenge_methods_supported": ["plain"]}, "S256"),
        ({"filling": "x" * 70_000}, "too-large"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_a_provider_that_says_this_of_itself_is_refused(place: Settings, fresh: Provider, told: dict[str, Any], words: str) -> None:
    fresh.told = told
    refusal = _refusal(fresh.settings(place))
    assert words in refusal
    assert refusal.startswith("INFUSION_RECORDS_OIDC_ISSUER: ")


@pytest.mark.parametrize(
    ("name", "fault", "words"),
    [
        ("openid-configuration", 404, "status 404"),
        ("openid-configuration", 503, "status 503"),
        ("openid-configuration", lambda: Response("[]"), "strict JSON"),
        ("openid-configuration", lambda: Response('{"issuer": "a", "issuer": "b"}'), "strict JSON"),
        ("openid-configuration", lambda: redirect("https://elsewhere.example"), "redirect"),
        ("keys", 500, "(status)"),
        ("keys", lambda: Response('{"keys": []}'), "(unfit)"),
        ("keys", lambda: Response('{"keys": [{"kty": "oct", "kid": "a", "k": "AAAA"}]}'), "(unfit)"),
        ("keys", lambda: redirect("https://elsewhere.example"), "(redirect)"),
    ],
    ids=["no document", "away", "no object", "twice", "document elsewhere", "no keys", "empty keys", "symmetric key", "keys elsewhere"],
)
def test_a_provider_that_answers_like_this_is_refused(
    place: Settings, fresh: Provider, name: str, fault: int | Callable[[], Response], words: str
) -> None:
    fresh.fault[name] = fault
    assert words in _refusal(fresh.settings(place))


def test_a_provider_that_is_not_there_or_not_trusted_is_refused(place: Settings, fresh: Provider, tmp_path: Path) -> None:
    settings = fresh.settings(place)
    assert "address-forbidden" in _refusal(settings.with_values(outbound_private_hosts=""))
    with running(tmp_path) as other:
        assert "not-trusted" in _refusal(settings.with_values(outbound_authorities=other.authorities))
    gone = other.settings(place)
    assert "connection" in _refusal(gone)


def test_an_endpoint_on_another_host_is_taken_when_the_operator_names_it(place: Settings, fresh: Provider) -> None:
    fresh.told = {"token_endpoint": "https://tokens.example/token"}
    settings = fresh.settings(place)
    assert "tokens.example" in _refusal(settings)
    parts = wiring.service(settings.with_values(oidc_hosts="other.example, tokens.example"))
    records_provider.start(parts)
    parts.database.dispose()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"oidc_issuer": ""}, "OIDC_ISSUER is missing"),
        ({"oidc_issuer": "http://localhost/realm"}, "OIDC_ISSUER is malformed"),
        ({"oidc_issuer": "https://10.0.0.1/realm"}, "OIDC_ISSUER is malformed"),
        ({"oidc_hosts": "a.example, b/c"}, "OIDC_HOSTS is malformed"),
        ({"oidc_roles": "nurse=surgeon"}, "OIDC_ROLES names 'surgeon'"),
        ({"authentication": "builtin"}, "is not external"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_settings_that_do_not_fit_together_are_named(place: Settings, fresh: Provider, changes: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        wiring.service(fresh.settings(place).with_values(**changes))
    assert not fresh.asked


def test_the_application_asks_once_for_its_provider_at_the_start(place: Settings, fresh: Provider) -> None:
    app = create_app(fresh.settings(place))
    app.extensions["infusion_records"].database.dispose()
    assert fresh.asked == ["openid-configuration", "keys"]
    fresh.fault["keys"] = 500
    with pytest.raises(SettingsError):
        create_app(fresh.settings(place))
