"""Emergency accesses: somebody went beyond what the clinic lets them see, for a stated reason, and somebody else looks at it afterwards."""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import insert, select, update

from service.storage.database import Transaction
from service.storage.tables.people import glass


@dataclass(frozen=True, slots=True)
class Access:
    """One emergency access; instants are microseconds.

    `user` and `reviewer` are references of people, `patient` an id, `finding` what the reviewer says of it.
    """

    id: str
    user: str
    client: str
    patient: str
    reason: str
    opened: int
    expires: int
    closed: int | None = None
    reviewed: int | None = None
    reviewer: str | None = None
    finding: str | None = None


def add(tx: Transaction, new: Access) -> None:
    """Keep a new access."""
    tx.connection.execute(insert(glass), asdict(new))


def open_of(tx: Transaction, user: str, at: int) -> list[Access]:
    """The accesses of `user` that are open at the instant `at`, the latest first."""
    good = (glass.c.user == user, glass.c.expires > at, glass.c.closed.is_(None))
    return [_access(row) for row in tx.connection.execute(select(glass).where(*good).order_by(glass.c.opened.desc(), glass.c.id))]


def run_out(tx: Transaction, at: int) -> list[Access]:
    """The accesses whose time was over at the instant `at` and that nothing has closed yet."""
    return [_access(row) for row in tx.connection.execute(select(glass).where(glass.c.expires <= at, glass.c.closed.is_(None)))]


def close(tx: Transaction, id: str, at: int) -> bool:
    """Close the access `id`. Whether it had not been closed before."""
    return tx.connection.execute(update(glass).where(glass.c.id == id, glass.c.closed.is_(None)).values(closed=at)).rowcount == 1


def unreviewed(tx: Transaction) -> list[Access]:
    """The accesses that nobody has looked at, the oldest first."""
    return [_access(row) for row in tx.connection.execute(select(glass).where(glass.c.reviewed.is_(None)).order_by(glass.c.opened))]


def reviewed(tx: Transaction, most: int) -> list[Access]:
    """Those that somebody has looked at, the latest first."""
    statement = select(glass).where(glass.c.reviewed.is_not(None)).order_by(glass.c.reviewed.desc()).limit(most)
    return [_access(row) for row in tx.connection.execute(statement)]


def find(tx: Transaction, id: str) -> Access | None:
    """The access `id`."""
    found = tx.connection.execute(select(glass).where(glass.c.id == id)).one_or_none()
    return _access(found) if found else None


def review(tx: Transaction, id: str, reviewer: str, finding: str, at: int) -> bool:
    """Write down what `reviewer` found. Whether nobody had before."""
    values = {"reviewed": at, "reviewer": reviewer, "finding": finding}
    return tx.connection.execute(update(glass).where(glass.c.id == id, glass.c.reviewed.is_(None)).values(values)).rowcount == 1


def _access(row: Any) -> Access:
    return Access(**row._mapping)
