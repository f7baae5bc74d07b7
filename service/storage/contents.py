"""What is stored of each version beside what the audit trail says of it, in the order of the resources."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import bindparam, select, tuple_

from service.storage.database import Transaction
from service.storage.tables.audit import audit_event
from service.storage.tables.resources import version

_CHUNK = 500
_PAGE = (
    select(version.c.res_id, version.c.version, version.c.type, version.c.fhir_id, version.c.body, audit_event.c.body.label("told"))
    .join_from(version, audit_event, audit_event.c.audit_id == version.c.audit_id, isouter=True)
    .where(tuple_(version.c.res_id, version.c.version) > tuple_(bindparam("res_id"), bindparam("number")))
    .order_by(version.c.res_id, version.c.version)
    .limit(_CHUNK)
)


@dataclass(frozen=True, slots=True)
class Content:
    """One version: the number of its type, its id and number, its stored JSON (None for a deletion), and the bytes of its event, if any."""

    type: int
    id: str
    version: int
    body: str | None
    told: bytes | None


def every(tx: Transaction) -> Iterator[Content]:
    """Every version there is."""
    at = (0, 0)
    while rows := tx.connection.execute(_PAGE, {"res_id": at[0], "number": at[1]}).all():
        for row in rows:
            yield Content(row.type, row.fhir_id, row.version, row.body, None if row.told is None else bytes(row.told))
        at = (rows[-1].res_id, rows[-1].version)
