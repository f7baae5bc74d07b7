"""A1, A8, A9, T1 to T5, SC2, SC5, SC6: what the token endpoint takes and gives, over HTTP."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from service.records import clients, tokens
from service.records.context import Service
from service.security.token import digest
from service.storage.database import Database
from service.storage.tables.clients import assertion as spent
from service.storage.tables.clients import token as kept
from tests.identity.clients import ASSERTION_TYPE, FORM, Signer, bearer, post, registered, token
from tests.unit.security.signing import ES384, RS384

ALGORITHMS = [RS384, ES384]


def _rows(database: Database, table: Any) -> list[Any]:
    with database.glance() as tx:
        return list(tx.connection.execute(select(table)))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_T1_the_answer_has_what_smart_asks_for(client: FlaskClient, service: Service, algorithm: str) -> None:
    answer = post(client, registered(service, Signer(algorithm=algorithm)).form())
    body = json.loads(answer.data)
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    assert body.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("bearer", 300, "system/Patient.rs")
    assert client.get("/fhir/Patient", headers=bearer(body["access_token"])).status_code == 200


def test_T3_no_refresh_token_is_given(client: FlaskClient, service: Service) -> None:
    body = json.loads(post(client, registered(service).form(scope="system/Patient.rs")).data)
    assert "refresh_token" not in body
    assert json.loads(post(client, Signer().form(grant_type="refresh_token")).data)["error"] == "unsupported_grant_type"


def test_T4_no_answer_may_be_kept(client: FlaskClient, service: Service) -> None:
    who = registered(service)
    answers = [
        post(client, who.form()),
        post(client, who.form(scope="system/Nothing.rs")),
        post(client, who.form(client_assertion="x")),
        post(client, replace(who, key="two").form()),
        post(client, {"token": "x"}, "/oauth/introspect"),
        post(client, {"token": "x"}, "/oauth/introspect", headers=bearer("x")),
        post(client, {"token": "x", **who.proof()}, "/oauth/revoke"),
    ]
    assert [answer.status_code for answer in answers] == [200, 400, 400, 401, 401, 401, 200]
    assert {(answer.headers["Cache-Control"], answer.headers["Pragma"]) for answer in answers} == {("no-store", "no-cache")}


def test_T5_the_database_knows_the_digest_alone(client: FlaskClient, service: Service) -> None:
    text = token(client, registered(service))
    [row] = _rows(service.database, kept)
    assert row.digest == digest(text)
    assert text not in repr(tuple(row))
    assert (row.client, row.scopes, row.expires - row.issued) == ("ehr", "system/Patient.rs", 300_000_000)


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("system/Patient.rs", "system/Patient.rs"),
        ("system/Patient.cruds", "system/Patient.rs"),
        ("system/*.rs", "system/Observation.rs system/Patient.rs"),
        ("system/Patient.rs system/Encounter.rs", "system/Patient.rs"),
        ("system/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|vital-signs", None),
        ("http://127.0.0.1:8080/fhir/scope/ledger.read", None),
        (
            "http://127.0.0.1:8080/fhir/scope/ledger.read http://127.0.0.1:8080/fhir/scope/audit.full",
            "http://127.0.0.1:8080/fhir/scope/ledger.read",
        ),
    ],
)
def test_T2_what_is_granted_is_what_was_asked_for_and_may_be_had(
    client: FlaskClient, service: Service, asked: str, given: str | None
) -> None:
    body = json.loads(post(client, registered(service).form(asked)).data)
    assert body["scope"] == (given or asked)


@pytest.mark.parametrize(
    "scope",
    [
        None,
        "",
        "system/Encounter.rs",
        "system/Patient.d",
        "http://127.0.0.1:8080/fhir/scope/audit.full",
        "http://other.example/fhir/scope/ledger.read",
        "ledger.read",
        "system/Patient.sr",
        "system/Patient.rs system/Patient.dus",
        "system/Patient.rs openid",
        "system/Patient.rs  system/Observation.rs",
        "system/Observation.rs?code:in=http://x.example|y",
        "system/Observation.rs?subject.name=x",
        "system/Observation.rs?_filter=x",
        "system:Patient.read",
        "system/Patient.rs\u00e4",
        " ".join(f"system/Patient.rs?_security=http://x.example|c{number}" for number in range(101)),
    ],
    ids=lambda scope: "none" if scope is None else scope[:40],
)
def test_T2_nothing_granted_is_invalid_scope(client: FlaskClient, service: Service, scope: str | None) -> None:
    answer = post(client, registered(service).form(scope=scope))  # type: ignore[arg-type]
    assert (answer.status_code, json.loads(answer.data)["error"]) == (400, "invalid_scope")
    assert (_rows(service.database, kept), _rows(service.database, spent)) == ([], [])


@pytest.mark.parametrize("context", ["patient", "user"])
def test_T2_a_client_for_itself_gets_system_scopes_only(client: FlaskClient, service: Service, context: str) -> None:
    who = registered(service, scopes=f"{context}/Patient.rs system/Observation.rs")
    assert post(client, who.form(f"{context}/Patient.rs")).status_code == 400
    assert json.loads(post(client, who.form(f"{context}/Patient.rs system/Observation.rs")).data)["scope"] == "system/Observation.rs"


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("system/Patient.read", "system/Patient.read"),
        ("system/Observation.write", "system/Observation.cu"),
        ("system/Patient.*", "system/Patient.rs"),
    ],
)
def test_SC2_v1_is_given_as_v1_where_it_can_be_said(client: FlaskClient, service: Service, asked: str, given: str) -> None:
    text = post(client, registered(service).form(asked))
    assert json.loads(text.data)["scope"] == given
    answer = client.get("/fhir/Patient", headers=bearer(json.loads(text.data)["access_token"]))
    assert answer.status_code == (403 if given.startswith("system/Observation") else 200)


def test_SC5_scopes_add_up_and_never_exceed_the_policy(client: FlaskClient, service: Service) -> None:
    body = json.loads(post(client, registered(service, scopes="system/Patient.r system/Patient.s").form("system/Patient.cruds")).data)
    assert body["scope"] == "system/Patient.rs"


def _without(name: str) -> Callable[[Signer], Any]:
    return lambda who: who.form(**{name: None})


BAD_FORMS: list[tuple[str, Callable[[Signer], Any], str]] = [
    ("no grant type", _without("grant_type"), "invalid_request"),
    ("another grant type", lambda who: who.form(grant_type="authorization_code"), "unsupported_grant_type"),
    ("the grant type in capitals", lambda who: who.form(grant_type="CLIENT_CREDENTIALS"), "unsupported_grant_type"),
    ("no assertion type", _without("client_assertion_type"), "invalid_request"),
    ("another assertion type", lambda who: who.form(client_assertion_type="not_an_assertion_type"), "invalid_request"),
    ("no assertion", _without("client_assertion"), "invalid_request"),
    ("an empty assertion", lambda who: who.form(client_assertion=""), "invalid_request"),
    ("a secret besides", lambda who: {**who.form(), "client_secret": "x"}, "invalid_request"),
    ("the scope twice", lambda who: b"scope=system/Patient.rs&" + _text(who), "invalid_request"),
    ("the assertion twice", lambda who: _text(who) + b"&client_assertion=x", "invalid_request"),
    ("an unknown parameter twice", lambda who: _text(who) + b"&x=1&x=2", "invalid_request"),
    ("no form at all", lambda _: b"{}", "invalid_request"),
    ("nothing", lambda _: b"", "invalid_request"),
    ("broken percent encoding", lambda who: _text(who) + b"&x=%ff", "invalid_request"),
    ("no ASCII", lambda who: _text(who) + "&x=\u00e4".encode(), "invalid_request"),
    ("too many parameters", lambda who: _text(who) + b"".join(b"&x%d=1" % number for number in range(30)), "invalid_request"),
    ("too large", lambda who: _text(who) + b"&x=" + b"y" * 33_000, "invalid_request"),
    ("far too large", lambda who: _text(who) + b"&x=" + b"y" * 300_000, "invalid_request"),
]


def _text(who: Signer) -> bytes:
    return "&".join(f"{name}={value}" for name, value in who.form().items()).encode()


@pytest.mark.parametrize(("form", "error"), [case[1:] for case in BAD_FORMS], ids=[case[0] for case in BAD_FORMS])
def test_A1_a_form_that_is_not_as_it_should_be(client: FlaskClient, service: Service, form: Callable[[Signer], Any], error: str) -> None:
    answer = post(client, form(registered(service)))
    assert (answer.status_code, json.loads(answer.data)["error"]) == (400, error)
    assert answer.content_type == "application/json"
    assert _rows(service.database, kept) == []


def test_A1_the_form_itself_is_good(client: FlaskClient, service: Service) -> None:
    """What the cases above change one thing of."""
    assert post(client, _text(registered(service))).status_code == 200


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "multipart/form-data; boundary=x", "", FORM + "; charset=utf-16"]
)
def test_A1_another_content_type(client: FlaskClient, service: Service, content_type: str) -> None:
    answer = post(client, registered(service).form(), content_type=content_type)
    assert (answer.status_code, json.loads(answer.data)["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("query", ["scope=system/Patient.rs", "client_assertion=x", "x=y", "%ff"])
def test_A1_parameters_in_the_query(client: FlaskClient, service: Service, query: str) -> None:
    answer = post(client, registered(service).form(), f"/oauth/token?{query}")
    assert (answer.status_code, json.loads(answer.data)["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("verb", ["get", "put", "patch", "delete", "head", "options"])
@pytest.mark.parametrize("path", ["token", "introspect", "revoke"])
def test_A1_other_verbs(client: FlaskClient, verb: str, path: str) -> None:
    answer = getattr(client, verb)(f"/oauth/{path}")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


def test_A8_an_assertion_is_good_once(client: FlaskClient, service: Service) -> None:
    form = registered(service).form()
    first, second = post(client, form), post(client, form)
    assert (first.status_code, second.status_code, json.loads(second.data)["error"]) == (200, 401, "invalid_client")
    assert len(_rows(service.database, kept)) == 1


def test_A8_an_assertion_is_good_once_for_all_endpoints(client: FlaskClient, service: Service) -> None:
    who = registered(service)
    form = who.form()
    text = json.loads(post(client, form).data)["access_token"]
    proof = {name: form[name] for name in ("client_assertion", "client_assertion_type")}
    for path in ("introspect", "revoke"):
        assert post(client, {"token": text, **proof}, f"/oauth/{path}").status_code == 401
    assert client.get("/fhir/Patient", headers=bearer(text)).status_code == 200


def test_A8_the_same_identifier_of_two_clients_is_two(client: FlaskClient, service: Service) -> None:
    one, two = registered(service), registered(service, Signer("lab"))
    for who in (one, two):
        assert post(client, who.form(client_assertion=who.assertion(jti="same"))).status_code == 200
    assert post(client, one.form(client_assertion=one.assertion(jti="same"))).status_code == 401


def test_A8_what_was_spent_is_forgotten_when_it_is_void_anyway(client: FlaskClient, service: Service) -> None:
    token(client, registered(service))
    tokens.sweep(service)
    assert (len(_rows(service.database, kept)), len(_rows(service.database, spent))) == (1, 1)
    tokens.sweep(replace(service, clock=lambda: service.clock() + (330 + 601) * 1_000_000))
    assert (_rows(service.database, kept), _rows(service.database, spent)) == ([], [])


def test_A9_who_is_not_known_hears_one_sentence(client: FlaskClient, service: Service) -> None:
    """A stranger cannot tell an unknown client from a wrong key, a disabled client or a spent assertion."""
    who = registered(service)
    gone = registered(service, Signer("gone"))
    clients.disable(service, "gone")
    form = who.form()
    post(client, form)
    bad = [form, replace(who, key="two").form(), Signer("nobody").form(), gone.form(), Signer("\u00e4").form()]
    answers = [post(client, each) for each in [*bad, who.form(client_assertion=who.assertion(aud="x"))]]
    assert {(answer.status_code, answer.data) for answer in answers} == {(401, answers[0].data)}
    assert json.loads(answers[0].data) == {
        "error": "invalid_client",
        "error_description": "The client could not be authenticated by its assertion.",
    }


def test_A9_no_authentication_at_all(client: FlaskClient) -> None:
    form = {"grant_type": "client_credentials", "scope": "system/Patient.rs"}
    answer = post(client, form)
    assert (answer.status_code, json.loads(answer.data)["error"]) == (401, "invalid_client")
    answer = post(client, form, headers={"Authorization": "Basic eDp5"})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


def test_A9_a_client_without_keys_gets_its_tokens_from_an_operator_only(client: FlaskClient, service: Service) -> None:
    clients.register(service, clients.Registration("keyless", "system/Patient.rs"))
    assert post(client, Signer("keyless").form()).status_code == 401
    assert client.get("/fhir/Patient", headers=bearer(tokens.issue(service, "keyless").text)).status_code == 200


def test_RS5_a_client_that_is_disabled_gets_no_token(client: FlaskClient, service: Service) -> None:
    who = registered(service)
    text = token(client, who)
    clients.disable(service, "ehr")
    assert post(client, who.form()).status_code == 401
    assert client.get("/fhir/Patient", headers=bearer(text)).status_code == 401


def test_RS1_a_token_ends_when_it_expires(client: FlaskClient, service: Service) -> None:
    text = token(client, registered(service))
    [row] = _rows(service.database, kept)
    for instant, found in ((row.expires - 1, True), (row.expires, False)):
        assert (tokens.caller(replace(service, clock=lambda instant=instant: instant), text) is not None) is found  # type: ignore[misc]


def test_the_assertion_type_is_the_one_of_rfc_7523() -> None:
    assert ASSERTION_TYPE == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
