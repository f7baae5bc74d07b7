"""Secrets that the service makes for itself at its first start and keeps in the database."""

import secrets as random_secrets

from sqlalchemy import insert, select

from service.storage.database import Database
from service.storage.failures import Collision
from service.storage.tables.state import secret


def obtain(database: Database, name: str) -> str:
    """The secret `name`: the one that is kept, or a new 256-bit one. Two processes that start at once agree on it."""
    for _ in range(2):
        with database.glance() as tx:
            found = tx.connection.scalar(select(secret.c.value).where(secret.c.name == name))
        if found is not None:
            return str(found)
        try:
            with database.write() as tx:
                tx.connection.execute(insert(secret), {"name": name, "value": random_secrets.token_hex(32)})
        except Collision:
            continue
    with database.glance() as tx:
        return str(tx.connection.scalar(select(secret.c.value).where(secret.c.name == name)))
