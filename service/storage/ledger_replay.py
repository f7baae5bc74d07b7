"""The versions that the ledger follows from, in the order in which they were committed, for whoever derives it again."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Row, and_, or_, select

from service.storage.database import Transaction
from service.storage.tables.resources import version
from service.storage.versions import Key

_PIECE = 500


def committed(tx: Transaction, types: Mapping[int, str]) -> Iterator[Row[Any]]:
    """Every version of the types (by number) whose JSON holds the text beside it ("" for all): last_updated, type, fhir_id, version, body.

    In the order of their stamps; deletions, which have no body, are among them.
    """
    columns = version.c
    wanted = [
        and_(columns.type == number, or_(columns.body.is_(None), columns.body.contains(text, autoescape=True)))
        if text
        else columns.type == number
        for number, text in types.items()
    ]
    chosen = select(columns.last_updated, columns.type, columns.fhir_id, columns.version, columns.body).where(or_(*wanted))
    order = (columns.last_updated, columns.type, columns.fhir_id)
    return iter(tx.connection.execute(chosen.order_by(*order), execution_options={"yield_per": _PIECE}))


def before(tx: Transaction, key: Key, stamp: int) -> str | None:
    """What a resource said before the instant `stamp`; None when it was not there."""
    columns = version.c
    chosen = select(columns.body).where(columns.type == key[0], columns.fhir_id == key[1], columns.last_updated < stamp)
    found = tx.connection.execute(chosen.order_by(columns.version.desc()).limit(1)).one_or_none()
    return None if found is None else found.body
