"""The register, line by line, in the order of events: what was asked for, with the balance after each line and what is marked on it.

The balance is a sum over the ledger up to the line, whatever else was asked for: a filter hides lines, it changes no balance. The same
`Leaf` is a page for a browser and, with all its lines, a file.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from service.errors import BadRequest
from service.ledger.entry import Entry
from service.records.context import Context
from service.records.register import gate, marks, rows, wording
from service.records.register.marks import Beside
from service.records.register.rows import Line
from service.records.register.sheets import Sheets
from service.records.register.tie import Tie, tied
from service.storage import ledger, ledger_lines, versions
from service.storage.database import Transaction
from service.storage.ledger import Asked, Vial
from service.storage.ledger_lines import LOT, SUBSTANCE, VIAL, Place, Sought, Sums

BALANCES = (VIAL, LOT, SUBSTANCE)
"""Of what the balance is told."""
MOST = 20_000
"""Lines of one file. More than that is what `$cs-export` is for."""
SOURCES = ("SupplyDelivery", "MedicationDispense", "MedicationAdministration", "Observation", "Encounter", "Medication", "List")


@dataclass(frozen=True, slots=True)
class Filter:
    """What is asked for; empty and None mean all. `since` <= occurred < `before`, in microseconds; people, patients and sites by id.

    `drug` is the code of the substance, `vial` the id or the serial of a vial, `balance` one of BALANCES.
    """

    drug: str = ""
    site: str = ""
    since: int | None = None
    before: int | None = None
    practitioner: str = ""
    witness: str = ""
    patient: str = ""
    lot: str = ""
    vial: str = ""
    flags: tuple[str, ...] = ()
    balance: str = VIAL


@dataclass(frozen=True, slots=True)
class Held:
    """A vial: what all lines that were asked for moved, what it held when the period ended, and whether its lines tie out."""

    vial: Vial
    sums: Sums
    closing_ug: int
    tie: Tie


@dataclass(frozen=True, slots=True)
class Leaf:
    """Some lines in the order of events. `total` and `sums` are of all that were asked for, and `after` is where the next leaf begins,
    None on the last. `vials` are those of this leaf.
    """

    lines: Sequence[Line]
    total: int
    sums: Sums
    after: Place | None
    vials: Sequence[Held]
    sites: frozenset[str] | None
    trees: Sheets = field(repr=False)


def leaf(ctx: Context, tx: Transaction, asked: Filter, after: Place | None, count: int) -> Leaf:
    """The `count` lines after `after`. Raises Forbidden."""
    gate.require_read(ctx)
    sites = gate.sites(ctx, tx)
    sought = _sought(ctx, tx, asked, sites)
    found = [Entry(*tuple(row)) for row in ledger_lines.page(tx, sought, after, count + 1)]
    shown = found[:count]
    vials = ledger.vials(tx, {one.vial for one in shown})
    every = {id: [Entry(*tuple(row)) for row in lines] for id, lines in ledger.of_vials(tx, vials).items()}
    around = _beside(ctx, tx, every, shown)
    last = shown[-1] if shown else None
    total, sums = ledger_lines.sums(tx, sought)
    running: Mapping[tuple[str, int], int] = around.books
    if asked.balance != VIAL and last is not None:
        running = ledger_lines.balances(tx, asked.balance, vials, last.occurred, sites)
    return Leaf(
        lines=[Line(one, vials[one.vial], marks.marked(one, around), running[one.vial, one.number]) for one in shown],
        total=total,
        sums=sums,
        after=Place(last.occurred, last.recorded, last.vial, last.number) if last and len(found) > count else None,
        vials=_held(vials, every, ledger_lines.subtotals(tx, sought, vials), asked.before),
        sites=sites if not asked.site else frozenset({asked.site}),
        trees=_trees(ctx, tx, shown),
    )


def _held(vials: Mapping[str, Vial], every: Mapping[str, Sequence[Entry]], sums: Mapping[str, Sums], before: int | None) -> list[Held]:
    found = []
    for id, lines in every.items():
        closing = sum(rows.change(one) for one in lines if before is None or one.occurred < before)
        found.append(Held(vials[id], sums[id], closing, tied(vials[id], lines)))
    return sorted(found, key=lambda one: (one.vial.name, one.vial.lot, one.vial.serial, one.vial.vial))


def whole(ctx: Context, tx: Transaction, asked: Filter) -> Leaf:
    """All lines. Raises Forbidden, BadRequest for more than MOST."""
    found = leaf(ctx, tx, asked, None, MOST)
    if found.after is not None:
        message = f"That is {found.total} lines, and a file of this page has at most {MOST}. Ask for a shorter period, or use $cs-export."
        raise BadRequest.of("too-costly", "report-size", message, "http.from")
    return found


def choices(ctx: Context, tx: Transaction) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The substances (code, name) and the sites (id, name) that may be asked for."""
    sites = gate.sites(ctx, tx)
    trees, places = Sheets(ctx, tx), ledger.sites(tx) if sites is None else sorted(sites)
    trees.load(f"Location/{one}" for one in places)
    return ledger_lines.drugs(tx, sites), [(one, wording.called(trees.get(f"Location/{one}"), one)) for one in places]


def _sought(ctx: Context, tx: Transaction, asked: Filter, sites: frozenset[str] | None) -> Sought:
    of = Asked(
        vials=_vials(tx, asked.vial),
        substance=asked.drug or None,
        lot=asked.lot or None,
        sites=_sites(asked.site, sites),
        since=asked.since,
        before=asked.before,
        performer=_named("Practitioner", asked.practitioner),
        witness=_named("Practitioner", asked.witness),
        patient=_named("Patient", asked.patient),
    )
    return Sought(of, asked.flags, {name: ctx.service.definitions.type_number(name) for name in SOURCES})


def _sites(asked: str, sites: frozenset[str] | None) -> Collection[str] | None:
    if not asked:
        return sites
    return {asked} if sites is None else sites & {asked}


def _vials(tx: Transaction, named: str) -> Collection[str] | None:
    return ledger_lines.named(tx, named) if named else None


def _named(type: str, id: str) -> str | None:
    return f"{type}/{id}" if id else None


def _beside(ctx: Context, tx: Transaction, every: Mapping[str, Sequence[Entry]], shown: Iterable[Entry]) -> Beside:
    number = ctx.service.definitions.type_number
    named = {one.reference: one.reference.partition("/") for one in shown}
    keys = {(number(type), id): reference for reference, (type, _, id) in named.items() if type in SOURCES}
    newest = {keys[key]: version for key, version in versions.numbers(tx, keys).items()}
    last = max((one.occurred for lines in every.values() for one in lines), default=0)
    books = ledger_lines.balances(tx, VIAL, every, last)
    return marks.beside((one for lines in every.values() for one in lines), newest, books)


def _trees(ctx: Context, tx: Transaction, shown: Iterable[Entry]) -> Sheets:
    trees = Sheets(ctx, tx)
    trees.load(reference for one in shown for reference in rows.named_in(one))
    return trees
