"""Who the tests are: the service itself where a test calls its functions, and a client that may do everything where it sends requests."""

from flask import Flask
from flask.testing import FlaskClient

from service.fhir import definitions
from service.records.context import Service
from service.security import clinical
from service.security.caller import Caller
from service.security.scope import NAMES

TESTS = Caller.internal("tests")
"""Sees and changes everything."""

CLIENT = "tests"
EVERYTHING = " ".join(
    (
        "system/*.cruds",
        *(f"system/{type}.cruds" for type in sorted(definitions.load("").types) if not clinical.reaches(clinical.ANY, type)),
        *NAMES,
    )
)
"""Every scope there is: `*` means the clinical types, so the others are named."""


def token(service: Service, scopes: str = EVERYTHING, client: str = CLIENT, **context: str) -> str:
    """A token of `client`, which is registered if it is not yet, for `scopes` as an operator types them; `context`: patient, user."""
    return ""


def token_on(database_url: str, scopes: str = EVERYTHING, client: str = CLIENT, **context: str) -> str:
    """The same for a service that runs elsewhere, on this database."""
    return ""


def admitted(app: Flask, scopes: str = EVERYTHING, client: str = CLIENT, **context: str) -> FlaskClient:
    """A test client whose requests carry a token, unless a request has an Authorization header of its own."""
    sender = app.test_client()
    for name, value in bearer(token(app.extensions["infusion_records"], scopes, client, **context)).items():
        sender.environ_base[f"HTTP_{name.upper()}"] = value
    return sender


def bearer(token: str) -> dict[str, str]:
    """The header fields that carry a token."""
    return {"Authorization": f"Bearer {token}"} if token else {}
