"""Who asks, and what they were granted: the one value that every decision about access is made from.

A caller is a client with a token, a person with a session, or the service itself (`Caller.internal`). It is made by whoever authenticated
the request, and never changed by a request. docs/decisions/0021-one-restriction.md
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

from service.security.grant import Grant
from service.security.roles import ROLES, Role, Rule

_NOTHING = Grant()


@dataclass(frozen=True, slots=True)
class Caller:
    """One party that asks.

    `client` is the id of the registered client, or names the internal work; `user` the reference of a person (`Practitioner/id`) and `name`
    how people call it; `patients` are the ids in the context of the token; `device` is the reference of the device that a gateway speaks
    for; `organizations` are the ids of the Organizations that the person works for now, `beyond` those of the patients of
    other clinics that an emergency access is open for. `token` is the id of the token's or session's row,
    never the token; `address` the network address that the request came from. `purpose` is the purpose of use that was declared
    (http://terminology.hl7.org/CodeSystem/v3-ActReason), `glass` the id of an open emergency access.
    """

    client: str
    grant: Grant = _NOTHING
    patients: tuple[str, ...] = ()
    user: str | None = None
    name: str | None = None
    role: str | None = None
    device: str | None = None
    organizations: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()
    token: str | None = None
    address: str = ""
    purpose: str | None = None
    glass: str | None = None
    is_internal: bool = False

    @classmethod
    def internal(cls, name: str) -> Self:
        """The service at work for itself: migrations, installation, the worker. Sees and changes everything, and is audited by its name."""
        return cls(name, is_internal=True)

    @property
    def rules(self) -> Collection[Rule]:
        """The rules that hold beyond scopes."""
        role: Role | None = ROLES.get(self.role) if self.role else None
        return role.rules if role else frozenset()


NOBODY = Caller("nobody")
"""Who has not been authenticated: may do nothing."""
