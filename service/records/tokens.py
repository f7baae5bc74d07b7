"""Tokens: how they come to be, who holds one, and how they end. Nothing else makes one or looks one up.

https://hl7.org/fhir/smart-app-launch/backend-services.html
"""

import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from service.audit.kinds import TOKEN_ISSUED
from service.errors import BadRequest, NotFound, Overloaded
from service.records import emergency, token_events, workplaces
from service.records.context import Service
from service.records.token_events import OPERATOR, Done
from service.security import token
from service.security.caller import Caller
from service.security.grant import Grant
from service.security.roles import Rule
from service.security.scope import MAX_SCOPES, ScopeError
from service.storage import assertions, clients, tokens
from service.storage.clients import Client
from service.storage.database import Transaction
from service.storage.failures import Collision

USUAL_SECONDS = 60 * 60
MOST_SECONDS = 24 * 60 * 60
"""For how long a token that an operator makes is good: usually, and at most."""

_KEPT = 10 * 60 * 1_000_000
"""How long what has expired is kept, in microseconds: the clocks of several machines may differ by this."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom a token is for: a client, what is granted, and the launch context (`patient`, an id; `user`, a reference)."""

    client: str
    grant: Grant
    patient: str | None = None
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Issued:
    """A token that was just made: its text, which is nowhere else; its id; what it grants; when it expires (microseconds)."""

    text: str = field(repr=False)
    id: str
    scope: str
    expires: int


def issue(
    service: Service,
    client: str,
    scopes: str | None = None,
    seconds: int = USUAL_SECONDS,
    patient: str | None = None,
    user: str | None = None,
) -> Issued:
    """A token for `client`, made by an operator: for those of `scopes` that the client may have, all that it may have when None.

    `scopes` are written as on the command line. `patient` is the id of the patient in its context, `user` the reference of a person.
    Raises NotFound for a client that is unknown or disabled, BadRequest for scopes that are malformed or not the client's, and for a time
    out of range.
    """
    if not 1 <= seconds <= MOST_SECONDS:
        raise BadRequest.of("invalid", "token-seconds", f"A token is good for 1 to {MOST_SECONDS} seconds.")
    with service.database.write() as tx:
        found = clients.find(tx, client)
        if found is None or found.disabled is not None:
            raise NotFound.of("not-found", "client", f"There is no client {client!r} that is enabled. See: infusion-records client list")
        holder = Holder(client, _granted(service, found, scopes), patient, user)
        issued = put(tx, holder, token.issue(service.clock(), seconds))
        token_events.told(service, tx, Done(TOKEN_ISSUED, issued.id, OPERATOR, tuple(_details(holder, seconds))))
        return issued


def _granted(service: Service, client: Client, scopes: str | None) -> Grant:
    policy = service.identity.grant(client.scopes)
    grant = policy if scopes is None else _asked(service, scopes).within(policy)
    if not grant or len(grant.scopes) > MAX_SCOPES:
        raise BadRequest.of("invalid", "token-scopes", f"The client {client.id} may have none of these scopes. It may have: {policy}")
    return grant


def _details(holder: Holder, seconds: int) -> Iterable[tuple[str, str]]:
    yield from (("client", holder.client), ("scope", str(holder.grant)), ("seconds", str(seconds)))
    yield from ((name, text) for name, text in (("patient", holder.patient), ("user", holder.user)) if text)


def put(tx: Transaction, holder: Holder, new: token.Token) -> Issued:
    """Keep a token for `holder`, in the transaction `tx`."""
    id, scope = str(uuid.uuid4()), str(holder.grant)
    tokens.put(tx, tokens.Token(id, new.digest, holder.client, scope, new.issued, new.expires, holder.patient, holder.user))
    return Issued(new.text, id, scope, new.expires)


def caller(service: Service, text: str, address: str = "") -> Caller | None:
    """Who holds the token `text`; None when it is not good now."""
    found = tokens.holder(service.database, token.digest(text), service.clock())
    if found is None:
        return None
    who = Caller(
        found.client,
        service.identity.grant(found.scopes),
        patients=(found.patient,) if found.patient else (),
        user=found.user,
        role=found.role,
        device=found.device,
        token=found.id,
        address=address,
    )
    if who.user and Rule.OWN_SITE in who.rules:
        return emergency.admitted(service, replace(who, organizations=workplaces.lately(service, who.user)))
    return who


def sweep(service: Service) -> None:
    """Remove tokens and used assertions that expired a while ago. It is done now and then, and whether it is done makes no difference."""
    before = service.clock() - _KEPT
    with suppress(Overloaded, Collision), service.database.write() as tx:
        assertions.forget(tx, before)
        tokens.forget(tx, before)


def _asked(service: Service, scopes: str) -> Grant:
    try:
        return Grant.of(service.identity.grammar.typed(scopes))
    except ScopeError as error:
        raise BadRequest.of("invalid", "scope", f"{error.scope}: {error}") from None
