"""Pages of the audit trail. A row is an entry and one of the patients that it names; an entry without patients is one row.

`event` and `about` are what conditions are written over: the entry, and the patient of the row. Rows are ordered by the instant that was
recorded, then by the order in which they were written, then by the place of the patient.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select

from service.storage.database import Transaction
from service.storage.tables.audit import audit_event, audit_patient

Condition = ColumnElement[bool]

event = audit_event.alias("event")
about = audit_patient.alias("about")
_counted = audit_patient.alias("counted")
_other = audit_patient.alias("other")

_JOINED = event.outerjoin(about, about.c.audit_id == event.c.audit_id)
_PLACES = select(func.count()).where(_counted.c.audit_id == event.c.audit_id).scalar_subquery()
_NO_PLACE = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One entry as one of its patients has it: `place` counts them from 1, out of `places`; both 0, and `patient` None, without any."""

    serial: int
    id: str
    recorded: int
    body: bytes
    place: int
    places: int
    patient: str | None


@dataclass(frozen=True, slots=True)
class After:
    """The row that a page comes after."""

    recorded: int
    serial: int
    place: int


def page(tx: Transaction, condition: Condition, count: int, after: After | None = None, newest_first: bool = True) -> list[Row]:
    """At most `count` rows of which `condition` holds, `after` the last one that was seen."""
    place = func.coalesce(about.c.place, _NO_PLACE)
    way = (event.c.recorded.desc(), event.c.serial.desc()) if newest_first else (event.c.recorded, event.c.serial)
    asked = _rows().where(condition).order_by(*way, place).limit(count)
    if after is not None:
        asked = asked.where(_beyond(after, newest_first))
    return [_row(found) for found in tx.connection.execute(asked)]


def total(tx: Transaction, condition: Condition) -> int:
    """How many rows there are of which `condition` holds."""
    asked = select(func.count()).select_from(_JOINED).where(condition)
    return int(tx.connection.execute(asked).scalar_one())


def named(id: str, place: int | None) -> Condition:
    """The row of the entry `id`: its only one, or the one at `place` of several."""
    several = exists().where(_other.c.audit_id == event.c.audit_id, _other.c.place != about.c.place)
    if place is None:
        return and_(event.c.audit_id == id, ~several)
    return and_(event.c.audit_id == id, about.c.place.is_not(None), about.c.place == place, several)


def _rows() -> Select[Any]:
    columns = (event.c.serial, event.c.audit_id, event.c.recorded, event.c.body)
    return select(*columns, about.c.place, about.c.patient, _PLACES.label("places")).select_from(_JOINED)


def _beyond(after: After, newest_first: bool) -> Condition:
    recorded, serial, place = event.c.recorded, event.c.serial, func.coalesce(about.c.place, _NO_PLACE)
    later = recorded < after.recorded if newest_first else recorded > after.recorded
    bound = recorded <= after.recorded if newest_first else recorded >= after.recorded
    next_entry = serial < after.serial if newest_first else serial > after.serial
    same = recorded == after.recorded
    return and_(bound, or_(later, and_(same, next_entry), and_(same, serial == after.serial, place > after.place)))


def _row(found: Any) -> Row:
    return Row(found.serial, found.audit_id, found.recorded, bytes(found.body), found.place or _NO_PLACE, found.places, found.patient)
