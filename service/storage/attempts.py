"""Attempts to sign in that went wrong in a row, for each name that was tried: a name that is nobody's is counted like any other."""

from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import delete, select, text, update

from service.storage.database import Transaction
from service.storage.tables.people import attempt

KEPT = 24 * 3600 * 1_000_000
"""For how long (microseconds) after the last attempt the count is kept."""

_BEGIN = text("INSERT INTO attempt (name, failures, last) VALUES (:name, 0, :last) ON CONFLICT DO NOTHING")


@dataclass(frozen=True, slots=True)
class Count:
    """So many `failures` in a row; nothing is let in before `locked_until` (microseconds)."""

    failures: int
    locked_until: int | None


def begin(tx: Transaction, login: str, at: int) -> Count:
    """What is counted for a name. Until the transaction ends nobody else counts for it; counts that are old are dropped."""
    tx.connection.execute(delete(attempt).where(attempt.c.last < at - KEPT))
    tx.connection.execute(_BEGIN, {"name": _digest(login), "last": at})
    columns = (attempt.c.failures, attempt.c.locked_until)
    return Count(*tx.connection.execute(select(*columns).where(attempt.c.name == _digest(login)).with_for_update()).one())


def failed(tx: Transaction, login: str, failures: int, at: int, locked_until: int | None) -> None:
    """Write down one more failure."""
    values = {"failures": failures, "last": at, "locked_until": locked_until}
    tx.connection.execute(update(attempt).where(attempt.c.name == _digest(login)).values(values))


def forget(tx: Transaction, login: str) -> None:
    """Begin to count anew."""
    tx.connection.execute(update(attempt).where(attempt.c.name == _digest(login)).values(failures=0, locked_until=None))


def _digest(login: str) -> bytes:
    return sha256(login.encode("utf-8", "surrogatepass")).digest()
