"""Accounts of the demonstration's staff: who can sign in to the pages, each with a password that is shown at the start."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from service.demo import people as staff
from service.demo.admission import FOLDER, STAFF, literal, write_private
from service.demo.people import Worker
from service.records import people
from service.records.context import Context
from service.security import password as passwords

_COSIGNER = staff.ROOM_NURSES[1]
_PEOPLE = (*STAFF.items(), ("clinician", _COSIGNER))


@dataclass(frozen=True, slots=True)
class Account:
    """One account: the name to sign in with, the role, and the password."""

    login: str
    role: str
    password: str


def make(ctx: Context, folder: Path = FOLDER) -> list[Account]:
    """The accounts, made where they are missing. The password of one that was made before is read from `folder`; lost, it is set anew."""
    known = {person.login for person in people.every(ctx)}
    return list(_accounts(ctx, folder, known))


def _accounts(ctx: Context, folder: Path, known: set[str]) -> Iterator[Account]:
    for role, worker in _PEOPLE:
        login = _login(worker)
        path = folder / f"{login}.password"
        if login in known and path.exists():
            yield Account(login, role, path.read_text().strip())
            continue
        password = people.reset(ctx, login) if login in known else _made(ctx, login, worker, role)
        write_private(path, f"{password}\n")
        yield Account(login, role, password)


def _made(ctx: Context, login: str, worker: Worker, role: str) -> str:
    """A new account; the password may stay as it is."""
    return people.add(ctx, login, literal(ctx, worker.reference), role, passwords.fresh())


def _login(worker: Worker) -> str:
    return f"{worker.given}.{worker.family}".lower()
