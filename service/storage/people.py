"""People who may sign in: each is exactly one Practitioner of the record. None is ever removed, only disabled."""

from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, insert, or_, select, update

from service.storage.database import Transaction
from service.storage.tables.people import person


@dataclass(frozen=True, slots=True)
class Person:
    """One account as it is kept; instants are microseconds.

    `login` is the name to sign in with, `practitioner` an id, `role` the name of a role. `hash` is that of the password, which is not the
    person's own choice while `must_change`. `one_time` is the encrypted secret of the one-time codes: asked for since `one_time_since`
    (None: not yet confirmed), and `one_time_step` is the step of the last code that was used.
    """

    id: str
    login: str
    practitioner: str
    role: str
    created: int
    hash: str = field(repr=False)
    must_change: bool = True
    one_time: bytes | None = field(default=None, repr=False)
    one_time_since: int | None = None
    one_time_step: int | None = None
    disabled: int | None = None

    @property
    def user(self) -> str:
        """The reference of the Practitioner who the person is."""
        return f"Practitioner/{self.practitioner}"


def add(tx: Transaction, new: Person) -> None:
    """Keep a new person. Raises failures.Collision when the login name or the practitioner is taken."""
    tx.connection.execute(insert(person), asdict(new))


def find(tx: Transaction, login: str) -> Person | None:
    """The person who signs in as `login`, enabled or not. Within a write nobody else changes the row until it ends."""
    return _one(tx, person.c.login == login)


def of(tx: Transaction, id: str) -> Person | None:
    """The person with that id, enabled or not. Within a write nobody else changes the row until it ends."""
    return _one(tx, person.c.id == id)


def taken(tx: Transaction, login: str, practitioner: str) -> Person | None:
    """Who already has the login name or is the practitioner."""
    found = tx.connection.execute(select(person).where(or_(person.c.login == login, person.c.practitioner == practitioner))).first()
    return Person(**found._mapping) if found else None


def every(tx: Transaction) -> list[Person]:
    """All people, by their login names."""
    return [Person(**row._mapping) for row in tx.connection.execute(select(person).order_by(person.c.login))]


def change(tx: Transaction, id: str, **values: Any) -> None:
    """Set columns of the person `id`."""
    tx.connection.execute(update(person).where(person.c.id == id).values(values))


def spend(tx: Transaction, id: str, step: int) -> bool:
    """Use up the one-time code of `step`. False when that one or a later one was used before."""
    unused = or_(person.c.one_time_step.is_(None), person.c.one_time_step < step)
    return tx.connection.execute(update(person).where(person.c.id == id, unused).values(one_time_step=step)).rowcount == 1


def _one(tx: Transaction, which: ColumnElement[bool]) -> Person | None:
    statement = select(person).where(which)
    if tx.stamp:
        statement = statement.with_for_update()
    found = tx.connection.execute(statement).one_or_none()
    return Person(**found._mapping) if found else None
