"""Counters of requests: who asked how often in a minute, over all processes that share the database.

A process takes allowances in chunks, one statement each, and counts them down by itself: a request costs no write of its own. Together the
processes never let in more than the limit. What one of them has taken and not used is lost to the others until the minute is over, so a
client may be refused early by up to a chunk for each further process.
"""

import threading
from dataclasses import dataclass, field

from sqlalchemy import delete, text

from service.storage.database import Database, Transaction
from service.storage.tables.rates import rate

_CHUNKS = 20
_TAKE = text(
    """
    INSERT INTO rate (kind, subject, minute, taken, refused) VALUES (:kind, :subject, :minute, :wanted, 0)
    ON CONFLICT (kind, subject, minute) DO UPDATE SET taken = rate.taken + :wanted WHERE rate.taken < :limit
    RETURNING taken
    """
)
_REFUSE = text(
    """
    INSERT INTO rate (kind, subject, minute, taken, refused) VALUES (:kind, :subject, :minute, 0, :refused)
    ON CONFLICT (kind, subject, minute) DO UPDATE SET refused = rate.refused + :refused
    RETURNING refused
    """
)


@dataclass(frozen=True, slots=True)
class Counter:
    """What is counted: requests of one `kind` by one `subject` in one `minute` since the epoch."""

    kind: str
    subject: str
    minute: int

    @property
    def key(self) -> dict[str, object]:
        """The key of the row."""
        return {"kind": self.kind, "subject": self.subject, "minute": self.minute}


@dataclass(frozen=True, slots=True)
class Refusals:
    """A minute that is over, in which requests were refused."""

    counter: Counter
    refused: int


@dataclass(slots=True)
class _Held:
    """What this process has of a counter: allowances `left`, whether there are no more to take, refusals that are not written down yet."""

    left: int = 0
    is_spent: bool = False
    refused: int = 0
    told: int = 0


@dataclass(slots=True)
class Rates:
    """The allowances of one process. Thread-safe; no lock is held while the database is asked."""

    _held: dict[Counter, _Held] = field(default_factory=dict)
    _minute: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def admits(self, database: Database, counter: Counter, limit: int) -> bool:
        """Whether one more request is within the limit. Raises Overloaded when the database cannot say: nobody is let in uncounted."""
        with self._lock:
            held = self._of(counter)
            if held.left > 0:
                held.left -= 1
                return True
            if held.is_spent:
                return False
        granted = take(database, counter, max(1, limit // _CHUNKS), limit)
        with self._lock:
            held.left += max(0, granted - 1)
            held.is_spent = granted == 0
        return granted > 0

    def refuses(self, database: Database, counter: Counter) -> bool:
        """Count one refusal, and tell whether it was the first one of its minute, whichever process it was in.

        The first, second, fourth, eighth... of a process are written down, each with those since the last: a flood causes few writes.
        """
        with self._lock:
            held = self._of(counter)
            held.refused += 1
            if held.refused & (held.refused - 1):
                return False
            fresh, held.told = held.refused - held.told, held.refused
        return refuse(database, counter, fresh) == 1

    def _of(self, counter: Counter) -> _Held:
        """What is held of a counter; all of earlier minutes is let go."""
        if counter.minute > self._minute:
            self._minute, self._held = counter.minute, {}
        return self._held.setdefault(counter, _Held())


def take(database: Database, counter: Counter, wanted: int, limit: int) -> int:
    """Take up to `wanted` allowances; 0 when the limit is reached."""
    with database.appending() as tx:
        taken = tx.connection.scalar(_TAKE, {**counter.key, "wanted": wanted, "limit": limit})
    return 0 if taken is None else wanted - max(0, taken - limit)


def refuse(database: Database, counter: Counter, refused: int) -> int:
    """Count refusals; how many there are now."""
    with database.appending() as tx:
        return int(tx.connection.scalar(_REFUSE, {**counter.key, "refused": refused}) or 0)


def ended(tx: Transaction, before: int) -> list[Refusals]:
    """Remove the counters of minutes before `before`; those of them that refused something."""
    gone = tx.connection.execute(delete(rate).where(rate.c.minute < before).returning(rate))
    return [Refusals(Counter(row.kind, row.subject, row.minute), row.refused) for row in gone if row.refused]
