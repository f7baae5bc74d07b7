"""Answers kept for requests with an Idempotency-Key, so that a repeated request gets the first answer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import delete, insert, select

from service.storage.database import Transaction
from service.storage.tables.state import receipt

Name = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it was first given, and the hash of the body that it answered."""

    body_hash: str
    status: int
    headers: Mapping[str, str]
    body: str


def find(tx: Transaction, name: Name, at: int) -> Kept | None:
    """The answer kept under `name` (client, route, key) that has not expired at the instant `at`."""
    client, route, key = name
    statement = select(receipt).where(receipt.c.client == client, receipt.c.route == route, receipt.c.key == key, receipt.c.expires > at)
    found = tx.connection.execute(statement).one_or_none()
    return Kept(found.body_hash, found.status, json.loads(found.headers), found.body) if found else None


def keep(tx: Transaction, name: Name, kept: Kept, at: int, expires: int) -> None:
    """Keep an answer until the instant `expires`, and drop those that expired before `at`."""
    client, route, key = name
    forget(tx, at)
    values = {"client": client, "route": route, "key": key, "expires": expires}
    answer = {"body_hash": kept.body_hash, "status": kept.status, "headers": json.dumps(dict(kept.headers)), "body": kept.body}
    tx.connection.execute(insert(receipt), {**values, **answer})


def forget(tx: Transaction, at: int) -> None:
    """Remove the answers that expired at the instant `at` or before."""
    tx.connection.execute(delete(receipt).where(receipt.c.expires <= at))
