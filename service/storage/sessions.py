"""Sessions: rows that a cookie stands for. A session that has ended or run out is kept, so that what it did can be told."""

from dataclasses import asdict, dataclass, field

from sqlalchemy import insert, select, update

from service.storage.database import Transaction
from service.storage.tables.people import person, session

MOST_SILENCE = 60 * 1_000_000
"""How long (microseconds) a session may be used before that is written down again."""


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in; instants are microseconds.

    `user` is the reference of who signed in, `name` what people call it. `person` is the id of the account, None for somebody whom another
    provider knows; only then are `scopes` (text) and `patient` (an id) told here. `organizations` are ids; they were read at `seen`.
    """

    id: str
    digest: bytes = field(repr=False)
    user: str
    opened: int
    seen: int
    expires: int
    person: str | None = None
    name: str | None = None
    role: str | None = None
    scopes: str | None = None
    patient: str | None = None
    organizations: tuple[str, ...] = ()
    ended: int | None = None
    must_change: bool = False


def add(tx: Transaction, new: Session) -> None:
    """Keep a new session."""
    values = {**asdict(new), "organizations": " ".join(new.organizations)}
    tx.connection.execute(insert(session), {name: value for name, value in values.items() if name in session.c})


def live(tx: Transaction, digest: bytes, at: int, idle: int) -> Session | None:
    """The session that is good at the instant `at`, when it may be unused for `idle` microseconds; None when it has ended, was unused
    for longer, has run out, or its person is disabled. An account's role is the one that it has now."""
    good = (session.c.digest == digest, session.c.ended.is_(None), session.c.expires > at, session.c.seen > at - idle)
    joined = session.outerjoin(person, session.c.person == person.c.id)
    columns = (session, person.c.role.label("now"), person.c.must_change)
    row = tx.connection.execute(select(*columns).select_from(joined).where(*good, person.c.disabled.is_(None))).one_or_none()
    if row is None:
        return None
    values = {**row._mapping, "organizations": tuple(row.organizations.split()), "must_change": bool(row.must_change)}
    now = values.pop("now")
    return Session(**{**values, "role": now if row.person else row.role})


def touch(tx: Transaction, id: str, at: int, organizations: tuple[str, ...]) -> None:
    """The session was used at the instant `at`, when its person worked for those organizations. One that has ended stays so."""
    values = {"seen": at, "organizations": " ".join(organizations)}
    tx.connection.execute(update(session).where(session.c.id == id, session.c.seen < at).values(values))


def end(tx: Transaction, id: str, at: int) -> bool:
    """End one session. Whether it had not ended before."""
    return tx.connection.execute(update(session).where(session.c.id == id, session.c.ended.is_(None)).values(ended=at)).rowcount == 1


def end_all(tx: Transaction, of: str, at: int) -> None:
    """End every session of a person, by the id of the account."""
    tx.connection.execute(update(session).where(session.c.person == of, session.c.ended.is_(None)).values(ended=at))
