"""Marks that a database carries for good: it was open to everyone, or it holds the demonstration clinic and its clients.

Nothing takes a mark off. A service for patients does not start on a marked database, whoever kept it and whatever was deleted since.
"""

from sqlalchemy import insert, select

from service.storage.database import Database, Unsafe
from service.storage.failures import Collision
from service.storage.tables.marks import mark

DEMONSTRATION = "demonstration"
INSECURE = "insecure"


def put(database: Database, name: str, at: int) -> None:
    """Mark the database, from the instant `at` (microseconds) on; a mark that it has already stays as it is."""
    if since(database, name) is not None:
        return
    try:
        with database.write() as tx:
            tx.connection.execute(insert(mark), {"name": name, "since": at})
    except Collision:
        return


def since(database: Database, name: str) -> int | None:
    """Since when the database carries the mark; None when it does not."""
    with database.glance() as tx:
        found: int | None = tx.connection.scalar(select(mark.c.since).where(mark.c.name == name))
    return found


def require_never_open(database: Database) -> None:
    """Raises Unsafe for a database that was once served without authentication."""
    if since(database, INSECURE) is not None:
        raise Unsafe("The database was once open to everyone (demo --no-auth). It is not served again: use another one.")
