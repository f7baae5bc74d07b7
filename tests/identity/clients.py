"""Registered clients and good requests for tokens, for the tests of the OAuth endpoints."""

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from service.records import clients
from service.records.clients import Registration
from service.records.context import Service
from tests.unit.security.signing import RS384, compact, jwk, key_set, private

ORIGIN = "http://127.0.0.1:8080"
FORM = "application/x-www-form-urlencoded"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SCOPES = "system/Patient.rs system/Observation.crus ledger.read"


@dataclass(frozen=True)
class Signer:
    """A client that signs for itself: its id, its algorithm, and the name of its key; `origin` is where the service is."""

    id: str = "ehr"
    algorithm: str = RS384
    key: str = "one"
    origin: str = ORIGIN
    header: Mapping[str, Any] = field(default_factory=dict)

    @property
    def jwks(self) -> bytes:
        """What is registered of it."""
        return key_set(jwk(private(self.algorithm, self.key), kid="k1"))

    def assertion(self, **claims: Any) -> str:
        """A good assertion of its own, with other claims where given."""
        header = {"alg": self.algorithm, "kid": "k1", "typ": "JWT", **self.header}
        usual = {
            "iss": self.id,
            "sub": self.id,
            "aud": f"{self.origin}/oauth/token",
            "exp": int(time.time()) + 300,
            "jti": uuid.uuid4().hex,
        }
        return compact(header, {**usual, **claims}, private(self.algorithm, self.key), self.algorithm)

    def form(self, scope: str = "system/Patient.rs", **parameters: str | None) -> dict[str, str]:
        """A good request for a token, with other parameters where given; those that are None are left out."""
        usual = {"grant_type": "client_credentials", "scope": scope, **self.proof()}
        return {name: value for name, value in {**usual, **parameters}.items() if value is not None}

    def proof(self) -> dict[str, str]:
        """The two parameters by which it proves who it is."""
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": self.assertion()}


def registered(service: Service, signer: Signer | None = None, scopes: str = SCOPES, **more: Any) -> Signer:
    """A client that is registered with its keys."""
    who = signer or Signer()
    clients.register(service, Registration(who.id, scopes, jwks=who.jwks, **more))
    return who


def post(client: FlaskClient, form: Mapping[str, str] | bytes | str, path: str = "/oauth/token", **more: Any) -> TestResponse:
    """The answer to a form that is posted."""
    body = urlencode(form) if isinstance(form, Mapping) else form
    return client.post(path, data=body, content_type=more.pop("content_type", FORM), **more)


def token(client: FlaskClient, signer: Signer, scope: str = "system/Patient.rs") -> str:
    """A token of that client, got as clients get theirs."""
    answer = post(client, signer.form(scope))
    assert answer.status_code == 200, answer.text
    return str(json.loads(answer.data)["access_token"])


def bearer(text: str) -> dict[str, str]:
    """The header that carries a token."""
    return {"Authorization": f"Bearer {text}"}
