"""The lines of the ledger as its readers leaf through them: page by page, in the order of events, with what the whole ledger says of each.

Nothing here is stored: balances are sums over the lines up to each one, and whether a line was amended or falls short is asked of the
lines and versions beside it. Amounts are micrograms, instants microseconds.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, literal, literal_column, or_, select, tuple_

from service.storage import ledger_flags
from service.storage.database import Transaction
from service.storage.ledger import Asked, about_lines, about_vials
from service.storage.tables.ledger import ledger_entry, ledger_vial
from service.storage.tables.resources import resource, version
from service.storage.versions import Key

VIAL, LOT, SUBSTANCE = "vial", "lot", "substance"
_CHUNK = 400

Sums = Mapping[tuple[str, bool], int]
"""Amounts by kind and whether they move back; adjustments by what they add to the vial."""


class Place(NamedTuple):
    """Where a line stands: lines are read in this order."""

    occurred: int
    recorded: int
    vial: str
    number: int


@dataclass(frozen=True, slots=True)
class Sought:
    """Which lines: those that `asked` describes and that have every one of `flags`. `types`: the number of each resource type."""

    asked: Asked
    flags: Collection[str] = ()
    types: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """One version of a resource, with the event of the audit trail that tells of it. `body` is None for a deletion."""

    version: int
    last_updated: int
    method: str
    audit_id: str | None
    body: str | None


_LINE = ledger_entry.c
_PLACE = (_LINE.occurred, _LINE.recorded, _LINE.vial, _LINE.number)
_KEPT = ledger_flags.kept(ledger_entry)
_IS_BACK = _LINE.reverses != literal_column("0")
_GROUPED = (_LINE.kind, _IS_BACK)
_AMOUNTS = (
    _LINE.kind,
    _IS_BACK.label("is_back"),
    func.sum(case((_LINE.kind == "adjusted", _KEPT), else_=_LINE.amount_ug)).label("amount"),
)
_GROUPS: Mapping[str, tuple[ColumnElement[Any], ...]] = {
    VIAL: (_LINE.vial,),
    LOT: (ledger_vial.c.substance, ledger_vial.c.lot),
    SUBSTANCE: (ledger_vial.c.substance,),
}


def page(tx: Transaction, sought: Sought, after: Place | None, count: int) -> list[Row[Any]]:
    """The first `count` lines after `after`, each with the columns of an Entry."""
    chosen = _chosen(tx, sought, select(ledger_entry))
    if after is not None:
        chosen = chosen.where(tuple_(*_PLACE) > tuple_(*(literal(one) for one in after)))
    return list(tx.connection.execute(chosen.order_by(*_PLACE).limit(count)))


def sums(tx: Transaction, sought: Sought) -> tuple[int, Sums]:
    """How many lines there are, and the amounts of all of them."""
    found: dict[tuple[str, bool], int] = {}
    count = 0
    chosen = _chosen(tx, sought, select(*_AMOUNTS, func.count().label("lines")).select_from(ledger_entry))
    for row in tx.connection.execute(chosen.group_by(*_GROUPED)):
        found[row.kind, bool(row.is_back)] = int(row.amount)
        count += int(row.lines)
    return count, found


def subtotals(tx: Transaction, sought: Sought, vials: Collection[str]) -> Mapping[str, Sums]:
    """The amounts of the lines of each of `vials`."""
    found: dict[str, dict[tuple[str, bool], int]] = {}
    rows = _chosen(tx, sought, select(_LINE.vial, *_AMOUNTS).select_from(ledger_entry)).group_by(_LINE.vial, *_GROUPED)
    for chunk in _chunks(sorted(vials)):
        for row in tx.connection.execute(rows.where(_LINE.vial.in_(chunk))):
            found.setdefault(row.vial, {})[row.kind, bool(row.is_back)] = int(row.amount)
    return found


def drugs(tx: Transaction, sites: Collection[str] | None) -> list[tuple[str, str]]:
    """Code and name of each substance of the vials of the sites."""
    within = [] if sites is None else [ledger_vial.c.site.in_(list(sites))]
    chosen = select(ledger_vial.c.substance, func.min(ledger_vial.c.name)).where(*within).group_by(ledger_vial.c.substance)
    return [(str(code), str(name)) for code, name in tx.connection.execute(chosen.order_by(ledger_vial.c.substance))]


def named(tx: Transaction, text: str) -> list[str]:
    """The ids of the vials with this id or this serial."""
    return list(tx.connection.scalars(select(ledger_vial.c.vial).where(or_(ledger_vial.c.vial == text, ledger_vial.c.serial == text))))


def balances(
    tx: Transaction, of: str, vials: Collection[str], until: int, sites: Collection[str] | None = None
) -> dict[tuple[str, int], int]:
    """What the vial, the lot or the substance of each of `vials` held in all after each line that happened up to `until`.

    A line (vial and number) has the sum of what was added and taken up to it, in the order of events; at `sites`, if they are given.
    """
    there = [] if sites is None else [_LINE.site.in_(list(sites))]
    found: dict[tuple[str, int], int] = {}
    for chunk in _chunks(sorted(vials)):
        within = _LINE.vial.in_(chunk) if of == VIAL else _among(of, chunk)
        running = func.sum(_KEPT).over(partition_by=_GROUPS[of], order_by=_PLACE, rows=(None, 0)).label("running")
        rows = select(_LINE.vial, _LINE.number, running).join_from(ledger_entry, ledger_vial, ledger_vial.c.vial == _LINE.vial)
        every = rows.where(within, *there, _LINE.occurred <= until).subquery()
        for row in tx.connection.execute(select(every).where(every.c.vial.in_(chunk))):
            found[row.vial, row.number] = int(row.running)
    return found


def told(tx: Transaction, keys: Collection[Key]) -> dict[Key, list[Told]]:
    """Every version of each resource, the oldest first."""
    found: dict[Key, list[Told]] = {}
    columns = (version.c.version, version.c.last_updated, version.c.method, version.c.audit_id, version.c.body)
    rows = select(version.c.type, version.c.fhir_id, *columns).join_from(resource, version, version.c.res_id == resource.c.res_id)
    for chunk in _chunks(sorted(keys)):
        chosen = rows.where(tuple_(resource.c.type, resource.c.fhir_id).in_(chunk)).order_by(version.c.version)
        for row in tx.connection.execute(chosen):
            found.setdefault((row.type, row.fhir_id), []).append(Told(*row[2:]))
    return found


def _among(of: str, vials: Sequence[str]) -> ColumnElement[bool]:
    """The lines of every vial of the same lot, or substance, as one of `vials`."""
    names = tuple(column.name for column in _GROUPS[of])
    known = ledger_vial.alias()
    same = select(*(known.c[name] for name in names)).where(known.c.vial.in_(vials))
    return tuple_(*_GROUPS[of]).in_(same) if len(names) > 1 else _GROUPS[of][0].in_(same)


def _chosen(tx: Transaction, sought: Sought, rows: Select[Any]) -> Select[Any]:
    asked = sought.asked
    if about := about_vials(asked):
        rows = rows.join(ledger_vial, and_(ledger_vial.c.vial == _LINE.vial, *about))
    return rows.where(*about_lines(asked), *(ledger_flags.condition(flag, tx.dialect, sought.types) for flag in sought.flags))


def _chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (values[start : start + _CHUNK] for start in range(0, len(values), _CHUNK))
