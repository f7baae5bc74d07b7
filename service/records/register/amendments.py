"""What was changed after it had been posted: each element with what it said and what it says, who changed it, when and why.

A version of a controlled-substance record that replaces one which had posted, or counted, is an amendment; filling in what was still
going on is none. The reason and the signature are those of the Provenance that is about the new version. What the ledger posted before is
moved back by number and posted anew: nothing is overwritten (the yardstick is 21 CFR 11.10(e): changes do not obscure what was recorded).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from service.fhir.document import stored
from service.ledger import reading
from service.ledger.entry import Entry
from service.records.context import Context
from service.records.register import differences, inquiry, signatures, wording
from service.records.register.inquiry import Inquiry
from service.records.register.places import sites_of
from service.records.register.question import Question, few
from service.records.register.report import FLAG, INSTANT, NUMBER, POLICY, REFERENCE, Column, Report, Row
from service.records.register.sheets import Tree
from service.storage import ledger, register_reports
from service.storage.ledger import Vial

TYPES = ("SupplyDelivery", "MedicationDispense", "MedicationAdministration", "Observation", "List", "Medication")
_POSTED = frozenset({"completed", "stopped", "final", "amended", "corrected", "current", "active", "inactive", "entered-in-error"})
"""Statuses of what has happened, and is on the books."""
_VIAL = "Medication/"
_MOST_ELEMENTS = 60
"""Rows of one amendment."""
COLUMNS = (
    Column("changed", "Changed", INSTANT, POLICY, width=10),
    Column("record", "Record", REFERENCE, POLICY, width=12),
    Column("version", "Version", NUMBER, POLICY, width=4),
    Column("element", "Element", basis=POLICY, width=14),
    Column("old", "Old value", basis=POLICY, width=14),
    Column("new", "New value", basis=POLICY, width=14),
    Column("who", "Who", basis=POLICY, width=12),
    Column("client", "With", basis=POLICY, width=8),
    Column("why", "Why", basis=POLICY, width=16),
    Column("signed", "Signed", FLAG, POLICY, width=5),
    Column("lines", "Lines moved back and posted", basis=POLICY, width=12),
    Column("vial", "Vial", basis=POLICY, width=8),
    Column("patient", "Patient", basis=POLICY, width=10),
)


@dataclass(frozen=True, slots=True)
class _Change:
    """One amendment: the record, the version that replaced another, both contents (`new` None: deleted), and what the trail says of it."""

    reference: str
    version: int
    at: int
    old: Tree
    new: Tree | None
    client: str
    user: str

    @property
    def source(self) -> str:
        """The new version, as lines of the ledger name it."""
        return f"{self.reference}/_history/{self.version}"

    @property
    def sources(self) -> list[str]:
        """This version and all before it."""
        return [f"{self.reference}/_history/{number}" for number in range(1, self.version + 1)]


@dataclass(frozen=True, slots=True)
class _Books:
    """The lines that versions made, by source, and the vials that they are of, by id."""

    posted: Mapping[str, Sequence[Entry]]
    vials: Mapping[str, Vial]

    def lines_of(self, change: _Change) -> list[Entry]:
        """What the record posted, in any of its versions."""
        return [line for source in change.sources for line in self.posted.get(source, ())]

    def vials_of(self, change: _Change) -> list[Vial]:
        """The vials that the record is about."""
        ids = dict.fromkeys([*(line.vial for line in self.lines_of(change)), change.reference.removeprefix(_VIAL)])
        return [self.vials[id] for id in ids if id in self.vials]


def report(ctx: Context, asked: Question) -> Report:
    """The amendments of a period, one row for each element. Raises Forbidden, and BadRequest for what is too much."""
    with inquiry.opened(ctx, asked) as one:
        changes = list(few(_changes(one)))
        books = _books(one, changes)
        kept = [change for change in changes if _is_asked(one, change, books)]
        reasons = _reasons(one, kept)
        one.sheets.load(named for change in kept for named in (change.user, reading.patient(change.old)))
        rows = list(few(row for change in kept for row in _told(one, change, reasons.get(change.source), books)))
        header = one.header(COLUMNS, "21 CFR 11.10(e) as a yardstick")
    return Report("cs-amendments", "Amendments of controlled-substance records", header, COLUMNS, rows, one.zone)


def _changes(one: Inquiry) -> Iterator[_Change]:
    definitions = one.ctx.service.definitions
    numbers = [definitions.type_number(type) for type in TYPES]
    for row in register_reports.changed(one.tx, numbers, one.asked.since, one.asked.before):
        old, new = (stored(text).tree if text else None for text in (row.before, row.body))
        if old is not None and _is_posted(old) and (reading.is_tagged(old) or (new is not None and reading.is_tagged(new))):
            reference = f"{definitions.type_name(row.type)}/{row.fhir_id}"
            yield _Change(reference, row.version, row.last_updated, old, new, row.client or "", row.user or "")


def _is_posted(tree: Tree) -> bool:
    return tree.get("status") in _POSTED


def _books(one: Inquiry, changes: Sequence[_Change]) -> _Books:
    """What the ledger has of the amendments."""
    posted: dict[str, list[Entry]] = defaultdict(list)
    for row in register_reports.made_by(one.tx, (source for change in changes for source in change.sources)):
        posted[row.source].append(Entry(*tuple(row)))
    own = {change.reference.removeprefix(_VIAL) for change in changes if change.reference.startswith(_VIAL)}
    return _Books(posted, ledger.vials(one.tx, own | {line.vial for lines in posted.values() for line in lines}))


def _is_asked(one: Inquiry, change: _Change, books: _Books) -> bool:
    """Whether the amendment is of the sites, the vial, the lot, the substance and the people that were asked for."""
    asked, vials = one.asked, books.vials_of(change)
    sites = {line.site for line in books.lines_of(change)} | {vial.site for vial in vials} | _place(one, change)
    people = {person for tree in (change.old, change.new or {}) for person in _people(tree)}
    return all(
        (
            one.sites is None or bool(sites & one.sites),
            asked.vial is None or asked.vial in {vial.vial for vial in vials},
            asked.lot is None or asked.lot in {vial.lot for vial in vials},
            asked.substance is None or asked.substance in {vial.substance for vial in vials},
            asked.patient is None or asked.patient == reading.patient(change.old),
            {asked.performer, asked.witness} - {None} <= people,
        )
    )


def _people(tree: Tree) -> list[str]:
    return [who for function in (reading.PERFORMER, reading.WITNESS) for who in reading.actors(tree, function)] if tree else []


def _place(one: Inquiry, change: _Change) -> set[str]:
    """The site of what is about a place and posts nothing: an inventory."""
    named = (reading.target(change.old.get("subject")) or "") if change.reference.startswith("List/") else ""
    place = named.removeprefix("Location/")
    return set(sites_of(one.sheets, {place}).values()) if place else set()


def _reasons(one: Inquiry, changes: Sequence[_Change]) -> dict[str, Tree]:
    """The Provenance of each new version: the one that names it, or that names the record and the version that was replaced."""
    found: dict[str, Tree] = {}
    of: dict[str, list[_Change]] = defaultdict(list)
    for change in changes:
        of[change.reference].append(change)
    for tree in signatures.about(one.ctx, one.tx, of.keys()):
        named = {str(each.get("reference", "")) for each in tree.get("target", ())}
        replaced = {str(each.get("what", {}).get("reference", "")) for each in tree.get("entity", ())}
        for change in (change for target in tree.get("target", ()) for change in of.get(reading.target(target) or "", ())):
            before = f"{change.reference}/_history/{change.version - 1}"
            if _names(named, change.source) or (_names(named, change.reference) and _names(replaced, before)):
                found[change.source] = tree
    return found


def _names(texts: set[str], reference: str) -> bool:
    return any(text == reference or text.endswith(f"/{reference}") for text in texts)


def _told(one: Inquiry, change: _Change, reason: Tree | None, books: _Books) -> Iterator[Row]:
    told = differences.differences(change.old, change.new or {})
    if change.reference.startswith(_VIAL) and all(each.element.startswith("extension[") for each in told):
        return  # when a vial was opened is written down as it is opened
    more = len(told) - _MOST_ELEMENTS
    for each in told[:_MOST_ELEMENTS]:
        yield _row(one, change, (each.element, each.old, each.new), reason, books)
    if more > 0:
        yield _row(one, change, ("…", f"{more} more elements", f"{more} more elements"), reason, books)


def _row(one: Inquiry, change: _Change, said: Row, reason: Tree | None, books: _Books) -> Row:
    return (
        change.at,
        change.reference,
        change.version,
        *said,
        _who(one, change, reason),
        change.client,
        _why(reason),
        bool((reason or {}).get("signature")),
        _lines(books.posted.get(change.source, ())),
        ", ".join(vial.serial or vial.vial for vial in books.vials_of(change)),
        one.name(reading.patient(change.old)),
    )


def _who(one: Inquiry, change: _Change, reason: Tree | None) -> str:
    """The people whom the Provenance names; without one, whom the audit trail names."""
    named = [who for each in (reason or {}).get("agent", ()) if (who := reading.target(each.get("who")))]
    return one.names(list(dict.fromkeys(named)) or [change.user])


def _why(reason: Tree | None) -> str:
    told = [wording.concept(each) for each in (reason or {}).get("reason", ())]
    return "; ".join(each for each in told if each)


def _lines(lines: Sequence[Entry]) -> str:
    """The numbers of the lines that were moved back, and of those that were posted instead."""
    gone, fresh = ([str(number) for number in numbers] for numbers in ([line.reverses for line in lines if line.reverses], _new(lines)))
    return " -> ".join((", ".join(gone) or "none", ", ".join(fresh) or "none")) if lines else ""


def _new(lines: Sequence[Entry]) -> list[int]:
    return [line.number for line in lines if not line.reverses]
