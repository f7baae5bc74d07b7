"""What a token is worth, and how it is made void: introspection (RFC 7662) and revocation (RFC 7009).

Whoever asks is a client with a token, or one that proves who it is by an assertion. It learns of, and revokes, the tokens of its own;
with the scope admin.clients those of others too. Of any other token it hears what it would hear of one that never was.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.audit.kinds import TOKEN_REVOKED, TOKEN_SHOWN, Kind
from service.records import token_events, token_requests
from service.records.context import Service
from service.records.token_events import Done, Sender
from service.security import token
from service.security.assertion import Verified
from service.security.caller import Caller
from service.storage import tokens
from service.storage.database import Transaction

ADMIN = "admin.clients"
INACTIVE: Mapping[str, Any] = {"active": False}
_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks: the holder of a token, or a client by its assertion, which is spent by asking; and from where."""

    sender: Sender
    caller: Caller | None = None
    verified: Verified | None = None

    @property
    def client(self) -> str:
        """The id of the client that asks; empty for nobody."""
        return self.caller.client if self.caller else self.verified.client_id if self.verified else ""

    @property
    def is_admin(self) -> bool:
        """Whether it may do so with the tokens of other clients."""
        return self.caller is not None and self.caller.grant.has(ADMIN)

    @property
    def who(self) -> Caller:
        """Who asks, for the audit trail."""
        return self.caller or self.sender.caller(self.client)

    def spend(self, tx: Transaction) -> None:
        """Use up the assertion, if it asks by one. Raises InvalidClient."""
        if self.verified:
            token_requests.spent(tx, self.verified)


def introspected(service: Service, asking: Asking, text: str) -> Mapping[str, Any]:
    """What the token `text` stands for, as RFC 7662 has it; only that it is not active when it is not good, or none of the asker's."""
    with service.database.write() as tx:
        asking.spend(tx)
        found = tokens.live(tx, token.digest(text), service.clock())
        shown = found if found and (asking.is_admin or found.client == asking.client) else None
        _tell(service, tx, asking, TOKEN_SHOWN, shown.id if shown else None)
    return _description(service, shown) if shown else INACTIVE


def revoked(service: Service, asking: Asking, text: str) -> str | None:
    """Make the token `text` void, from the next request on. The id of the token; None when it was void, or is none of the asker's."""
    with service.database.write() as tx:
        asking.spend(tx)
        id = tokens.revoke(tx, token.digest(text), service.clock(), None if asking.is_admin else asking.client)
        _tell(service, tx, asking, TOKEN_REVOKED, id)
    return id


def _tell(service: Service, tx: Transaction, asking: Asking, kind: Kind, id: str | None) -> None:
    details = (*((("result", "no such token"),) if id is None else ()), *(token_requests.how(asking.verified) if asking.verified else ()))
    token_events.told(service, tx, Done(kind, id or "unknown", asking.who, details, asking.sender.request_id))


def _description(service: Service, found: tokens.Live) -> Mapping[str, Any]:
    told = {
        "active": True,
        "scope": found.scopes,
        "client_id": found.client,
        "token_type": "Bearer",
        "iss": service.identity.issuer,
        "iat": found.issued // _SECOND,
        "exp": found.expires // _SECOND,
        "patient": found.patient,
        "fhirUser": f"{service.settings.base_url}/{found.user}" if found.user else None,
    }
    return {name: value for name, value in told.items() if value is not None}
