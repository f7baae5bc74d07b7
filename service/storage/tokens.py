"""Tokens by their SHA-256, and what each stands for. A token itself is never kept."""

from dataclasses import asdict, dataclass

from sqlalchemy import bindparam, delete, insert, select, true, update
from sqlalchemy.dialects.postgresql import psycopg

from service.storage import direct
from service.storage.database import Database, Transaction
from service.storage.tables.clients import client, token


@dataclass(frozen=True, slots=True)
class Token:
    """One token as it is kept: `digest` in its place, `scopes` as text, its launch context (`patient`, an id; `user`, a reference).

    `id` is what the audit trail calls it. Instants are microseconds.
    """

    id: str
    digest: bytes
    client: str
    scopes: str
    issued: int
    expires: int
    patient: str | None = None
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Live:
    """A token that is good now, with what is to be known of its client."""

    id: str
    client: str
    scopes: str
    issued: int
    expires: int
    patient: str | None
    user: str | None
    role: str | None
    device: str | None


_LIVE = select(
    *(token.c[name] for name in ("id", "client", "scopes", "issued", "expires", "patient", "user")), client.c.role, client.c.device
).where(
    client.c.id == token.c.client,
    token.c.digest == bindparam("digest"),
    token.c.expires > bindparam("at"),
    token.c.revoked.is_(None),
    client.c.disabled.is_(None),
)


_LIVE_TEXT = str(_LIVE.compile(dialect=psycopg.dialect()))  # type: ignore[no-untyped-call]


def put(tx: Transaction, new: Token) -> None:
    """Keep a token that is about to be handed out."""
    tx.connection.execute(insert(token), asdict(new))


def live(tx: Transaction, digest: bytes, at: int) -> Live | None:
    """The token with this digest if it is good at the instant `at`: not expired, not revoked, its client enabled. One statement."""
    row = tx.connection.execute(_LIVE, {"digest": digest, "at": at}).one_or_none()
    return Live(**row._mapping) if row else None


def holder(database: Database, digest: bytes, at: int) -> Live | None:
    """The same outside a transaction: what every request begins with."""
    if database.dialect == "postgresql":
        rows = direct.run(database, _LIVE_TEXT, {"digest": digest, "at": at})
        return Live(*rows[0]) if rows else None
    with database.glance() as tx:
        return live(tx, digest, at)


def revoke(tx: Transaction, digest: bytes, at: int, owner: str | None = None) -> str | None:
    """Make the token void from the instant `at` on, if it is one of the client `owner`, where one is given.

    Its id; None when there is none that is not revoked already.
    """
    mine = token.c.client == owner if owner is not None else true()
    statement = update(token).where(token.c.digest == digest, token.c.revoked.is_(None), mine).values(revoked=at).returning(token.c.id)
    id: str | None = tx.connection.scalar(statement)
    return id


def forget(tx: Transaction, before: int) -> None:
    """Remove the tokens that expired before the instant `before`."""
    tx.connection.execute(delete(token).where(token.c.expires < before))
