"""The perpetual ledger in sums: what each vial held at the beginning, what came, what became of it, and what it holds at the end.

What a vial holds is summed from its accounts, what became of it from the kinds of its lines: two ways to the same amount, so that a row
that does not tie out says so. What is still in syringes is told apart. 21 CFR 1304.21(a).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from service.ledger import entry as kinds
from service.ledger.entry import Account
from service.records.context import Context
from service.records.register import cells, inquiry
from service.records.register.inquiry import Inquiry
from service.records.register.question import Question, few
from service.records.register.report import FLAG, LAW, POLICY, UG, Cell, Column, Report, Row, Shared, flat
from service.records.register.scene import RecordScene
from service.storage import ledger, ledger_movements
from service.storage.ledger import Asked, Vial
from service.storage.ledger_movements import SYRINGE, Moved

SOURCE = "21 CFR 1304.21(a), 1304.22(c)"
TITLE = "Ledger of controlled substances"
_SHOWN = (
    (kinds.RECEIVED, "Received mg", LAW),
    (kinds.OPENED, "Met without receipt mg", POLICY),
    (kinds.DRAWN, "Drawn mg", POLICY),
    (kinds.GIVEN, "Given mg", LAW),
    (kinds.RETURNED, "Returned mg", POLICY),
    (kinds.WASTED, "Wasted mg", LAW),
    (kinds.DESTROYED, "Destroyed mg", LAW),
    (kinds.LOST, "Lost mg", LAW),
    (kinds.BROKEN, "Broken mg", LAW),
    (kinds.ADJUSTED, "Adjusted mg", LAW),
    (kinds.TRANSFERRED, "Transferred mg", LAW),
    (kinds.UNACCOUNTED, "Unaccounted mg", LAW),
)
COLUMNS = (
    *cells.SERIAL,
    *cells.PRODUCT,
    Column("schedule", "Schedule", basis=POLICY, width=6),
    *cells.BATCH,
    Column("opening", "Opening mg", UG, LAW, 7),
    Column("opening-in-syringes", "Opening in syringes mg", UG, POLICY, 7),
    *(Column(kind, title, UG, basis, 7) for kind, title, basis in _SHOWN),
    Column("closing", "Closing mg", UG, LAW, 7),
    Column("closing-in-syringes", "Closing in syringes mg", UG, POLICY, 7),
    Column("ties-out", "Ties out", FLAG, POLICY, 5),
)
_ADDS = (kinds.RECEIVED, kinds.OPENED, kinds.ADJUSTED, kinds.TRANSFERRED)
_TAKES = (kinds.GIVEN, kinds.WASTED, kinds.DESTROYED, kinds.LOST, kinds.BROKEN, kinds.UNACCOUNTED)


@dataclass(slots=True)
class Sums:
    """What moved of one vial, or of several. Held amounts by `(is_before, "vial" | "syringe")`, kinds of the period by their name."""

    held: Counter[tuple[bool, str]] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)

    def add(self, moved: Moved, inside: Callable[[str], bool]) -> None:
        """One more sum of lines. `inside`: whether an account of a vial is at the sites that are asked about."""
        into, out_of = _where(moved.target, inside), _where(moved.origin, inside)
        for end, sign in ((into, 1), (out_of, -1)):
            if end:
                self.held[moved.is_before, end] += sign * moved.amount_ug
        if moved.is_before:
            return
        if moved.kind in (kinds.ADJUSTED, kinds.TRANSFERRED):
            self.kinds[moved.kind] += (bool(into) - bool(out_of)) * moved.amount_ug
        elif moved.kind == kinds.UNACCOUNTED:
            self.kinds[moved.kind] += (bool(out_of) - bool(into)) * moved.amount_ug
        else:
            self.kinds[moved.kind] += -moved.amount_ug if moved.is_back else moved.amount_ug

    def merge(self, other: "Sums") -> None:
        """The sums of another vial as well."""
        self.held.update(other.held)
        self.kinds.update(other.kinds)

    def cells(self) -> tuple[Cell, ...]:
        """Opening, what became of it, closing, and whether that ties out."""
        opening = (self.held[True, "vial"], self.held[True, SYRINGE])
        closing = (opening[0] + self.held[False, "vial"], opening[1] + self.held[False, SYRINGE])
        left = sum(opening) + sum(self.kinds[kind] for kind in _ADDS) - sum(self.kinds[kind] for kind in _TAKES)
        return (*opening, *(self.kinds[kind] for kind, _, _ in _SHOWN), *closing, left == sum(closing))


def report(ctx: Context, asked: Question, strength_ug_per_ml: int | None = None) -> Report:
    """One row for each vial, the totals of each product, lot by lot. Raises Forbidden, and BadRequest for what is too much."""
    with inquiry.opened(ctx, asked) as one:
        sums = _sums(one, strength_ug_per_ml)
        vials = ledger.vials(one.tx, sums)
        ordered = sorted(vials.values(), key=lambda vial: (vial.name, vial.strength_ug_per_ml, vial.lot, vial.serial, vial.vial))
        rows: list[Row] = list(few((Shared(_product(vial)), *sums[vial.vial].cells()) for vial in ordered))
        totals = [*_totals(ordered, sums, _by_lot), *_totals(ordered, sums, _by_product)]
        header = one.header(COLUMNS, SOURCE)
    return Report("cs-ledger", TITLE, header, COLUMNS, rows, one.zone, totals)


def narrowed(one: Inquiry, strength_ug_per_ml: int | None, since: int | None = None) -> Asked:
    """The lines that the question is about, wherever they happened: a vial may have come from another site."""
    asked = one.asked
    return Asked(
        vials=None if asked.vial is None else {asked.vial},
        substance=asked.substance,
        lot=asked.lot,
        strength_ug_per_ml=strength_ug_per_ml,
        since=since,
        before=asked.before,
    )


def _sums(one: Inquiry, strength_ug_per_ml: int | None) -> dict[str, Sums]:
    scene = RecordScene(one.ctx, one.tx, {}, {})
    known: dict[str, bool] = {}

    def inside(account: str) -> bool:
        place = Account.read(account).place
        if place not in known:
            known[place] = one.sites is None or scene.site_of(place) in one.sites
        return known[place]

    found: dict[str, Sums] = {}
    for moved in ledger_movements.moved(one.tx, narrowed(one, strength_ug_per_ml), one.asked.since):
        if (
            one.sites is None
            or moved.site in one.sites
            or any(end and end != SYRINGE and inside(end) for end in (moved.origin, moved.target))
        ):
            found.setdefault(moved.vial, Sums()).add(moved, inside)
    return found


def _where(account: str, inside: Callable[[str], bool]) -> str:
    """`vial` or `syringe` for an account that is counted, "" for one that is not."""
    if account == SYRINGE:
        return SYRINGE
    return "vial" if account and inside(account) else ""


def _product(vial: Vial) -> tuple[Cell, ...]:
    return flat((*cells.serial(vial), *cells.product(vial), vial.schedule, *cells.batch(vial)))


def _by_lot(vial: Vial) -> tuple[Cell, ...]:
    return (f"Total lot {vial.lot or 'without a number'}", *_product(vial)[1:6], vial.lot, None)


def _by_product(vial: Vial) -> tuple[Cell, ...]:
    return (f"Total {vial.name}", *_product(vial)[1:5], None, None, None)


def _totals(vials: Iterable[Vial], sums: Mapping[str, Sums], by: Callable[[Vial], tuple[Cell, ...]]) -> list[Row]:
    found: dict[tuple[Cell, ...], Sums] = {}
    for vial in vials:
        found.setdefault(by(vial), Sums()).merge(sums[vial.vial])
    return [(*named, *of.cells()) for named, of in found.items()]
