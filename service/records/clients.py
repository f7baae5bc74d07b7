"""Clients: how they are registered, given other keys, and let in no more. Rules REG1 to REG5 and SC6 of the requirements.

https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html#registering-a-client-communicating-public-keys
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from service.errors import BadRequest, Conflict, NotFound
from service.outbound.destination import Destination
from service.outbound.failure import Refused
from service.records import token_events
from service.records.context import Service
from service.records.token_events import OPERATOR
from service.security.assertion import Convention
from service.security.caller import Caller
from service.security.grant import Grant
from service.security.keys import UnfitKeys, parse
from service.security.roles import ROLES
from service.security.scope import ScopeError
from service.storage import clients
from service.storage.clients import Client
from service.storage.failures import Collision

ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""How the id of a client is written."""

_DEVICE = re.compile(r"Device/[A-Za-z0-9.-]{1,64}")
_ORIGIN = re.compile(r"https?://[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::[1-9][0-9]{0,4})?")
_USUAL_PORTS = {"https": "443", "http": "80"}


@dataclass(frozen=True, slots=True)
class Registration:
    """What an operator says of a new client.

    `scopes` as on the command line; when empty, those of `role`. `jwks` is a JWK Set, `jwks_url` the URL of one: one of them or none.
    `device` is a reference (`Device/id`), `origins` are those of web pages (`https://app.example`), `conventions` the `typ` values of
    assertions that it may use: all when empty.
    """

    id: str
    scopes: str = ""
    name: str = ""
    role: str | None = None
    jwks: bytes | None = None
    jwks_url: str | None = None
    device: str | None = None
    origins: tuple[str, ...] = ()
    conventions: tuple[str, ...] = ()


def register(service: Service, asked: Registration, who: Caller = OPERATOR) -> Client:
    """Keep a new client. BadRequest names what is malformed; Conflict when there is a client with this id, be it disabled."""
    new = _checked(service, asked)
    try:
        with service.database.write() as tx:
            clients.add(tx, new)
            token_events.client_changed(service, tx, new.id, who, tuple(_told(new)))
    except Collision:
        raise Conflict.of("duplicate", "client-id", f"There is a client {new.id} already. Choose another name.") from None
    return new


def every(service: Service) -> list[Client]:
    """All clients, by their ids."""
    with service.database.glance() as tx:
        return clients.every(tx)


def origins(service: Service, id: str | None = None) -> frozenset[str]:
    """The origins of web pages that are registered with the client `id`, or with any; of enabled clients only."""
    with service.database.glance() as tx:
        return clients.origins(tx, id)


def disable(service: Service, id: str, who: Caller = OPERATOR) -> None:
    """Let a client in no more: its tokens are void at the next request. NotFound when there is none that is enabled."""
    with service.database.write() as tx:
        if not clients.disable(tx, id, service.clock()):
            raise _unknown(id)
        token_events.client_changed(service, tx, id, who, (("what", "disabled"),))


def rotate(service: Service, id: str, jwks: bytes | None = None, jwks_url: str | None = None, who: Caller = OPERATOR) -> None:
    """Give a client other keys: a JWK Set or the URL of one. NotFound when there is none; BadRequest for keys that are unfit."""
    kept = _keys(jwks, jwks_url)
    if kept == (None, None):
        raise _refused("client-keys", "Give the new keys: a JWK Set, or the URL of one.")
    with service.database.write() as tx:
        if not clients.rotate(tx, id, *kept):
            raise _unknown(id)
        token_events.client_changed(service, tx, id, who, (("what", "other keys"), *_told_keys(*kept)))


def _checked(service: Service, asked: Registration) -> Client:
    if not ID.fullmatch(asked.id):
        raise _refused("client-id", "The name of a client has 1 to 64 letters, digits, dots, hyphens and underscores.")
    if asked.role is not None and asked.role not in ROLES:
        raise _refused("client-role", f"There is no role {asked.role!r}. Roles: {', '.join(ROLES)}.")
    if asked.device is not None and not _DEVICE.fullmatch(asked.device):
        raise _refused("client-device", "The device of a client is a reference such as Device/pump-1.")
    jwks, jwks_url = _keys(asked.jwks, asked.jwks_url)
    return Client(
        asked.id,
        asked.name or asked.id,
        str(_grant(service, asked)),
        service.clock(),
        role=asked.role,
        jwks=jwks,
        jwks_url=jwks_url,
        device=asked.device,
        origins=_origins(asked.origins),
        conventions=_conventions(asked.conventions),
    )


def _grant(service: Service, asked: Registration) -> Grant:
    role = ROLES[asked.role] if asked.role else None
    text = asked.scopes or (" ".join(role.scopes) if role else "")
    try:
        grant = Grant.of(service.identity.grammar.typed(text))
    except ScopeError as error:
        raise _refused("client-scopes", f"{error.scope}: {error}") from None
    if not grant:
        raise _refused("client-scopes", "A client needs scopes, or a role that has some.")
    return grant


def _keys(jwks: bytes | None, url: str | None) -> tuple[str | None, str | None]:
    """The keys as they are kept: a set that passed, or a URL that may be called."""
    if jwks is not None and url is not None:
        raise _refused("client-keys", "A client has a JWK Set or the URL of one, not both.")
    try:
        if jwks is not None:
            parse(jwks)
            return jwks.decode(), None
        return None, Destination.of(url).url if url is not None else None
    except (UnfitKeys, Refused) as error:
        raise _refused("client-keys", str(error)) from None


def _origins(texts: Iterable[str]) -> tuple[str, ...]:
    for text in texts:
        scheme, _, rest = text.partition("://")
        if not _ORIGIN.fullmatch(text) or rest.endswith(f":{_USUAL_PORTS[scheme]}"):
            raise _refused("client-origin", f"{text!r} is no origin. Write it as browsers do: https://app.example, with a port if unusual.")
    return tuple(sorted(set(texts)))


def _conventions(texts: Iterable[str]) -> tuple[str, ...]:
    known = [convention.value for convention in Convention]
    if unknown := [text for text in texts if text not in known]:
        raise _refused("client-convention", f"{unknown[0]!r} is no type of assertion. Types: {', '.join(known)}.")
    return tuple(dict.fromkeys(texts)) or tuple(known)


def _told(new: Client) -> Iterable[tuple[str, str]]:
    """What the audit trail tells of a new client."""
    yield from (("what", "registered"), ("scope", new.scopes), *_told_keys(new.jwks, new.jwks_url))
    yield from ((name, text) for name, text in (("role", new.role), ("device", new.device), ("origins", " ".join(new.origins))) if text)


def _told_keys(jwks: str | None, url: str | None) -> Iterable[tuple[str, str]]:
    """The keys by their identifiers, or by where they are."""
    if jwks is not None:
        yield "keys", " ".join(key.id for key in parse(jwks.encode()).keys)
    elif url is not None:
        yield "keys", url


def _unknown(id: str) -> NotFound:
    return NotFound.of("not-found", "client", f"There is no client {id!r} that is enabled. See: infusion-records client list")


def _refused(rule: str, diagnostics: str) -> BadRequest:
    return BadRequest.of("invalid", rule, diagnostics)
