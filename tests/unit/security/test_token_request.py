"""A1 of the security tests: the form that is posted to the token endpoint."""

from dataclasses import replace
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.security.refusal import InvalidClient, NoAssertion, OAuthError
from service.security.token_request import ASSERTION_TYPE, FORM, Posted, TokenRequest, authenticated, token_request

GOOD = {
    "grant_type": "client_credentials",
    "scope": "system/Patient.rs system/Observation.rs?category=vital-signs",
    "client_assertion_type": ASSERTION_TYPE,
    "client_assertion": "a.b.c",
}


def posted(body: bytes | str | None = None, /, **parameters: str | None) -> Posted:
    """A post of the good form, with some parameters changed (None takes one away), or of a body as it is."""
    if body is None:
        body = urlencode({name: value for name, value in {**GOOD, **parameters}.items() if value is not None})
    return Posted(FORM, "", body.encode() if isinstance(body, str) else body)


def end(given: Posted) -> tuple[str, int, str]:
    """Code, status and reason of the refusal."""
    with pytest.raises(OAuthError) as found:
        token_request(given)
    return found.value.body["error"], found.value.status, found.value.reason


def test_a1_a_good_form_is_understood() -> None:
    found = token_request(posted())
    assert (found.credentials.assertion, found.credentials.client_id) == ("a.b.c", None)
    assert found.scopes == ("system/Patient.rs", "system/Observation.rs?category=vital-signs")


def test_a1_the_assertion_is_not_printed() -> None:
    assert "a.b.c" not in repr(token_request(posted()))
    assert "a.b.c" not in repr(posted())


@pytest.mark.parametrize("type", [FORM + "; charset=UTF-8", FORM.upper(), FORM + ";charset=utf-8"])
def test_a1_the_form_may_name_its_charset(type: str) -> None:
    assert token_request(replace(posted(), content_type=type)).scopes


@pytest.mark.parametrize("type", ["", "application/json", "multipart/form-data; boundary=x", FORM + "; charset=utf-16", FORM + "x"])
def test_a1_other_bodies_are_refused(type: str) -> None:
    assert end(replace(posted(), content_type=type)) == ("invalid_request", 400, "content-type")


@pytest.mark.parametrize("query", ["scope=system/*.rs", "client_assertion=a.b.c", "x"])
def test_a1_nothing_stands_in_the_query(query: str) -> None:
    assert end(replace(posted(), query=query)) == ("invalid_request", 400, "query")


@pytest.mark.parametrize("name", [*GOOD, "client_id", "x-unknown"])
def test_a1_no_parameter_comes_twice(name: str) -> None:
    pairs = [*GOOD.items(), *(() if name in GOOD else ((name, "x"),)), (name, GOOD.get(name, "x"))]
    assert end(posted(urlencode(pairs))) == ("invalid_request", 400, "repeated")


@pytest.mark.parametrize("name", list(GOOD))
def test_a1_no_parameter_comes_twice_though_empty(name: str) -> None:
    assert end(posted(urlencode([*GOOD.items(), (name, "")]))) == ("invalid_request", 400, "repeated")


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"grant_type": None}, ("invalid_request", 400, "grant-type-missing")),
        ({"grant_type": ""}, ("invalid_request", 400, "grant-type-missing")),
        ({"grant_type": "authorization_code"}, ("unsupported_grant_type", 400, "grant-type")),
        ({"grant_type": "Client_Credentials"}, ("unsupported_grant_type", 400, "grant-type")),
        ({"client_assertion_type": "not_an_assertion_type"}, ("invalid_request", 400, "assertion-type")),
        ({"client_assertion_type": None}, ("invalid_request", 400, "assertion-type")),
        ({"client_assertion_type": ASSERTION_TYPE + " "}, ("invalid_request", 400, "assertion-type")),
        ({"client_assertion": None}, ("invalid_request", 400, "assertion-type")),
        ({"client_assertion": ""}, ("invalid_request", 400, "assertion-type")),
        ({"client_assertion": None, "client_assertion_type": None}, ("invalid_client", 401, "no-assertion")),
        ({"client_secret": "secret"}, ("invalid_request", 400, "two-ways")),
        ({"client_assertion": None, "client_assertion_type": None, "client_secret": "x"}, ("invalid_client", 401, "no-assertion")),
        ({"scope": None}, ("invalid_scope", 400, "scope-missing")),
        ({"scope": ""}, ("invalid_scope", 400, "scope-missing")),
        ({"scope": "system/Patient.rs  system/Patient.c"}, ("invalid_scope", 400, "scope-syntax")),
        ({"scope": " system/Patient.rs"}, ("invalid_scope", 400, "scope-syntax")),
        ({"scope": "system/Patient.rs "}, ("invalid_scope", 400, "scope-syntax")),
        ({"scope": "system/Patient.rs\tsystem/Patient.c"}, ("invalid_scope", 400, "scope-syntax")),
        ({"scope": "system/Patient.rs\u00a0"}, ("invalid_scope", 400, "scope-syntax")),
        ({"scope": 'system/"Patient".rs'}, ("invalid_scope", 400, "scope-syntax")),
        ({"scope": "system\\Patient.rs"}, ("invalid_scope", 400, "scope-syntax")),
        ({"scope": "system/Patient.rs\x00"}, ("invalid_scope", 400, "scope-syntax")),
    ],
)
def test_a1_every_parameter_has_its_value(parameters: dict[str, str | None], expected: tuple[str, int, str]) -> None:
    assert end(posted(**parameters)) == expected


def test_a1_unknown_parameters_are_passed_over() -> None:
    assert token_request(posted(resource="https://clinic.example", client_id="ehr")) == TokenRequest(
        replace(token_request(posted()).credentials, client_id="ehr"), token_request(posted()).scopes
    )


def test_a1_a_scope_counts_once() -> None:
    assert token_request(posted(scope="b a b")).scopes == ("b", "a")


def test_a1_a_header_does_not_authenticate() -> None:
    assert end(replace(posted(), has_authorization=True)) == ("invalid_request", 400, "two-ways")
    bare = replace(posted(client_assertion=None, client_assertion_type=None), has_authorization=True)
    with pytest.raises(NoAssertion) as refused:
        token_request(bare)
    assert refused.value.status == 401
    assert refused.value.headers["WWW-Authenticate"].startswith("Basic ")
    assert refused.value.headers["Cache-Control"] == "no-store"
    assert refused.value.body == InvalidClient("x").body


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"scope=\xff", "form"),
        (b"scope=caf\xc3\xa9", "form"),
        (b"scope=%ff", "form"),
        (b"scope", "form"),
        (b"&&", "form"),
        (b"&".join(b"p%d=x" % place for place in range(21)), "form"),
        (b'{"scope":"x"}', "form"),
        (b"scope=" + b"x" * 32768, "size"),
        (b"", "grant-type-missing"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a1_what_is_no_form_is_refused(body: bytes, reason: str) -> None:
    assert end(posted(body)) == ("invalid_request", 400, reason)


def test_a1_the_largest_form_is_read() -> None:
    good = urlencode(GOOD)
    assert token_request(posted(good + "&note=" + "x" * (32768 - len(good) - 6))).scopes


@given(st.binary(max_size=200))
def test_a1_any_body_ends_in_an_answer(body: bytes) -> None:
    with pytest.raises(OAuthError):
        token_request(posted(body))


def test_a1_other_endpoints_authenticate_alike() -> None:
    credentials, parameters = authenticated(posted(token="t", grant_type=None, scope=None))
    assert credentials.assertion == "a.b.c"
    assert parameters["token"] == "t"
    with pytest.raises(InvalidClient):
        authenticated(posted(client_assertion=None, client_assertion_type=None))
