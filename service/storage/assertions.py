"""Which assertions were used, so that none is used twice, in whatever process and after whatever restart."""

from sqlalchemy import delete, text

from service.storage.database import Transaction
from service.storage.tables.clients import assertion

_SPEND = text("INSERT INTO assertion (client, identifier, expires) VALUES (:client, :identifier, :expires) ON CONFLICT DO NOTHING")


def spend(tx: Transaction, client: str, identifier: bytes, expires: int) -> bool:
    """Keep that the client used the assertion with this `identifier` (the SHA-256 of its `jti`) until it expires. Whether it was new.

    Of several transactions that do so at once, the others wait for the first one to end.
    """
    values = {"client": client, "identifier": identifier, "expires": expires}
    return tx.connection.execute(_SPEND, values).rowcount == 1


def forget(tx: Transaction, before: int) -> None:
    """Remove what expired before the instant `before`: an assertion as old as that is refused without."""
    tx.connection.execute(delete(assertion).where(assertion.c.expires < before))
