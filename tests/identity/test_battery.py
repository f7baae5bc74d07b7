"""A2 to A10 over HTTP: the battery of client assertions at the token endpoint, by RS384 and by ES384, on both databases.

One application is asked for all cases of a database and an algorithm; its clients are registered anew for each. Its clock stands.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete
from werkzeug.test import TestResponse

from service import wiring
from service.app import composed
from service.clock import fixed
from service.config import Settings
from service.records.context import Service
from service.security.key_source import KeySource, KeysUnavailable, Published
from service.storage import clients
from service.storage.clients import Client
from service.storage.tables.clients import assertion, client, token
from tests.databases import KINDS, Databases
from tests.identity.clients import ASSERTION_TYPE, post
from tests.unit.security.assertion_cases import CASES, ISSUER, KEYS_URL, NOW, TOKEN_URL, Case
from tests.unit.security.signing import ES384, RS384, jwk, key_set, private

SCOPE = "system/Patient.rs"


def registered(algorithm: str) -> bytes:
    """The set of the client `ehr`: a key of each type, and the keys that the cases ask for."""
    other = RS384 if algorithm == ES384 else ES384
    return key_set(
        jwk(private(algorithm), kid=f"key-{algorithm}"),
        jwk(private(other), kid=f"key-{other}"),
        jwk(private(other, "other type"), kid="key-other-type"),
        jwk(private(algorithm), kid="k"),
        jwk(private(algorithm), kid="k" * 255),
    )


@dataclass(frozen=True)
class Endpoint:
    """A token endpoint for clients of one algorithm."""

    algorithm: str
    service: Service
    client: FlaskClient

    def register(self, case: Case) -> None:
        """The clients of the case, and nobody else; nothing is spent."""
        keys, conventions = registered(self.algorithm).decode(), tuple(sorted(one.value for one in case.conventions))
        stranger = key_set(jwk(private(self.algorithm, "gateway"), kid=f"key-{self.algorithm}")).decode()
        ehr = Client("ehr", "ehr", SCOPE, 0, jwks=None if case.by_url else keys, jwks_url=KEYS_URL if case.by_url else None)
        with self.service.database.write() as tx:
            for table in (assertion, token, client):
                tx.connection.execute(delete(table))
            clients.add(tx, replace(ehr, conventions=conventions))
            clients.add(tx, replace(ehr, id="gateway", jwks=stranger, jwks_url=None, conventions=conventions))
            clients.add(tx, replace(ehr, id="disabled", conventions=conventions, disabled=1))

    def asked(self, case: Case) -> TestResponse:
        """What becomes of the case's assertion."""
        form = {"grant_type": "client_credentials", "scope": SCOPE, "client_assertion_type": ASSERTION_TYPE}
        form |= {"client_id": case.client_id} if case.client_id else {}
        return post(self.client, {**form, "client_assertion": case.assertion(self.algorithm)})


@pytest.fixture(scope="module", params=[(kind, algorithm) for kind in KINDS for algorithm in (RS384, ES384)], ids="-".join)
def endpoint(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Endpoint]:
    """The endpoint on one database, for one algorithm. The registered URL, and no other, has the client's keys."""
    kind, algorithm = request.param

    def fetch(url: str) -> Published:
        if url != KEYS_URL:
            raise KeysUnavailable("elsewhere")
        return Published(registered(algorithm))

    with databases.fresh(kind) as url:
        parts = wiring.service(
            Settings(
                database_url=url,
                base_url="https://clinic.example/fhir",
                cursor_key="c" * 32,
                rate_limit=0,
                rate_limit_tokens=0,
                rate_limit_sign_in=0,
            )
        )
        standing = replace(parts, clock=fixed(NOW * 1_000_000), identity=replace(parts.identity, source=KeySource(fetch)))
        yield Endpoint(algorithm, standing, composed(standing).test_client())
        parts.database.dispose()


def test_the_endpoint_is_the_one_of_the_battery(endpoint: Endpoint) -> None:
    assert (endpoint.service.identity.token_url, endpoint.service.identity.issuer) == (TOKEN_URL, ISSUER)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_A2_to_A10_battery(endpoint: Endpoint, case: Case) -> None:
    endpoint.register(case)
    answer = endpoint.asked(case)
    body = json.loads(answer.data)
    if case.end is None:
        assert (answer.status_code, body.get("scope")) == (200, SCOPE)
    else:
        assert (body["error"], answer.status_code) == case.end
        assert body.keys() == {"error", "error_description"}
    assert (answer.content_type, answer.headers["Cache-Control"]) == ("application/json", "no-store")


@pytest.mark.parametrize("case", [case for case in CASES if case.end is None], ids=lambda case: case.name)
def test_A8_each_good_assertion_is_good_once(endpoint: Endpoint, case: Case) -> None:
    endpoint.register(case)
    assert [endpoint.asked(case).status_code for _ in range(3)] == [200, 401, 401]
