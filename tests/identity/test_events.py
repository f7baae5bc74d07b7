"""What the audit trail tells of clients and tokens: one row for each request, who and why, and never a secret."""

import base64
import json
from dataclasses import replace
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select

from service.records import clients, tokens
from service.records.clients import Registration
from service.records.context import Service
from service.storage.tables.audit import audit_event
from tests.identity.clients import Signer, bearer, post, registered, token


def _events(service: Service) -> list[dict[str, Any]]:
    """The events, in their order, as (who, what, how it ended, details)."""
    with service.database.glance() as tx:
        rows = list(tx.connection.execute(select(audit_event).order_by(audit_event.c.serial)))
    return [_event(row) for row in rows]


def _event(row: Any) -> dict[str, Any]:
    tree = json.loads(row.body)
    entities = [one for one in tree.get("entity", ()) if "detail" in one]
    details = {one["type"]: one["valueString"] for entity in entities for one in entity["detail"]}
    return {"who": row.client, "subtype": row.interaction, "action": row.action, "outcome": row.outcome, **details}


def _new(service: Service, known: int) -> list[dict[str, Any]]:
    return _events(service)[known:]


def test_a_token_that_was_issued_is_told_with_how_the_client_proved_itself(client: FlaskClient, service: Service) -> None:
    who = registered(service, role="ehr")
    before = len(_events(service))
    token(client, who)
    token(client, replace(who, header={"typ": "JWT", "kid": "k1"}))
    told = {
        "who": "ehr",
        "subtype": "110122",
        "action": "C",
        "outcome": "0",
        "scope": "system/Patient.rs",
        "convention": "JWT",
        "key": "k1",
    }
    assert _new(service, before) == [told, told]


def test_a_refusal_is_told_with_its_reason_and_a_client_that_there_is(client: FlaskClient, service: Service) -> None:
    who = registered(service)
    form = who.form()
    post(client, form)
    before = len(_events(service))
    for bad in (form, replace(who, key="two").form(), Signer("nobody").form(), who.form("system/Encounter.rs"), {"x": "y"}):
        assert post(client, bad).status_code >= 400
    told = [(one["who"], one["outcome"], one["reason"], one.get("claimed")) for one in _new(service, before)]
    assert told == [
        ("nobody", "8", "replayed", "ehr"),
        ("nobody", "8", "signature", "ehr"),
        ("nobody", "8", "client-unknown", None),
        ("nobody", "8", "nothing-granted", "ehr"),
        ("nobody", "8", "grant-type-missing", None),
    ]


def test_introspection_and_revocation_are_told(client: FlaskClient, service: Service) -> None:
    text = token(client, registered(service))
    before = len(_events(service))
    post(client, {"token": text}, "/oauth/introspect", headers=bearer(text))
    post(client, {"token": "x"}, "/oauth/introspect", headers=bearer(text))
    post(client, {"token": text}, "/oauth/revoke", headers=bearer(text))
    post(client, {"token": text}, "/oauth/revoke", headers=bearer(text))
    told = [(one["who"], one["action"], one["outcome"], one.get("result", one.get("reason"))) for one in _new(service, before)]
    assert told == [
        ("ehr", "R", "0", None),
        ("ehr", "R", "0", "no such token"),
        ("ehr", "D", "0", None),
        ("nobody", "D", "8", "token"),
    ]


def test_what_operators_do_is_told(service: Service) -> None:
    clients.register(service, Registration("ehr", "system/Patient.rs", jwks=Signer().jwks, origins=("https://app.example",)))
    tokens.issue(service, "ehr", seconds=60, patient="p1")
    clients.rotate(service, "ehr", jwks_url="https://ehr.example/jwks")
    clients.disable(service, "ehr")
    told = [{name: value for name, value in one.items() if name not in ("subtype", "outcome")} for one in _events(service)]
    assert told == [
        {
            "who": "command-line",
            "action": "U",
            "what": "registered",
            "scope": "system/Patient.rs",
            "keys": "k1",
            "origins": "https://app.example",
        },
        {"who": "command-line", "client": "ehr", "action": "C", "scope": "system/Patient.rs", "seconds": "60", "patient": "p1"},
        {"who": "command-line", "action": "U", "what": "other keys", "keys": "https://ehr.example/jwks"},
        {"who": "command-line", "action": "U", "what": "disabled"},
    ]


def test_no_secret_is_told(client: FlaskClient, service: Service) -> None:
    who = registered(service)
    form = who.form()
    text = json.loads(post(client, form).data)["access_token"]
    post(client, form)
    post(client, {"token": text}, "/oauth/introspect", headers=bearer(text))
    post(client, {"token": text, "client_secret": "hunter2-hunter2"}, "/oauth/revoke", headers=bearer(text))
    post(client, {"token": text}, "/oauth/revoke", headers=bearer(text))
    with service.database.glance() as tx:
        bodies = b"\n".join(bytes(row.body) for row in tx.connection.execute(select(audit_event)))
    assert bodies.count(b"AuditEvent") >= 6
    secrets = [
        text,
        form["client_assertion"],
        form["client_assertion"].rpartition(".")[2],
        "hunter2-hunter2",
        base64.b64encode(text.encode()).decode(),
    ]
    assert [secret for secret in secrets if secret.encode() in bodies] == []
