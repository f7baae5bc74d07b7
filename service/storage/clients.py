"""Registered clients: who they are, what they may ask for, and the keys by which they are known. None is ever removed, only disabled."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import insert, select, true, update

from service.storage.database import Transaction
from service.storage.tables.clients import client


@dataclass(frozen=True, slots=True)
class Client:
    """One client as it is kept.

    `scopes` is what it may ask for, as text; `role` the name of a role, whose rules hold for it. Its keys are a JWK Set (`jwks`, JSON) or
    the URL of one; without either it gets tokens from an operator only. `device` is the reference of the device that it speaks for,
    `origins` are the web pages that may use its tokens, `conventions` the `typ` values of assertions that it may use. Instants are
    microseconds.
    """

    id: str
    name: str
    scopes: str
    created: int
    role: str | None = None
    jwks: str | None = None
    jwks_url: str | None = None
    device: str | None = None
    origins: tuple[str, ...] = ()
    conventions: tuple[str, ...] = ()
    disabled: int | None = None


_LISTS = ("origins", "conventions")


def add(tx: Transaction, new: Client) -> None:
    """Keep a new client. Raises failures.Collision when there is one with its id."""
    tx.connection.execute(insert(client), {**asdict(new), **{name: " ".join(getattr(new, name)) for name in _LISTS}})


def find(tx: Transaction, id: str) -> Client | None:
    """The client `id`, enabled or not."""
    row = tx.connection.execute(select(client).where(client.c.id == id)).one_or_none()
    return _client(row) if row else None


def every(tx: Transaction) -> list[Client]:
    """All clients, by their ids."""
    return [_client(row) for row in tx.connection.execute(select(client).order_by(client.c.id))]


def origins(tx: Transaction, id: str | None = None) -> frozenset[str]:
    """The origins of the client `id`, or of all, as far as they are enabled."""
    named = client.c.id == id if id is not None else true()
    found: Iterable[str] = tx.connection.scalars(select(client.c.origins).where(client.c.disabled.is_(None), client.c.origins != "", named))
    return frozenset(origin for text in found for origin in text.split())


def disable(tx: Transaction, id: str, at: int) -> bool:
    """Let the client `id` in no more, from the instant `at` on. Whether it was enabled until now."""
    statement = update(client).where(client.c.id == id, client.c.disabled.is_(None)).values(disabled=at)
    return tx.connection.execute(statement).rowcount == 1


def rotate(tx: Transaction, id: str, jwks: str | None, jwks_url: str | None) -> bool:
    """Give the client `id` other keys. Whether there is such a client."""
    statement = update(client).where(client.c.id == id).values(jwks=jwks, jwks_url=jwks_url)
    return tx.connection.execute(statement).rowcount == 1


def _client(row: Any) -> Client:
    values = dict(row._mapping)
    return Client(**{**values, **{name: tuple(values[name].split()) for name in _LISTS}})
