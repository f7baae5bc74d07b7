"""From the claims of an access token to a Caller: who it is, and what of its scopes counts here.

The provider says who somebody is and which scopes and role they were given; what a role may do is ours (`service.security.roles`). So
what counts of the token's scopes is

- `patient/`: for the one patient that the token is about: its launch context, or the patient that its user is. Several give nothing;
- `user/`: for somebody with a role of ours, within what that role gives a person; `fhirUser` says who it is;
- `system/` and the scopes of this service: for a token without a person, within its role's scopes where it names one.

A token may name one role of ours, under the provider's name for it or under ours; roles that we do not know are none of ours, and a role
for machines is none for a person.
https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from service.security.caller import Caller
from service.security.external.jwt import Claims, TokenRefused
from service.security.grant import PATIENT, Grant
from service.security.roles import ROLES, Role
from service.security.scope import AnyScope, Grammar, Named, Scope, ScopeError

_CLIENTS = ("azp", "client_id", "cid")
_SCOPES = ("scope", "scp")
_REFERENCE = re.compile(r"(Patient|Practitioner|PractitionerRole|RelatedPerson|Person|Device)/([A-Za-z0-9.-]{1,64})")
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_CLIENT = re.compile(r"[\x21-\x7e]{1,255}")
_LONGEST_NAME = 200
_MOST_ROLES = 200


@dataclass(frozen=True, slots=True)
class ClaimNames:
    """Where a provider's tokens say what: names of claims, or paths with dots. `aliases`: its names of roles, to ours."""

    roles: str = "roles"
    patient: str = "patient"
    user: str = "fhirUser"
    device: str = "device"
    aliases: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Understanding:
    """Reads claims for one base URL."""

    grammar: Grammar
    names: ClaimNames

    def caller(self, claims: Claims, token: str, address: str) -> Caller:
        """Who sent `token`, whose `claims` hold. Raises TokenRefused when they contradict themselves or are no words of ours."""
        person = self.person(claims)
        patients = self._patients(claims, person)
        role = self.role(claims)
        if person and role and not role.is_for_people:
            role = None
        grant = Grant.of(self._counting(self._scopes(claims), person, patients, role))
        return Caller(
            client=_client(claims),
            grant=grant,
            patients=patients,
            user=person,
            name=name_of(claims),
            role=role.name if role else None,
            device=self._reference(claims, self.names.device, ("Device",)),
            token=hashlib.sha256(token.encode()).hexdigest()[:32],
            address=address,
        )

    def person(self, claims: Claims) -> str | None:
        """The user of the token, `Type/id` of a record here; None when it names none, or one of another server."""
        return self._reference(claims, self.names.user, ("Patient", "Practitioner", "PractitionerRole", "RelatedPerson", "Person"))

    def role(self, claims: Claims) -> Role | None:
        """The one role of ours that the token names. TokenRefused when it names several."""
        listed = found(claims, self.names.roles)
        words = listed.split() if isinstance(listed, str) else listed if isinstance(listed, list) else []
        if len(words) > _MOST_ROLES:
            raise TokenRefused("roles-many")
        ours = {self.names.aliases.get(word, word) for word in words if isinstance(word, str)} & ROLES.keys()
        if len(ours) > 1:
            raise TokenRefused("roles-several")
        return ROLES[ours.pop()] if ours else None

    def _scopes(self, claims: Claims) -> tuple[AnyScope, ...]:
        texts = [_scope_text(claims[name]) for name in _SCOPES if name in claims]
        try:
            return self.grammar.understood(" ".join(filter(None, texts)))[0]
        except ScopeError:
            raise TokenRefused("scopes-many") from None

    def _patients(self, claims: Claims, person: str | None) -> tuple[str, ...]:
        given = found(claims, self.names.patient)
        if given is not None and not (isinstance(given, str) and _ID.fullmatch(given)):
            raise TokenRefused("patient")
        own = person.removeprefix("Patient/") if person and person.startswith("Patient/") else None
        return tuple(sorted({id for id in (given, own) if id}))

    def _counting(
        self, scopes: tuple[AnyScope, ...], person: str | None, patients: tuple[str, ...], role: Role | None
    ) -> Iterator[AnyScope]:
        contexts = {"patient": len(patients) == 1, "user": person is not None, "system": person is None}
        fhir = [scope for scope in scopes if isinstance(scope, Scope) and contexts[scope.context]]
        yield from (scope for scope in fhir if scope.context == PATIENT)
        rest = Grant.of([*(scope for scope in fhir if scope.context != PATIENT), *(scope for scope in scopes if isinstance(scope, Named))])
        if role is not None:
            words = role.scopes_of_a_person if person else role.scopes
            yield from rest.within(Grant.of(self.grammar.typed(" ".join(words)))).scopes
        elif person is None:
            yield from rest.scopes

    def _reference(self, claims: Claims, name: str, types: tuple[str, ...]) -> str | None:
        """A reference to a record here, relative or below the base URL; None for one to another server's record."""
        given = found(claims, name)
        if given is None:
            return None
        if not isinstance(given, str):
            raise TokenRefused("reference")
        match = _REFERENCE.fullmatch(given.removeprefix(f"{self.grammar.base_url}/"))
        return match[0] if match and match[1] in types else None


def found(claims: Claims, name: str) -> Any:
    """The claim of that name or, where there is none, at that path: `realm_access.roles`."""
    if name in claims:
        return claims[name]
    here: Any = claims
    for step in name.split("."):
        here = here.get(step) if isinstance(here, dict | Mapping) else None
    return here


def name_of(claims: Claims) -> str | None:
    """How the provider says that people call the user."""
    for name in ("name", "preferred_username"):
        given = claims.get(name)
        if isinstance(given, str) and given.strip() and given.isprintable():
            return given.strip()[:_LONGEST_NAME]
    return None


def _client(claims: Claims) -> str:
    """The client that the token was made for. Where several claims tell, they must agree."""
    told = {str(claims[name]) for name in _CLIENTS if isinstance(claims.get(name), str)}
    if len(told) != 1 or not all(map(_CLIENT.fullmatch, told)):
        raise TokenRefused("client")
    return told.pop()


def _scope_text(value: object) -> str:
    words = value if isinstance(value, list) else [value]
    texts = [word for word in words if isinstance(word, str)]
    if len(texts) != len(words):
        raise TokenRefused("scopes")
    return " ".join(texts)
