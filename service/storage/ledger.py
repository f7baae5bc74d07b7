"""The ledger's rows: vials, moved on under a lock, and their lines, appended and read.

Whoever writes has locked the vials of its commit by name (`hold`) before it reads them, in the order of their ids; on SQLite a
writer is alone anyway. Rows of lines have the columns of `LINE`, in that order.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, astuple, dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Table, and_, bindparam, func, insert, select, update

from service.storage import arrays, locks
from service.storage.database import Transaction
from service.storage.failures import Collision
from service.storage.tables.ledger import ledger_entry, ledger_identifier, ledger_vial

LINE = tuple(column.name for column in ledger_entry.columns)
_CHUNK = 400


@dataclass(frozen=True, slots=True)
class Vial:
    """A vial as the register knows it: the columns of `ledger_vial`. `remaining_ug`, `entries` and `head` repeat its newest line."""

    vial: str
    substance: str
    name: str
    form: str
    schedule: str
    strength_ug_per_ml: int
    content_ug: int
    ndc: str
    lot: str
    expires: str
    serial: str
    site: str
    safe: str
    remaining_ug: int
    entries: int
    head: str


@dataclass(frozen=True, slots=True)
class Asked:
    """Which lines are asked for; None means all. Instants are microseconds: `since` <= occurred < `before`, recorded <= `recorded_by`.

    `vials`, `sites`, `safes` are ids; `performer`, `witness` `Type/id`, `patient` `Patient/id`, `encounter` `Encounter/id`; `source`
    is `Type/id` of the resource that says so.
    """

    vials: Collection[str] | None = None
    substance: str | None = None
    lot: str | None = None
    strength_ug_per_ml: int | None = None
    sites: Collection[str] | None = None
    safes: Collection[str] | None = None
    kinds: Collection[str] | None = None
    since: int | None = None
    before: int | None = None
    recorded_by: int | None = None
    performer: str | None = None
    witness: str | None = None
    patient: str | None = None
    encounter: str | None = None
    draw: str | None = None
    source: str | None = None


def hold(tx: Transaction, groups: Iterable[Iterable[str]]) -> None:
    """Wait until no other transaction writes to one of the visits and vials, then keep others from them until the end of `tx`."""
    locks.hold_in_turn(tx, groups)


def vials(tx: Transaction, ids: Iterable[str]) -> dict[str, Vial]:
    """The vials among `ids` that the ledger knows."""
    found: dict[str, Vial] = {}
    for chunk in _chunks(sorted(set(ids))):
        for row in tx.connection.execute(select(ledger_vial).where(ledger_vial.c.vial.in_(chunk))):
            found[row.vial] = Vial(*row)
    return found


def known(tx: Transaction, sites: Collection[str] | None = None, lot: str | None = None, substance: str | None = None) -> list[Vial]:
    """Every vial of the sites, the lot, the substance; in the order of substance, lot and serial."""
    wanted: list[ColumnElement[bool]] = [] if sites is None else [ledger_vial.c.site.in_(list(sites))]
    wanted += [column == value for column, value in ((ledger_vial.c.lot, lot), (ledger_vial.c.substance, substance)) if value is not None]
    order = (ledger_vial.c.substance, ledger_vial.c.lot, ledger_vial.c.serial, ledger_vial.c.vial)
    return [Vial(*row) for row in tx.connection.execute(select(ledger_vial).where(*wanted).order_by(*order))]


def add(tx: Transaction, fresh: Sequence[Vial]) -> None:
    """Add vials that the ledger meets for the first time. Raises Collision when another transaction was first."""
    if fresh:
        tx.connection.execute(insert(ledger_vial), [asdict(one) for one in fresh])


def extend(
    tx: Transaction,
    moved: Sequence[tuple[Vial, int]],
    fresh: Sequence[tuple[str | int, ...]],
    claims: Sequence[tuple[str, str, str]] = (),
) -> None:
    """Move vials on, each from the number of lines that stands beside it, add lines (the cells of `LINE`), and give identifiers.

    `claims` are (system, value, `Type/id`). Raises Collision when a vial has moved on, or a number or an identifier is taken.
    """
    if tx.dialect == "postgresql":
        _extend_postgresql(tx, moved, fresh, claims)
        return
    if moved:
        rows = [{f"new_{name}": value for name, value in asdict(one).items()} | {"expected": before} for one, before in moved]
        _require_all(tx.connection.execute(_ADVANCE, rows).rowcount, moved)
    if fresh:
        tx.connection.execute(insert(ledger_entry), [dict(zip(LINE, cells, strict=True)) for cells in fresh])
    if claims:
        tx.connection.execute(insert(ledger_identifier), [dict(zip(("system", "value", "reference"), one, strict=True)) for one in claims])


def _extend_postgresql(
    tx: Transaction,
    moved: Sequence[tuple[Vial, int]],
    fresh: Sequence[tuple[str | int, ...]],
    claims: Sequence[tuple[str, str, str]],
) -> None:
    if not moved and not fresh and not claims:
        return
    vials_now = [(*astuple(one), before) for one, before in moved]
    columns = (
        *_turned(vials_now, len(_VIAL) + 1),
        *_turned(fresh, len(LINE)),
        *_turned(claims, 3),
    )
    count = tx.connection.exec_driver_sql(_EXTEND, tuple(map(arrays.literal, columns))).scalar_one()
    _require_all(int(count), moved)


def _turned(rows: Sequence[tuple[str | int, ...]], width: int) -> list[tuple[str | int, ...]]:
    """Rows as columns."""
    return list(zip(*rows, strict=True)) if rows else [()] * width


def _require_all(count: int, moved: Sequence[tuple[Vial, int]]) -> None:
    if count != len(moved):
        raise Collision


_VIAL = tuple(column.name for column in ledger_vial.columns)
_MOVING = tuple(name for name in _VIAL if name != "vial")
_ADVANCE = (
    update(ledger_vial)
    .where(ledger_vial.c.vial == bindparam("new_vial"), ledger_vial.c.entries == bindparam("expected"))
    .values({name: bindparam(f"new_{name}") for name in _MOVING})
)


def _arrays(table: Table) -> str:
    """A placeholder of the array type of each column."""
    kinds = {"BIGINT": "int8", "INTEGER": "int4"}
    return ", ".join(f"%s::{kinds.get(str(column.type), 'text')}[]" for column in table.columns)


_EXTEND = f"""
    WITH moved AS (
        UPDATE ledger_vial SET {", ".join(f"{name} = new.{name}" for name in _MOVING)}
        FROM unnest({_arrays(ledger_vial)}, %s::int4[]) AS new({", ".join(_VIAL)}, expected)
        WHERE ledger_vial.vial = new.vial AND ledger_vial.entries = new.expected
        RETURNING 1
    ), added AS (
        INSERT INTO ledger_entry ({", ".join(LINE)}) SELECT * FROM unnest({_arrays(ledger_entry)})
    ), named AS (
        INSERT INTO ledger_identifier (system, value, reference) SELECT * FROM unnest({_arrays(ledger_identifier)})
    )
    SELECT count(*) FROM moved
"""  # noqa: S608 - names of columns only


def lines(tx: Transaction, asked: Asked) -> Iterator[Row[Any]]:
    """The lines that are asked for, in the order in which things happened: occurred, recorded, vial, number."""
    columns = ledger_entry.c
    about = about_vials(asked)
    chosen = select(ledger_entry).where(*about_lines(asked))
    if about:
        chosen = chosen.join(ledger_vial, and_(ledger_vial.c.vial == columns.vial, *about))
    order = (columns.occurred, columns.recorded, columns.vial, columns.number)
    return iter(tx.connection.execute(chosen.order_by(*order), execution_options={"yield_per": _CHUNK}))


def about_vials(asked: Asked) -> list[ColumnElement[bool]]:
    """What the row of the vial must meet."""
    pairs = (
        (ledger_vial.c.substance, asked.substance),
        (ledger_vial.c.lot, asked.lot),
        (ledger_vial.c.strength_ug_per_ml, asked.strength_ug_per_ml),
    )
    return [column == value for column, value in pairs if value is not None]


def about_lines(asked: Asked) -> list[ColumnElement[bool]]:
    """What the line itself must meet."""
    columns = ledger_entry.c
    several = ((columns.vial, asked.vials), (columns.site, asked.sites), (columns.safe, asked.safes), (columns.kind, asked.kinds))
    found: list[ColumnElement[bool]] = [column.in_(list(values)) for column, values in several if values is not None]
    single = (
        (columns.performer, asked.performer),
        (columns.witness, asked.witness),
        (columns.patient, asked.patient),
        (columns.encounter, asked.encounter),
        (columns.draw, asked.draw),
    )
    found += [column == value for column, value in single if value is not None]
    if asked.source is not None:
        found.append(columns.source.startswith(f"{asked.source}/_history/", autoescape=True))
    if asked.since is not None:
        found.append(columns.occurred >= asked.since)
    if asked.before is not None:
        found.append(columns.occurred < asked.before)
    if asked.recorded_by is not None:
        found.append(columns.recorded <= asked.recorded_by)
    return found


def of_vials(tx: Transaction, ids: Iterable[str]) -> dict[str, list[Row[Any]]]:
    """All lines of each vial, by number."""
    found: dict[str, list[Row[Any]]] = {}
    mark = "%s" if tx.dialect == "postgresql" else "?"
    for chunk in _chunks(sorted(set(ids))):
        which = ", ".join([mark] * len(chunk))
        text = f"SELECT {', '.join(LINE)} FROM ledger_entry WHERE vial IN ({which}) ORDER BY vial, number"  # noqa: S608 - names only
        for row in tx.connection.exec_driver_sql(text, tuple(chunk)):
            found.setdefault(row.vial, []).append(row)
    return found


def vials_with(tx: Transaction, encounters: Collection[str] = (), draws: Collection[str] = (), sources: Collection[str] = ()) -> set[str]:
    """The ids of the vials with a line of one of the visits (`Encounter/id`), the draws, or that one of `sources` (`Type/id`) made."""
    found: set[str] = set()
    for column, values in ((ledger_entry.c.encounter, encounters), (ledger_entry.c.draw, draws)):
        if values:
            found.update(tx.connection.scalars(select(ledger_entry.c.vial).distinct().where(column.in_(list(values)))))
    for one in sources:
        column = ledger_entry.c.source
        made = and_(column >= f"{one}/_history/", column < f"{one}/_history0")
        found.update(tx.connection.scalars(select(ledger_entry.c.vial).distinct().where(made)))
    return found


def claimed(tx: Transaction, identifiers: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The resource (`Type/id`) that has each of the identifiers (system, value)."""
    found: dict[tuple[str, str], str] = {}
    mark = "%s" if tx.dialect == "postgresql" else "?"
    wanted = sorted(set(identifiers))
    for start in range(0, len(wanted), _CHUNK):
        some = wanted[start : start + _CHUNK]
        which = " OR ".join([f"(system = {mark} AND value = {mark})"] * len(some))
        text = f"SELECT system, value, reference FROM ledger_identifier WHERE {which}"  # noqa: S608 - placeholders only
        for row in tx.connection.exec_driver_sql(text, tuple(part for pair in some for part in pair)):
            found[row.system, row.value] = row.reference
    return found


def sites(tx: Transaction) -> list[str]:
    """The ids of the sites that hold vials, or held them."""
    return sorted(tx.connection.scalars(select(ledger_vial.c.site).distinct()))


def count(tx: Transaction) -> int:
    """How many lines there are."""
    return int(tx.connection.scalar(select(func.count()).select_from(ledger_entry)) or 0)


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), _CHUNK):
        yield ids[start : start + _CHUNK]
