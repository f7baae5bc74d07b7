"""Who the tests are: the service itself where a test calls its functions, and a client that may do everything where it sends requests."""

from contextlib import suppress
from dataclasses import replace
from functools import cache
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient

from service import wiring
from service.config import Settings
from service.errors import Conflict
from service.fhir import definitions
from service.records import clients, tokens
from service.records.clients import Registration
from service.records.context import Service
from service.security import clinical
from service.security.caller import Caller
from service.security.grant import Grant
from service.security.identity import Identity
from service.security.scope import NAMES
from service.storage import migrate

TESTS = Caller.internal("tests")
"""Sees and changes everything."""

EVERYTHING = " ".join(
    (
        "system/*.cruds",
        *(f"system/{type}.cruds" for type in sorted(definitions.load("").types) if not clinical.reaches(clinical.ANY, type)),
        *NAMES,
    )
)
"""Every scope there is: `*` means the clinical types, so the others are named."""
ALMIGHTY = Registration("tests", EVERYTHING)


def token(service: Service, client: Registration = ALMIGHTY, patient: str | None = None, user: str | None = None) -> str:
    """A token with all scopes of `client`, which is registered if it is not yet; `patient` (an id) and `user` are its launch context."""
    with suppress(Conflict):
        clients.register(service, client)
    issued = tokens.issue(service, client.id, patient=patient, user=user)
    assert not client.scopes or issued.scope == str(Grant.of(service.identity.grammar.typed(client.scopes)))
    return issued.text


def token_on(database_url: str, base_url: str, client: Registration = ALMIGHTY, patient: str | None = None, user: str | None = None) -> str:
    """The same for a service that runs elsewhere: on this database, at this base URL. Scopes hold for one base URL, so does the client."""
    here = _parts()
    settings = replace(here.settings, database_url=database_url, base_url=base_url)
    identity = Identity.of(base_url, here.identity.grammar.types, here.identity.outbound)
    there = replace(here, settings=settings, identity=identity, database=wiring.database(settings))
    try:
        return token(there, replace(client, id=f"{client.id}-{urlsplit(base_url).port}"), patient, user)
    finally:
        there.database.dispose()


@cache
def _parts() -> Service:
    """Parts of a service to be put on other databases: starting one there could change what the service there has prepared."""
    with TemporaryDirectory() as folder:
        settings = Settings(database_url=f"sqlite:///{folder}/records.db", cursor_key="c" * 32)
        database = wiring.database(settings)
        migrate.upgrade(database)
        database.dispose()
        parts = wiring.service(settings)
        parts.database.dispose()
        return parts


def admitted(app: Flask, client: Registration = ALMIGHTY, patient: str | None = None, user: str | None = None) -> FlaskClient:
    """A test client whose requests carry a token, unless a request has an Authorization header of its own."""
    sender = app.test_client()
    minted = token(app.extensions["infusion_records"], client, patient, user)
    sender.environ_base["HTTP_AUTHORIZATION"] = bearer(minted)["Authorization"]
    return sender


def bearer(token: str) -> dict[str, str]:
    """The header fields that carry a token."""
    return {"Authorization": f"Bearer {token}"}
