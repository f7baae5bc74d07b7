"""Accounts of people: made, disabled and reset by an operator. Each is exactly one Practitioner, who is in the record."""

import re
import uuid
from typing import Any

from service.audit.kinds import CLIENT_CHANGED
from service.errors import BadRequest, Conflict, NotFound
from service.records import happening
from service.records.context import Context, Service
from service.records.happening import Happening
from service.records.read import read
from service.security import password as passwords
from service.security.roles import ROLES
from service.storage import attempts, people, sessions
from service.storage.database import Transaction
from service.storage.people import Person

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")
ROLES_OF_PEOPLE = tuple(role.name for role in ROLES.values() if role.is_for_people)


def add(ctx: Context, login: str, practitioner: str, role: str, password: str | None = None) -> str:
    """Make an account; its first password, which must be changed at the first sign-in unless it was given here.

    `practitioner` is the id of a Practitioner, or a reference to one. Raises BadRequest for a malformed name, a role that people do not
    have or a weak password, NotFound without the Practitioner, and Conflict when the name is taken or the practitioner has an account.
    """
    login, practitioner = named(login), practitioner.removeprefix("Practitioner/")
    if role not in ROLES_OF_PEOPLE:
        raise BadRequest.of("invalid", "role", f"People have one of the roles {', '.join(ROLES_OF_PEOPLE)}.")
    if not _LOGIN.fullmatch(login):
        raise BadRequest.of("invalid", "login", "A name to sign in with is 2 to 64 of a-z, 0-9, dot, hyphen and underscore.")
    read(ctx, "Practitioner", practitioner)
    first = passwords.fresh() if password is None else _strong(login, password)
    new = Person(str(uuid.uuid4()), login, practitioner, role, ctx.service.clock(), passwords.hashed(first), must_change=password is None)
    with ctx.service.database.write() as tx:
        if other := people.taken(tx, login, practitioner):
            what = f"The name {login}" if other.login == login else f"Practitioner/{practitioner}"
            raise Conflict.of("duplicate", "account", f"{what} has an account already. See: infusion-records user list")
        people.add(tx, new)
        _tell(ctx, tx, new, f"account added with the role {role}")
    return first


def every(ctx: Context) -> list[Person]:
    """All accounts, by their login names."""
    with ctx.glance() as tx:
        return people.every(tx)


def of(service: Service, id: str) -> Person:
    """The account with that id. Raises NotFound."""
    with service.database.glance() as tx:
        found = people.of(tx, id)
    if found is None:
        raise NotFound.of("not-found", "account", "There is no such account.")
    return found


def disable(ctx: Context, login: str) -> None:
    """Let a person in no more, and end the person's sessions at once. Raises NotFound."""
    with ctx.service.database.write() as tx:
        found = _found(tx, login)
        _change(ctx, tx, found, "account disabled", disabled=found.disabled or ctx.service.clock())


def reset(ctx: Context, login: str) -> str:
    """Give a person a new first password, and let the person in again: whoever was disabled or locked out, or lost a password or a phone.

    One-time codes are off until the person sets them up again; sessions end. Raises NotFound.
    """
    first = passwords.fresh()
    begun = {"must_change": True, "disabled": None, "one_time": None, "one_time_since": None, "hash": passwords.hashed(first)}
    with ctx.service.database.write() as tx:
        attempts.forget(tx, named(login))
        _change(ctx, tx, _found(tx, login), "account reset", **begun)
    return first


def choose(ctx: Context, person: Person, password: str) -> None:
    """The person takes another password, and every session of the account ends. Raises BadRequest when it is too weak, or the old one."""
    chosen = _strong(person.login, password)
    if passwords.matches(person.hash, chosen):
        raise BadRequest.of("invalid", "password", "The new password is the old one. Choose another.")
    with ctx.service.database.write() as tx:
        _change(ctx, tx, person, "password changed", hash=passwords.hashed(chosen), must_change=False)


def named(login: str) -> str:
    """A name to sign in with as it is kept: without spaces around it, in lower case."""
    return login.strip().lower()


def _strong(login: str, password: str) -> str:
    if weakness := passwords.weakness(password, login):
        raise BadRequest.of("invalid", "password", weakness)
    return password


def _found(tx: Transaction, login: str) -> Person:
    found = people.find(tx, named(login))
    if found is None:
        raise NotFound.of("not-found", "account", f"Nobody signs in as {login!r}. See: infusion-records user list")
    return found


def _change(ctx: Context, tx: Transaction, person: Person, what: str, **values: Any) -> None:
    """Change the account, and end what was signed in with it as it was."""
    people.change(tx, person.id, **values)
    sessions.end_all(tx, person.id, ctx.service.clock())
    _tell(ctx, tx, person, what)


def _tell(ctx: Context, tx: Transaction, person: Person, what: str) -> None:
    happening.tell(ctx.service, Happening(CLIENT_CHANGED, ctx.caller, f"account {person.login}", f"{what}, {person.user}"), tx)
