"""A line of the register as a row of a report: its columns, its cells, its sums."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from service.ledger import entry as kinds
from service.ledger.entry import VIAL, Account, Entry
from service.records.register import wording
from service.records.register.report import INSTANT, LAW, POLICY, REFERENCE, TEXT, UG, Cell, Column, Row
from service.records.register.sheets import Sheets
from service.storage.ledger import Vial

COLUMNS = (
    Column("line", "Line", TEXT, POLICY, 9),
    Column("occurred", "Time of event", INSTANT, LAW, 11),
    Column("recorded", "Time of entry", INSTANT, POLICY, 11),
    Column("event", "Event", TEXT, LAW, 9),
    Column("drug", "Drug, form, strength", TEXT, LAW, 12),
    Column("lot", "Lot", TEXT, POLICY, 7),
    Column("vial", "Vial", TEXT, POLICY, 9),
    Column("patient", "Patient", TEXT, LAW, 9),
    Column("performer", "Who", TEXT, LAW, 9),
    Column("witness", "Witness", TEXT, POLICY, 9),
    Column("in", "In mg", UG, LAW, 5),
    Column("drawn", "Drawn mg", UG, POLICY, 5),
    Column("given", "Given mg", UG, LAW, 5),
    Column("wasted", "Wasted mg", UG, LAW, 5),
    Column("returned", "Returned mg", UG, POLICY, 5),
    Column("other", "Other mg", UG, LAW, 5),
    Column("counted", "Counted mg", UG, POLICY, 5),
    Column("balance", "Balance mg", UG, POLICY, 6),
    Column("flags", "Flags", TEXT, POLICY, 8),
    Column("site", "Site", TEXT, LAW, 8),
    Column("record", "Record", REFERENCE, POLICY, 9),
    Column("patient-record", "Patient (id)", REFERENCE, POLICY, 9),
    Column("performer-record", "Who (id)", REFERENCE, POLICY, 9),
    Column("witness-record", "Witness (id)", REFERENCE, POLICY, 9),
)
"""`other` is what was destroyed, lost, broken or is unaccounted, and adjustments by what they add to the vial."""

_IN = (kinds.RECEIVED, kinds.OPENED)
_OWN = {kinds.DRAWN: "drawn", kinds.GIVEN: "given", kinds.WASTED: "wasted", kinds.RETURNED: "returned"}
_OTHER = (kinds.DESTROYED, kinds.LOST, kinds.BROKEN, kinds.UNACCOUNTED, kinds.ADJUSTED)
_WORDS = {kinds.OPENED: "opened without a receipt", kinds.TRANSFERRED: "transferred"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line: the entry, its vial, what is marked on it, and the balance after it."""

    entry: Entry
    vial: Vial
    marks: tuple[str, ...]
    balance_ug: int


def row(line: Line, trees: Sheets) -> Row:
    """The cells of a line. `trees` knows whom and what it names."""
    entry, vial = line.entry, line.vial
    amounts = {column(entry.kind): _signed(entry)}
    cells: dict[str, Cell] = {
        "line": label(entry, vial),
        "occurred": entry.occurred,
        "recorded": entry.recorded,
        "event": event(entry),
        "drug": drug(vial),
        "lot": vial.lot,
        "vial": vial.serial or vial.vial,
        "site": _called(trees, f"Location/{entry.site}" if entry.site else ""),
        "patient": _called(trees, entry.patient),
        "performer": _called(trees, entry.performer),
        "witness": _called(trees, entry.witness),
        "balance": line.balance_ug,
        "flags": ", ".join(line.marks),
        "record": entry.source,
        "patient-record": entry.patient or None,
        "performer-record": entry.performer or None,
        "witness-record": entry.witness or None,
        **amounts,
    }
    return tuple(cells.get(one.name) for one in COLUMNS)


def total(words: str, sums: Mapping[tuple[str, bool], int], balance_ug: int | None = None) -> Row:
    """A total of lines: of each column, from sums by kind and whether they move back."""
    added: dict[str, int] = {}
    for (kind, is_back), amount in sums.items():
        sign = -1 if is_back and kind != kinds.ADJUSTED else 1
        added[column(kind)] = added.get(column(kind), 0) + sign * amount
    amounts = {name: amount for name, amount in added.items() if name not in ("", "counted")}
    cells: dict[str, Cell] = {"line": words, "balance": balance_ug, **amounts}
    return tuple(cells.get(one.name) for one in COLUMNS)


def change(entry: Entry) -> int:
    """By how much a line changes what vials hold."""
    ends = ((entry.target, entry.amount_ug), (entry.origin, -entry.amount_ug))
    return sum(amount for account, amount in ends if account and Account.read(account).kind == VIAL)


def column(kind: str) -> str:
    """The column that has the amount of a line of this kind; empty for none."""
    if kind in _IN:
        return "in"
    if kind == kinds.COUNTED:
        return "counted"
    return _OWN.get(kind, "other" if kind in _OTHER else "")


def _signed(entry: Entry) -> int:
    if entry.kind == kinds.ADJUSTED:
        return change(entry)
    return -entry.amount_ug if entry.reverses else entry.amount_ug


def event(entry: Entry) -> str:
    """What happened, in words."""
    words = _WORDS.get(entry.kind, entry.kind)
    if entry.kind in (kinds.WASTED, kinds.DESTROYED, kinds.BROKEN, kinds.LOST) and entry.origin.startswith(f"{VIAL}/"):
        words += " from the vial"
    return f"{words}, moves back no. {entry.reverses}" if entry.reverses else words


def label(entry: Entry, vial: Vial) -> str:
    """The name of a line: the vial and the number of the line in it."""
    return f"{vial.serial or vial.vial} no. {entry.number}"


def drug(vial: Vial) -> str:
    """Substance, form and strength."""
    strength = wording.strength(vial.strength_ug_per_ml)
    named = "" if vial.name.casefold() in vial.form.casefold() else vial.name
    return ", ".join(part for part in (named, vial.form, "" if strength in vial.form else strength) if part)


def named_in(entry: Entry) -> Iterator[str]:
    """Whom and what the cells of a line name."""
    yield from (one for one in (entry.patient, entry.performer, entry.witness) if one)
    if entry.site:
        yield f"Location/{entry.site}"


def _called(trees: Sheets, reference: str) -> str:
    """The name; the reference where there is none."""
    return wording.called(trees.get(reference), reference) if reference else ""
