"""Leases: work that one process at a time may do, and that another takes over when it dies.

The holder renews its lease in the transaction of what it does. On PostgreSQL the row stays locked until that transaction ends, on SQLite
writes run one after the other: so nothing is ever done under a lease that somebody else has taken meanwhile, whatever the clocks say.
Clocks only decide when a lease has run out; on PostgreSQL it is the clock of the database.
"""

from dataclasses import dataclass

from sqlalchemy import insert, or_, select, text, update

from service import clock
from service.storage.database import Transaction
from service.storage.tables.audit_log import lease

_NOW = text("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease as it stands: who holds it, whether it has not run out, and how far the work has come."""

    holder: str
    is_live: bool
    mark: int


def find(tx: Transaction, name: str) -> Lease | None:
    """The lease `name`; None when nobody ever had it."""
    row = tx.connection.execute(select(lease).where(lease.c.name == name)).one_or_none()
    return Lease(row.holder, row.expires > now(tx), row.mark) if row else None


def take(tx: Transaction, name: str, holder: str, seconds: float) -> bool:
    """Take the lease unless somebody else holds it: whether `holder` has it now. Raises Collision when two make it at once.

    One that would run out later than any can is left from before a clock was set back, and is free.
    """
    moment = now(tx)
    expires = moment + int(seconds * _SECOND)
    is_free = or_(lease.c.holder == holder, lease.c.expires <= moment, lease.c.expires > expires)
    if tx.connection.execute(update(lease).where(lease.c.name == name, is_free).values(holder=holder, expires=expires)).rowcount:
        return True
    if tx.connection.scalar(select(lease.c.name).where(lease.c.name == name)) is not None:
        return False
    tx.connection.execute(insert(lease), {"name": name, "holder": holder, "expires": expires, "mark": 0})
    return True


def renew(tx: Transaction, name: str, holder: str, seconds: float, mark: int | None = None) -> bool:
    """Hold the lease for longer, and note how far the work has come: whether it is still `holder`'s, until the end of `tx` at least."""
    values: dict[str, object] = {"expires": now(tx) + int(seconds * _SECOND)}
    if mark is not None:
        values["mark"] = mark
    return bool(tx.connection.execute(update(lease).where(lease.c.name == name, lease.c.holder == holder).values(**values)).rowcount)


def release(tx: Transaction, name: str, holder: str) -> None:
    """Give the lease back, if it is still `holder`'s: another may take it at once."""
    tx.connection.execute(update(lease).where(lease.c.name == name, lease.c.holder == holder).values(holder="", expires=0))


def now(tx: Transaction) -> int:
    """The present instant (microseconds), as all who share the database see it."""
    return int(tx.connection.scalar(_NOW) or 0) if tx.dialect == "postgresql" else clock.now()
