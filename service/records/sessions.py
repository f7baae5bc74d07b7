"""Sessions of people at a browser: how one begins, who holds it, and how it ends.

The cookie holds 256 random bits; the database knows their SHA-256. A session ends when it is signed out of, is not used for a while, is as
old as it may get, or its account is disabled or changed. What a person may do is asked of the account at every request; which
organizations the person works for is read from the record at the start, and again when that was a minute ago.
"""

import json
import uuid
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from service.audit.kinds import SIGNED_OUT
from service.clock import to_text
from service.errors import Gone, NotFound
from service.records import emergency, happening
from service.records.context import Context, Service
from service.records.find import find
from service.records.happening import Happening
from service.records.read import read
from service.records.sign_in import CLIENT
from service.security import token
from service.security.caller import Caller
from service.security.grant import Grant
from service.security.roles import ROLES
from service.security.scope import Grammar
from service.storage import people, sessions
from service.storage.people import Person
from service.storage.sessions import Session

_MINUTE = 60 * 1_000_000
_HOUR = 60 * _MINUTE
_MOST_ROLES = "100"
_READER = Caller.internal("sessions")


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose session it is to be: `user` a reference, `name` what people call the person, `role` the name of a role.

    `person` is the id of an account here. For somebody whom another provider knows there is none; then `scopes` is what was granted, as
    text, and `patient` the id of the patient in the context, if there is one.
    """

    user: str
    name: str | None = None
    role: str | None = None
    person: str | None = None
    scopes: str | None = None
    patient: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that has just begun: `text` is for the cookie and nowhere else."""

    text: str = field(repr=False)
    id: str


def begin(service: Service, holder: Holder) -> Opened:
    """Begin a session. Its cookie is new, whatever the browser sent."""
    at, new = service.clock(), token.issue(service.clock(), service.settings.session_hours * 3600)
    session = Session(
        id=str(uuid.uuid4()),
        digest=new.digest,
        user=holder.user,
        opened=at,
        seen=at,
        expires=new.expires,
        person=holder.person,
        name=holder.name,
        role=holder.role,
        scopes=holder.scopes,
        patient=holder.patient,
        organizations=organizations(service, holder.user),
    )
    with service.database.write() as tx:
        sessions.add(tx, session)
    return Opened(new.text, session.id)


def holder_of(service: Service, person: Person) -> Holder:
    """The holder of a session of an account here, called as the Practitioner is in the record."""
    return Holder(person.user, _name(service, person) or person.login, person.role, person.id)


def live(service: Service, text: str) -> Session | None:
    """The session that the cookie `text` stands for, if it is good now; it is in use from now on."""
    at = service.clock()
    with service.database.glance() as tx:
        found = sessions.live(tx, token.digest(text), at, service.settings.session_idle_minutes * _MINUTE)
    if found is None or at - found.seen < _MINUTE:
        return found
    now = organizations(service, found.user)
    with service.database.write() as tx:
        sessions.touch(tx, found.id, at, now)
    return replace(found, seen=at, organizations=now)


def caller(service: Service, session: Session, address: str = "") -> Caller:
    """Who asks with that session. Somebody who must choose a password first may do nothing else."""
    found = Caller(
        CLIENT,
        Grant() if session.must_change else _grant(service, session),
        patients=(session.patient,) if session.patient else (),
        user=session.user,
        name=session.name,
        role=session.role,
        organizations=session.organizations,
        token=session.id,
        address=address,
    )
    return emergency.admitted(service, found)


def beside(service: Service, person: Person, address: str = "") -> Caller:
    """Who somebody is that signs beside somebody else: the same as with a session, without one."""
    role = "" if person.must_change else person.role
    return Caller(
        CLIENT,
        _grant_of(service.identity.grammar, role),
        user=person.user,
        name=_name(service, person) or person.login,
        role=role or None,
        organizations=organizations(service, person.user),
        address=address,
    )


def end(service: Service, session: Session, who: Caller) -> None:
    """Sign out."""
    with service.database.write() as tx:
        if sessions.end(tx, session.id, service.clock()):
            happening.tell(service, Happening(SIGNED_OUT, who, f"session {session.id}", "sign-out"), tx)


def account(service: Service, session: Session) -> Person | None:
    """The account that the session belongs to; None for somebody whom another provider knows."""
    if session.person is None:
        return None
    with service.database.glance() as tx:
        return people.of(tx, session.person)


def organizations(service: Service, user: str) -> tuple[str, ...]:
    """The ids of the Organizations that a person works for now, as the record says: of the active PractitionerRoles whose time it is."""
    ctx = Context(service, _READER)
    known, now = [("practitioner", user), ("active", "true"), ("_count", _MOST_ROLES)], to_text(service.clock())
    times = ([("date", f"le{now}"), ("date", f"ge{now}")], [("date:missing", "true")])
    pages = [find(ctx, "PractitionerRole", [*known, *time], lenient=False)[1] for time in times]
    roles: list[dict[str, Any]] = [json.loads(match.text) for page in pages for match in page.matches]
    found = {str(role.get("organization", {}).get("reference", "")) for role in roles}
    return tuple(sorted(name.removeprefix("Organization/") for name in found if name.startswith("Organization/")))


def _name(service: Service, person: Person) -> str:
    try:
        tree = json.loads(read(Context(service, _READER), "Practitioner", person.practitioner).text or "{}")
    except (NotFound, Gone):
        return ""
    name: dict[str, Any] = next(iter(tree.get("name", ())), {})
    return str(name.get("text") or " ".join((*name.get("given", ()), name.get("family", ""))).strip())


def _grant(service: Service, session: Session) -> Grant:
    if session.scopes is not None:
        return service.identity.grant(session.scopes)
    return _grant_of(service.identity.grammar, session.role or "")


@lru_cache
def _grant_of(grammar: Grammar, name: str) -> Grant:
    role = ROLES.get(name)
    return Grant.of(grammar.typed(" ".join(role.scopes_of_a_person))) if role and role.is_for_people else Grant()
