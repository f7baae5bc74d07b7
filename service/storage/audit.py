"""The audit trail's rows: appended in the transaction of what they tell of, or by themselves; never changed.

`append` runs in a transaction of the caller. `record` commits by itself: threads that record at the same time share one commit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import chain
from operator import attrgetter

from sqlalchemy import insert

from service.storage import arrays, direct
from service.storage.database import Database, Transaction
from service.storage.tables.audit import audit_event, audit_patient


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of `audit_event`, and the ids of the patients that it is about."""

    audit_id: str
    recorded: int
    body: bytes
    salt: bytes
    leaf: bytes
    kind: str
    interaction: str
    action: str
    outcome: str
    client: str
    user: str | None
    agent: str | None
    role: str | None
    address: str
    purpose: str | None
    request_id: str
    type: str | None
    target: str | None
    is_question: bool
    patients: tuple[str, ...] = ()


_COLUMNS = tuple(field.name for field in fields(Entry) if field.name != "patients")
_CELLS = attrgetter(*_COLUMNS)
_BYTES = ("salt", "leaf")
_READ = {"body": "convert_to(body, 'UTF8')", **{name: f"decode({name}, 'hex')" for name in _BYTES}, "user": '"user"'}
_NAMES = ", ".join('"user"' if name == "user" else name for name in _COLUMNS)
_CASTS = {"recorded": "int8", "is_question": "bool"}
_ARRAYS = ", ".join(f"%s::{_CASTS.get(name, 'text')}[]" for name in _COLUMNS)
_EVENTS = f"""
    INSERT INTO audit_event ({_NAMES}) SELECT {", ".join(_READ.get(name, name) for name in _COLUMNS)}
    FROM unnest({_ARRAYS}) AS new({_NAMES})
"""  # noqa: S608 - names of columns only
_BOTH = f"""
    WITH about AS (
        INSERT INTO audit_patient (patient, audit_id, place) SELECT * FROM unnest(%s::text[], %s::text[], %s::int4[])
    )
    {_EVENTS}
"""  # noqa: S608 - names of columns only


def append(tx: Transaction, entries: Sequence[Entry]) -> None:
    """Add `entries` in their order."""
    if not entries:
        return
    if tx.dialect == "postgresql":
        tx.connection.exec_driver_sql(*_statement(entries))
        return
    patients = list(_patients(entries))
    tx.connection.execute(insert(audit_event), [dict(zip(_COLUMNS, _CELLS(one), strict=True)) for one in entries])
    if patients:
        tx.connection.execute(insert(audit_patient), [dict(zip(("patient", "audit_id", "place"), row, strict=True)) for row in patients])


def record(database: Database, entries: Sequence[Entry]) -> None:
    """Add `entries` and commit, together with what other threads have to add now. Raises what the commit raised: nothing was added."""

    def commit(groups: Sequence[Sequence[Entry]]) -> None:
        together = list(chain.from_iterable(groups))
        if database.dialect == "postgresql":
            direct.run(database, *_statement(together))
            return
        with database.appending() as tx:
            append(tx, together)

    database.together.run(entries, commit)


def _statement(entries: Sequence[Entry]) -> tuple[str, tuple[str, ...]]:
    """The one statement that adds them all on PostgreSQL, and its parameters."""
    about = tuple(arrays.literal(column) for column in zip(*_patients(entries), strict=True))
    return _BOTH if about else _EVENTS, (*about, *_literals(entries))


def _patients(entries: Sequence[Entry]) -> Iterator[tuple[str, str, int]]:
    return ((patient, one.audit_id, place) for one in entries for place, patient in enumerate(one.patients, 1))


def _literals(entries: Sequence[Entry]) -> Iterator[str]:
    for name, column in zip(_COLUMNS, zip(*map(_CELLS, entries), strict=True), strict=True):
        if name in _BYTES:
            column = tuple(value.hex() for value in column)
        elif name == "body":
            column = tuple(value.decode() for value in column)
        yield arrays.literal(column)
