"""What the reports of the register ask of the ledger and of the record, in bounded statements.

Amounts are micrograms, instants microseconds.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, exists, func, or_, select, union_all

from service.storage.database import Transaction
from service.storage.ledger import Asked, about_lines, about_vials
from service.storage.tables.audit import audit_event
from service.storage.tables.ledger import ledger_entry, ledger_vial
from service.storage.tables.resources import resource, version

_LINE = ledger_entry.c
_CHUNK = 400
OPENED = "opened"
_ON_HAND = ("vial/", "syringe/")


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account of a vial holds. `account` as `ledger.entry.Account` writes it; `since`: when the first amount came into it."""

    vial: str
    account: str
    amount_ug: int
    since: int


def reversed_lines(tx: Transaction, vials: Iterable[str]) -> set[tuple[str, int]]:
    """The lines, as (vial, number), that another line moves back."""
    found: set[tuple[str, int]] = set()
    columns = ledger_entry.c
    for chunk in _chunks(sorted(set(vials))):
        asked = select(columns.vial, columns.reverses).where(columns.vial.in_(chunk), columns.reverses > 0)
        found.update((row.vial, row.reverses) for row in tx.connection.execute(asked))
    return found


def by_person(tx: Transaction, asked: Asked) -> list[Row[Any]]:
    """What each person did of each kind with each substance, and before whom: performer, name, kind, witness, amount_ug, records.

    Of the lines that stand among those that are asked for.
    """
    groups = (_LINE.performer, ledger_vial.c.name, _LINE.kind, _LINE.witness)
    sums = (func.sum(_LINE.amount_ug).label("amount_ug"), func.count(_LINE.source.distinct()).label("records"))
    chosen = _standing(asked, select(*groups, *sums)).group_by(*groups).order_by(*groups)
    return list(tx.connection.execute(chosen))


def by_patient(tx: Transaction, asked: Asked, kinds: Sequence[str], counted: str) -> list[Row[Any]]:
    """What was done for each patient with each substance: patient, name, visits, records (of the kind `counted`), first, last, and the
    amount of each of `kinds`. Of the lines that stand among those that are asked for."""
    columns = ledger_entry.c
    records = case((columns.kind == counted, columns.source)).distinct()
    told = (
        func.count(func.nullif(columns.encounter, "").distinct()).label("visits"),
        func.count(records).label("records"),
        func.min(columns.occurred).label("first"),
        func.max(columns.occurred).label("last"),
        *(func.sum(case((columns.kind == kind, columns.amount_ug), else_=0)).label(kind) for kind in kinds),
    )
    groups = (columns.patient, ledger_vial.c.name)
    chosen = _standing(asked, select(*groups, *told)).where(columns.patient != "", columns.kind.in_(list(kinds)))
    return list(tx.connection.execute(chosen.group_by(*groups).order_by(*groups)))


def _standing(asked: Asked, chosen: Select[Any]) -> Select[Any]:
    """`chosen` from the lines, with their vials, that stand among those that are asked for."""
    back = ledger_entry.alias()
    is_reversed = exists().where(back.c.vial == _LINE.vial, back.c.reverses == _LINE.number)
    joined = chosen.join_from(ledger_entry, ledger_vial, ledger_vial.c.vial == _LINE.vial)
    return joined.where(*about_lines(asked), *about_vials(asked), _LINE.reverses == 0, ~is_reversed)


def on_hand(tx: Transaction, until: int | None = None, vials: Collection[str] | None = None) -> list[Balance]:
    """What is in vials and syringes, of what happened at or before `until`: the accounts that hold something, or owe it.

    A vial that was met without a receipt was there from the first that happened to it.
    """
    into = _moved(ledger_entry.c.target, ledger_entry.c.amount_ug, until, vials)
    out_of = _moved(ledger_entry.c.origin, -ledger_entry.c.amount_ug, until, vials)
    moved = union_all(into, out_of).subquery()
    held = func.sum(moved.c.amount)
    asked = select(moved.c.vial, moved.c.account, held, func.min(moved.c.occurred)).group_by(moved.c.vial, moved.c.account)
    rows = tx.connection.execute(asked.having(held != 0).order_by(moved.c.vial, moved.c.account))
    return [Balance(row[0], row[1], int(row[2]), row[3]) for row in rows]


def _moved(account: ColumnElement[str], amount: ColumnElement[int], until: int | None, vials: Collection[str] | None) -> Any:
    columns = ledger_entry.c
    conditions = [or_(*(account.startswith(kind) for kind in _ON_HAND))]
    conditions += [_happened(until)] if until is not None else []
    conditions += [columns.vial.in_(sorted(vials))] if vials is not None else []
    return select(columns.vial, account.label("account"), amount.label("amount"), columns.occurred).where(*conditions)


def _happened(until: int) -> ColumnElement[bool]:
    beside = ledger_entry.alias()
    is_known = exists().where(beside.c.vial == ledger_entry.c.vial, beside.c.occurred <= until)
    return or_(ledger_entry.c.occurred <= until, and_(ledger_entry.c.kind == OPENED, is_known))


def opened(tx: Transaction, vials: Iterable[str], kind: str) -> dict[str, int]:
    """When each vial had its first line of `kind`."""
    found: dict[str, int] = {}
    columns = ledger_entry.c
    for chunk in _chunks(sorted(set(vials))):
        asked = select(columns.vial, func.min(columns.occurred)).where(columns.vial.in_(chunk), columns.kind == kind)
        found.update((row[0], row[1]) for row in tx.connection.execute(asked.group_by(columns.vial)))
    return found


def dated(tx: Transaction, type: int, since: int, before: int) -> Iterator[Row[Any]]:
    """The current resources of a type whose main date begins in a period, earliest first: res_id, fhir_id, version, last_updated, body."""
    asked = (
        select(resource.c.res_id, resource.c.fhir_id, resource.c.version, resource.c.last_updated, version.c.body)
        .join_from(resource, version, and_(version.c.res_id == resource.c.res_id, version.c.version == resource.c.version))
        .where(resource.c.type == type, resource.c.lo >= since, resource.c.lo < before, resource.c.deleted.is_(False))
        .order_by(resource.c.lo, resource.c.res_id)
    )
    return iter(tx.connection.execute(asked.execution_options(yield_per=_CHUNK)))


def changed(tx: Transaction, types: Sequence[int], since: int, before: int) -> Iterator[Row[Any]]:
    """The versions that replaced others in a period, in their order: type, fhir_id, version, last_updated, body, before (the body that was
    replaced), and who asked for it, as the audit trail has it: client, user."""
    former = version.alias("former")
    columns = (version.c.type, version.c.fhir_id, version.c.version, version.c.last_updated, version.c.body, former.c.body.label("before"))
    replaced = and_(former.c.res_id == version.c.res_id, former.c.version == version.c.version - 1)
    asked = (
        select(*columns, audit_event.c.client, audit_event.c.user)
        .join_from(version, former, replaced)
        .join(audit_event, audit_event.c.audit_id == version.c.audit_id, isouter=True)
        .where(version.c.type.in_(list(types)), version.c.last_updated >= since, version.c.last_updated < before, version.c.version > 1)
        .order_by(version.c.last_updated, version.c.res_id, version.c.version)
    )
    return iter(tx.connection.execute(asked.execution_options(yield_per=_CHUNK)))


def made_by(tx: Transaction, sources: Iterable[str]) -> Iterator[Row[Any]]:
    """The lines that the versions `sources` (`Type/id/_history/version`) made, with the columns of an Entry; by vial and number."""
    columns = ledger_entry.c
    for chunk in _chunks(sorted(set(sources))):
        asked = select(ledger_entry).where(columns.source.in_(chunk)).order_by(columns.vial, columns.number)
        yield from tx.connection.execute(asked)


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), _CHUNK):
        yield ids[start : start + _CHUNK]
