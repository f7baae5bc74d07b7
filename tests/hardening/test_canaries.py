"""S-29: whatever is sent, and wherever it goes wrong, no log of the real service has a word of it."""

import json
import socket
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import requests

from tests.canaries import CANARY, found
from tests.server import Live

VISIT = json.loads((Path(__file__).parents[1] / "data" / "example-visit.json").read_text(encoding="utf-8"))
FHIR = {"Content-Type": "application/fhir+json"}
_FREE = frozenset({"text", "display", "family", "title", "comment", "description", "city", "value"})


def _marked(value: Any, name: str = "") -> Any:
    """The same with the canary in every text that may be any text."""
    if isinstance(value, dict):
        return {key: one if key in ("coding", "telecom") else _marked(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [_marked(one, name) for one in value]
    return f"{value} {CANARY}" if isinstance(value, str) and name in _FREE else value


def _require_silent(live: Live) -> None:
    text = live.log.read_text(encoding="utf-8", errors="replace")
    assert '"status"' in text
    assert found(text) == []


def test_what_is_stored_and_searched_is_not_logged(live_server: Live) -> None:
    visit = _marked(VISIT)
    assert json.dumps(visit).count(CANARY) > 100
    answer = live_server.send("POST", "", FHIR, json=visit)
    assert answer.status_code in (200, 422), answer.text[:2000]
    for name in ("Patient", "Observation", "MedicationAdministration", "AuditEvent", CANARY):
        for query in (
            f"name={CANARY}",
            f"_content={CANARY}",
            f"identifier={CANARY}",
            f"patient={CANARY}",
            f"_sort={CANARY}",
            f"{CANARY}=1",
        ):
            live_server.send("GET", f"/{name}?{query}")
            live_server.send("POST", f"/{name}/_search", {"Content-Type": "application/x-www-form-urlencoded"}, data=query)
        for path in (CANARY, f"{CANARY}/_history", f"{CANARY}/_history/{CANARY}", f"${CANARY}", f"{CANARY}/$everything"):
            for verb in ("GET", "PUT", "DELETE", "PATCH", "POST", CANARY.upper()):
                live_server.send(verb, f"/{name}/{path}", FHIR, data=json.dumps({"resourceType": name, "id": CANARY}))
    _require_silent(live_server)


@pytest.mark.parametrize(
    "body",
    [
        CANARY.encode(),
        json.dumps({"resourceType": "Patient", "name": [{"family": CANARY}], CANARY: CANARY, "birthDate": CANARY}).encode(),
        json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": {"resourceType": CANARY}}]}).encode(),
        b'{"resourceType":"Patient","name":[{"family":"' + CANARY.encode() + b'\\ud800"}]}',
        b"[" * 5000 + CANARY.encode(),
    ],
    ids=["text", "wrong elements", "wrong bundle", "lone surrogate", "nested"],
)
def test_what_is_refused_is_not_logged(live_server: Live, body: bytes) -> None:
    for path in ("", "/Patient", "/Patient/$validate", "/Observation"):
        answer = live_server.send("POST", path, {**FHIR, "If-None-Exist": f"name={CANARY}", "Idempotency-Key": CANARY}, data=body)
        assert 400 <= answer.status_code < 500 or path == "/Patient/$validate"
    _require_silent(live_server)


def test_who_asks_is_not_logged(live_server: Live) -> None:
    for headers in ({"Authorization": f"Bearer {CANARY}"}, {"Cookie": f"session={CANARY}"}, {"Referer": CANARY, "User-Agent": CANARY}):
        assert requests.get(f"{live_server.url}/Patient?name={CANARY}", headers=headers, timeout=30).status_code == 401
    form = {"grant_type": "client_credentials", "client_id": CANARY, "client_assertion": f"{CANARY}.{CANARY}.{CANARY}", "scope": CANARY}
    for path in ("/oauth/token", "/oauth/introspect", "/oauth/revoke", "/sign-in", f"/{CANARY}", f"/audit/proof?entry={CANARY}"):
        requests.post(live_server.origin + path, data={**form, "login": CANARY, "password": CANARY}, timeout=30)
        requests.get(f"{live_server.origin}{path}?next={CANARY}", timeout=30)
    _require_silent(live_server)


def test_what_is_no_http_is_not_logged(live_server: Live) -> None:
    address = urlsplit(live_server.origin)
    assert address.hostname is not None
    name = quote(CANARY)
    for sent in (
        f"GET /fhir/{name} HTTP/9.9\r\n\r\n",
        f"{name}\r\n\r\n",
        f"GET / HTTP/1.1\r\n{name}\r\n\r\n",
        f"GET /{'x' * 9000}{name} HTTP/1.1\r\n\r\n",
    ):
        with socket.create_connection((address.hostname, address.port or 80), timeout=30) as connection:
            connection.sendall(sent.encode())
            connection.settimeout(30)
            connection.recv(4096)
    live_server.send("GET", "/metadata")
    _require_silent(live_server)
