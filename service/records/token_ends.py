"""What a token is worth, and how it is made void: introspection (RFC 7662) and revocation (RFC 7009).

Whoever asks is a client with a token, or one that proves who it is by an assertion. It learns of, and revokes, the tokens of its own;
with the scope admin.clients those of others too. Of any other token it hears what it would hear of one that never was.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.records import token_requests
from service.records.context import Service
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
    """Who asks: the holder of a token, or a client by its assertion, which is spent by asking."""

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

    def spend(self, tx: Transaction) -> None:
        """Use up the assertion, if it asks by one. Raises InvalidClient."""
        if self.verified:
            token_requests.spent(tx, self.verified)


def introspected(service: Service, asking: Asking, text: str) -> Mapping[str, Any]:
    """What the token `text` stands for, as RFC 7662 has it; only that it is not active when it is not good, or none of the asker's."""
    if asking.verified:
        with service.database.write() as tx:
            asking.spend(tx)
    with service.database.glance() as tx:
        found = tokens.live(tx, token.digest(text), service.clock())
    if found is None or not (asking.is_admin or found.client == asking.client):
        return INACTIVE
    user = f"{service.settings.base_url}/{found.user}" if found.user else None
    told = {
        "active": True,
        "scope": found.scopes,
        "client_id": found.client,
        "token_type": "Bearer",
        "iss": service.identity.issuer,
        "iat": found.issued // _SECOND,
        "exp": found.expires // _SECOND,
        "patient": found.patient,
        "fhirUser": user,
    }
    return {name: value for name, value in told.items() if value is not None}


def revoked(service: Service, asking: Asking, text: str) -> str | None:
    """Make the token `text` void, from the next request on. The id of the token; None when it was void, or is none of the asker's."""
    with service.database.write() as tx:
        asking.spend(tx)
        return tokens.revoke(tx, token.digest(text), service.clock(), None if asking.is_admin else asking.client)
