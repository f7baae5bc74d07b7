"""The rows of the administration log, and what became of the draws that they name.

Amounts are micrograms, instants microseconds since the epoch.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Integer, and_, bindparam, case, cast, delete, func, insert, select, update

from service.storage.database import Transaction
from service.storage.tables.ledger import ledger_entry
from service.storage.tables.register import register_administration
from service.storage.tables.resources import resource, version

DRAWN, GIVEN, WASTED, RETURNED = "drawn", "given", "wasted", "returned"
_CHUNK = 400
_PIECE = 2_000
_FEW = 4_000
"""So many draws are asked for by name; of more, all are summed."""


@dataclass(frozen=True, slots=True)
class Administration:
    """The columns of `register_administration`."""

    administration: str
    version: int
    status: str
    started: int
    ended: int | None
    recorded: int
    is_late: bool
    is_amended: bool
    site: str
    patient: str
    encounter: str
    request: str
    orderer: str
    performers: str
    vials: str
    draws: str
    amount_ug: int | None
    route: str
    rates: str
    indication: str
    reasons: str


class Became(NamedTuple):
    """What became of a draw, by the lines that stand for `kinds` (drawn, wasted, returned).

    `moved_back` counts the lines that move others back: then `witnesses` and `unwitnessed` tell of too much. `witnesses` are references
    with blanks between them, `unwitnessed` the number of wastes without one.
    """

    drawn_ug: int
    wasted_ug: int
    returned_ug: int
    moved_back: int
    unwitnessed: int
    witnesses: str


@dataclass(frozen=True, slots=True)
class Asked:
    """Which rows: started in a period (`since` <= started < `before`); None means all. `patient`, `performer` are `Type/id`."""

    since: int
    before: int
    sites: Collection[str] | None = None
    patient: str | None = None
    performer: str | None = None


_ROW = register_administration.c
_LINE = ledger_entry.c
_FIELDS = tuple(column.name for column in register_administration.columns)
_MOVE = (
    update(register_administration)
    .where(_ROW.administration == bindparam("at"))
    .values({name: bindparam(name) for name in _FIELDS if name != "administration"})
)


def find(tx: Transaction, ids: Iterable[str]) -> dict[str, Administration]:
    """The rows of the administrations `ids`, by id."""
    found: dict[str, Administration] = {}
    for chunk in _chunks(sorted(set(ids)), _CHUNK):
        rows = tx.connection.execute(select(register_administration).where(_ROW.administration.in_(chunk)))
        found.update((row.administration, Administration(*row)) for row in rows)
    return found


def keep(tx: Transaction, rows: Sequence[Administration], known: Collection[str]) -> None:
    """Write rows: those in `known` are there and change, the others are new."""
    fresh = [asdict(one) for one in rows if one.administration not in known]
    changed = [asdict(one) | {"at": one.administration} for one in rows if one.administration in known]
    if fresh:
        tx.connection.execute(insert(register_administration), fresh)
    if changed:
        tx.connection.execute(_MOVE, changed)


def clear(tx: Transaction) -> None:
    """Remove all rows, before they are made again."""
    tx.connection.execute(delete(register_administration))


def rows(tx: Transaction, asked: Asked, most: int) -> list[Any]:
    """The rows that are asked for with the columns of `Administration`, by the time of their start; one more than `most` at most."""
    wanted: list[ColumnElement[bool]] = [_ROW.started >= asked.since, _ROW.started < asked.before]
    wanted += [_ROW.site.in_(list(asked.sites))] if asked.sites is not None else []
    wanted += [_ROW.patient == asked.patient] if asked.patient is not None else []
    wanted += [(" " + _ROW.performers + " ").contains(f" {asked.performer} ", autoescape=True)] if asked.performer is not None else []
    chosen = select(register_administration).where(*wanted).order_by(_ROW.started, _ROW.administration).limit(most + 1)
    return list(tx.connection.execute(chosen).all())


def became(tx: Transaction, draws: Collection[str]) -> dict[str, Became]:
    """What became of each of `draws`, ids of MedicationDispenses. Of many draws, what became of others may be there too."""
    line = _LINE
    is_waste = and_(line.kind == WASTED, line.reverses == 0)
    signed = case((line.reverses == 0, line.amount_ug), else_=-line.amount_ug)
    sums = [cast(func.coalesce(func.sum(case((line.kind == kind, signed), else_=0)), 0), BigInteger) for kind in (DRAWN, WASTED, RETURNED)]
    counts = [
        cast(func.sum(case((condition, 1), else_=0)), Integer) for condition in (line.reverses != 0, and_(is_waste, line.witness == ""))
    ]
    witnesses = func.aggregate_strings(case((is_waste, line.witness), else_=""), " ")
    chosen = (
        select(line.draw, *sums, *counts, witnesses).where(line.draw != "", line.kind.in_((DRAWN, WASTED, RETURNED))).group_by(line.draw)
    )
    named = [chosen.where(line.draw.in_(chunk)) for chunk in _chunks(sorted(draws), _CHUNK)] if len(draws) <= _FEW else [chosen]
    return {row[0]: Became(*row[1:]) for one in named for row in tx.connection.execute(one).all()}


def lines_of(tx: Transaction, draws: Collection[str]) -> dict[str, list[Any]]:
    """The lines of each of `draws`, with the columns of an Entry, by vial and number."""
    found: dict[str, list[Any]] = {}
    for chunk in _chunks(sorted(draws), _CHUNK):
        for row in tx.connection.execute(select(ledger_entry).where(_LINE.draw.in_(chunk)).order_by(_LINE.vial, _LINE.number)):
            found.setdefault(row.draw, []).append(row)
    return found


def late(tx: Transaction) -> set[str]:
    """`MedicationAdministration/id` of those with a line that was written down late."""
    chosen = select(_LINE.source).where(_LINE.kind == GIVEN, _LINE.flags.contains("late"))
    return {source.partition("/_history/")[0] for source in tx.connection.scalars(chosen)}


def versions_of(tx: Transaction, type: int) -> Iterator[Any]:
    """Every version of every resource of a type that is there: fhir_id, version, last_updated, body, and `newest`, the number of the last.

    By res_id and number.
    """
    columns = (resource.c.fhir_id, version.c.version, version.c.last_updated, version.c.body, resource.c.version.label("newest"))
    chosen = select(*columns).join_from(resource, version, version.c.res_id == resource.c.res_id)
    chosen = chosen.where(resource.c.type == type, resource.c.deleted.is_(False)).order_by(version.c.res_id, version.c.version)
    return iter(tx.connection.execute(chosen, execution_options={"yield_per": _PIECE}))


def _chunks(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
