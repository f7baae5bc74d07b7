"""REG1 to REG5, SC1, SC6 and SC7: what is checked when a client is registered, and what its keys are worth at the endpoint."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.app import composed
from service.errors import BadRequest, Conflict, NotFound
from service.outbound.address import private_hosts
from service.outbound.client import Outbound
from service.records import clients, tokens
from service.records.clients import Registration, disable, every, register, rotate
from service.records.context import Service
from service.security.identity import Identity
from tests.identity.clients import Signer, bearer, post, registered, token
from tests.unit.outbound.servers import NAME, Server, at, serving
from tests.unit.security.signing import ES384, RS384, jwk, key_set, private

SCOPE = "system/Patient.rs"


class Hospital:
    """A hospital that publishes its keys over HTTPS; what it answers can be changed."""

    def __init__(self) -> None:
        self.keys = Signer().jwks
        self.head = "200 OK\r\nCache-Control: max-age=3600"

    def __call__(self, connection: Any) -> None:
        connection.sendall(f"HTTP/1.1 {self.head}\r\nContent-Length: {len(self.keys)}\r\n\r\n".encode() + self.keys)


@pytest.fixture
def hospital() -> Hospital:
    """The hospital."""
    return Hospital()


@pytest.fixture
def server(hospital: Hospital, tmp_path: Path) -> Iterator[Server]:
    """Its server."""
    with serving(hospital, str(tmp_path)) as found:
        yield found


@pytest.fixture
def reaching(service: Service, server: Server) -> Service:
    """The service, with a way out to that server alone."""
    outbound = Outbound(private_hosts(f"{NAME}=127.0.0.0/8"), server.authorities, lookup=at("127.0.0.1"))
    return replace(service, identity=Identity.of(service.settings.base_url, service.identity.grammar.types, outbound))


def _published(service: Service, server: Server, path: str = "/jwks.json") -> Signer:
    register(service, Registration("ehr", SCOPE, jwks_url=f"https://{NAME}:{server.port}{path}"))
    return Signer()


def test_REG1_keys_come_from_the_registered_url(reaching: Service, server: Server) -> None:
    client, who = composed(reaching).test_client(), _published(reaching, server)
    assert [post(client, who.form()).status_code for _ in range(3)] == [200, 200, 200]
    assert len(server.seen) == 1
    assert server.seen[0].startswith("GET /jwks.json HTTP/1.1")


def test_REG1_keys_are_given_with_the_registration(client: FlaskClient, service: Service) -> None:
    for algorithm in (RS384, ES384):
        assert token(client, registered(service, Signer(algorithm, algorithm)))


def test_REG3_keys_may_be_rotated_by_the_hospital(reaching: Service, server: Server, hospital: Hospital) -> None:
    client, who = composed(reaching).test_client(), _published(reaching, server)
    token(client, who)
    hospital.keys = key_set(jwk(private(RS384, "two"), kid="k2"))
    assert post(client, replace(who, key="two", header={"kid": "k2"}).form()).status_code == 200
    assert post(client, who.form()).status_code == 401
    assert len(server.seen) == 2


@pytest.mark.parametrize("head", ["302 Found\r\nLocation: https://keys.clinic.test/other", "500 Oops", "404 Not Found"])
def test_REG4_what_is_no_plain_answer_lets_nobody_in(reaching: Service, server: Server, hospital: Hospital, head: str) -> None:
    hospital.head = head
    client, who = composed(reaching).test_client(), _published(reaching, server)
    answer = post(client, who.form())
    assert (answer.status_code, json.loads(answer.data)["error"]) == (401, "invalid_client")
    assert len(server.seen) == 1


def test_REG4_without_a_grant_a_host_inside_is_not_called(service: Service, server: Server) -> None:
    outbound = Outbound({}, server.authorities, lookup=at("127.0.0.1"))
    closed = replace(service, identity=Identity.of(service.settings.base_url, service.identity.grammar.types, outbound))
    who = _published(closed, server)
    assert post(composed(closed).test_client(), who.form()).status_code == 401
    assert server.seen == []


@pytest.mark.parametrize(
    "url",
    [
        "http://ehr.example/jwks",
        "https://10.0.0.1/jwks",
        "https://user@ehr.example/jwks",
        "https://2130706433/",
        "file:///etc/passwd",
        "ehr.example",
        "",
    ],
)
def test_REG4_urls_that_are_never_called_are_not_registered(service: Service, url: str) -> None:
    with pytest.raises(BadRequest) as refused:
        register(service, Registration("ehr", SCOPE, jwks_url=url))
    assert refused.value.issues[0].rule == "client-keys"
    assert every(service) == []


UNFIT: list[tuple[str, bytes]] = [
    ("REG2 no kid", key_set(jwk(private(RS384)))),
    ("REG2 no kty", key_set({"kid": "k"})),
    ("REG2 no modulus", key_set({"kid": "k", "kty": "RSA", "e": "AQAB"})),
    ("REG2 no coordinate", key_set({**jwk(private(ES384), kid="k"), "y": None})),
    ("REG5 too small", key_set(jwk(private("RS384"), kid="k", n="AQAB"))),
    ("REG5 a private member", key_set(jwk(private(ES384), kid="k", d="AAAA"))),
    ("REG5 symmetric", key_set({"kid": "k", "kty": "oct", "k": "AAAA"})),
    ("REG5 a kid twice", key_set(jwk(private(ES384), kid="k"), jwk(private(RS384), kid="k"))),
    ("REG4 too many keys", key_set(*(jwk(private(ES384), kid=f"k{number}") for number in range(21)))),
    ("REG4 too large", key_set(jwk(private(ES384), kid="k", x5c=["A" * 70_000]))),
    ("REG5 no keys", key_set()),
    ("REG5 no JSON", b"x"),
    ("REG5 no UTF-8", b'{"keys":[],"x":"\xff"}'),
]


@pytest.mark.parametrize("keys", [keys for _, keys in UNFIT], ids=[name for name, _ in UNFIT])
def test_REG2_REG5_unfit_keys_are_refused(service: Service, keys: bytes) -> None:
    with pytest.raises(BadRequest) as refused:
        register(service, Registration("ehr", SCOPE, jwks=keys))
    assert refused.value.issues[0].rule == "client-keys"
    register(service, Registration("ehr", SCOPE))
    with pytest.raises(BadRequest):
        rotate(service, "ehr", jwks=keys)
    assert every(service)[0].jwks is None


def test_REG1_one_kind_of_keys_at_a_time(service: Service) -> None:
    with pytest.raises(BadRequest):
        register(service, Registration("ehr", SCOPE, jwks=Signer().jwks, jwks_url="https://ehr.example/jwks"))
    register(service, Registration("ehr", SCOPE))
    with pytest.raises(BadRequest):
        rotate(service, "ehr")


def test_REG5_new_keys_replace_the_old_ones(client: FlaskClient, service: Service) -> None:
    who = registered(service)
    new = replace(who, key="two")
    assert [post(client, each.form()).status_code for each in (who, new)] == [200, 401]
    rotate(service, "ehr", jwks=new.jwks)
    assert [post(client, each.form()).status_code for each in (who, new)] == [401, 200]


@pytest.mark.parametrize("id", ["", "a b", "a/b", "\u00e4", "a\x00", "a" * 65, "a\n", "a'--"])
def test_REG_the_name_of_a_client(service: Service, id: str) -> None:
    with pytest.raises(BadRequest) as refused:
        register(service, Registration(id, SCOPE))
    assert refused.value.issues[0].rule == "client-id"


@pytest.mark.parametrize(
    ("rule", "more"),
    [
        ("client-role", {"role": "root"}),
        ("client-device", {"device": "pump-1"}),
        ("client-device", {"device": "Patient/p1"}),
        ("client-origin", {"origins": ("https://app.example/",)}),
        ("client-origin", {"origins": ("https://app.example:443",)}),
        ("client-origin", {"origins": ("*",)}),
        ("client-origin", {"origins": ("null",)}),
        ("client-origin", {"origins": ("https://App.example",)}),
        ("client-convention", {"conventions": ("at+jwt",)}),
    ],
)
def test_REG_what_else_is_checked(service: Service, rule: str, more: dict[str, Any]) -> None:
    with pytest.raises(BadRequest) as refused:
        register(service, Registration("ehr", SCOPE, **more))
    assert refused.value.issues[0].rule == rule
    assert every(service) == []


@pytest.mark.parametrize(
    "scope",
    [
        "system:Patient.read",
        "system/Patient.dus",
        "system/Patient.",
        "system/patient.rs",
        "system/Nothing.rs",
        "System/Patient.rs",
        "system/Patient.rs?code:in=http://x.example|y",
        "system/Observation.rs?subject.name=x",
        "system/Observation.rs?_filter=x",
        "system/Observation.rs?value-quantity=1",
        "system/Patient.read?_security=http://x.example|y",
        "audit.everything",
        "http://other.example/fhir/scope/ledger.read",
        "",
        "   ",
    ],
)
def test_SC1_SC6_SC7_scopes_that_cannot_be_held_to_are_not_registered(service: Service, scope: str) -> None:
    with pytest.raises(BadRequest) as refused:
        register(service, Registration("ehr", scope))
    assert refused.value.issues[0].rule == "client-scopes"


def test_SC7_a_scope_that_is_misspelt_at_registration_opens_nothing_at_issue(client: FlaskClient, service: Service) -> None:
    """What was let through elsewhere: registered as `system:Patient.read`, granted as `system/Patient.write`."""
    who = registered(service, scopes="system/Patient.read")
    for scope in ("system/Patient.write", "system/Patient.cud", "system/Patient.*"):
        answer = json.loads(post(client, who.form(scope)).data)
        assert answer.get("scope", "system/Patient.rs") == "system/Patient.rs"


def test_a_role_brings_its_scopes(service: Service) -> None:
    register(service, Registration("pump", role="gateway", device="Device/pump-1"))
    [found] = every(service)
    assert found.scopes.startswith("system/Observation.c?category=")
    assert (found.role, found.device, found.name, found.disabled) == ("gateway", "Device/pump-1", "pump", None)


def test_a_name_is_given_once(service: Service) -> None:
    register(service, Registration("ehr", SCOPE))
    disable(service, "ehr")
    with pytest.raises(Conflict):
        register(service, Registration("ehr", SCOPE))
    for act in (disable, tokens.issue):
        with pytest.raises(NotFound):
            act(service, "ehr")  # type: ignore[operator]


@pytest.mark.parametrize("seconds", [0, -1, tokens.MOST_SECONDS + 1])
def test_an_operators_token_has_a_bounded_life(service: Service, seconds: int) -> None:
    register(service, Registration("ehr", SCOPE))
    with pytest.raises(BadRequest):
        tokens.issue(service, "ehr", seconds=seconds)


@pytest.mark.parametrize(
    ("scopes", "given"), [(None, SCOPE), ("system/Patient.cruds ledger.read", SCOPE), ("system/*.r", "system/Patient.r")]
)
def test_SC5_an_operators_token_never_exceeds_the_policy(service: Service, scopes: str | None, given: str) -> None:
    register(service, Registration("ehr", SCOPE))
    assert tokens.issue(service, "ehr", scopes).scope == given
    with pytest.raises(BadRequest):
        tokens.issue(service, "ehr", "ledger.read")


def test_SC8_a_patient_scope_without_a_patient_gives_nothing(client: FlaskClient, service: Service) -> None:
    clients.register(service, Registration("app", "patient/Patient.rs patient/Observation.rs"))
    without, within = tokens.issue(service, "app").text, tokens.issue(service, "app", patient="p1").text
    assert client.get("/fhir/Patient", headers=bearer(without)).status_code == 403
    assert client.get("/fhir/Patient", headers=bearer(within)).status_code == 200


def test_RS3_a_type_outside_of_the_scopes_is_refused(client: FlaskClient, service: Service) -> None:
    text = token(client, registered(service, scopes="system/Patient.rs"))
    answer = client.get("/fhir/Encounter", headers=bearer(text))
    assert (answer.status_code, json.loads(answer.data)["resourceType"]) == (403, "OperationOutcome")
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]
