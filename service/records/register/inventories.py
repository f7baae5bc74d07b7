"""The inventories that were taken: each count of each, with when, at which end of the business day, by whom, and whether it is exact.

21 CFR 1304.11 asks for a complete record of what is on hand, at the opening or at the close of business, when the registration begins and
at least every two years: the name of each substance, its finished form and strength, the volume of each container and how many there are.
Of what is opened, Schedule III to V may be estimated; some states ask for exact counts.
"""

from collections.abc import Iterator, Mapping

from service.fhir import temporal
from service.fhir.document import stored
from service.ledger import reading
from service.ledger.entry import COUNTED, Entry
from service.records.context import Context
from service.records.register import cells, inquiry
from service.records.register.inquiry import Found, Inquiry
from service.records.register.places import sites_of
from service.records.register.question import Question, few
from service.records.register.report import INSTANT, LAW, NUMBER, POLICY, REFERENCE, UG, UL, Column, Report, Row
from service.records.register.sheets import Tree
from service.storage import register_reports
from service.storage.ledger import Vial

_CODE = "cs-inventory"
_METHOD = "cs-count-method"
_CIRCUMSTANCES = "https://clinic.example/fhir/StructureDefinition/inventory-circumstances"
_WORDS = {
    "inventory-opening": "opening of business",
    "inventory-close": "close of business",
    "inventory-initial": "initial",
    "inventory-biennial": "biennial",
    "inventory-annual": "annual",
    "inventory-other": "other",
    "count-exact": "exact",
    "count-estimate": "estimate",
}
COLUMNS = (
    Column("taken", "Taken", INSTANT, LAW, width=10),
    Column("kind", "Kind", basis=LAW, width=7),
    Column("moment", "Opening or close", basis=LAW, width=9),
    Column("place", "Place", basis=LAW, width=10),
    Column("taker", "Taken by", basis=LAW, width=10),
    *cells.PRODUCT,
    *cells.CONTAINER,
    Column("containers", "Containers", NUMBER, LAW, width=5),
    Column("amount", "Counted mg", UG, LAW, width=6),
    Column("volume", "Counted mL", UL, LAW, width=6),
    Column("count-method", "Exact or estimate", basis=LAW, width=7),
    *cells.BATCH,
    *cells.SERIAL,
    Column("witness", "Witness", basis=POLICY, width=10),
    Column("record", "Count", REFERENCE, width=10),
    Column("inventory", "Inventory", REFERENCE, width=10),
)

_NOTHING: Row = ("none on hand", None, None, None, 0, 0, 0, *(None for _ in COLUMNS[12:-1]))
"""The cells of an inventory that found nothing, between its head and its reference."""


def report(ctx: Context, asked: Question) -> Report:
    """The inventories of a period. Raises Forbidden, and BadRequest for what is too much."""
    with inquiry.opened(ctx, asked) as one:
        lists = list(_lists(one))
        counts = {item for tree in lists for item in _items(tree)}
        one.sheets.load([*counts, *(reading.target(tree.get(name)) for tree in lists for name in ("source", "subject"))])
        found = one.standing((COUNTED,), {vial for each in counts if (vial := _vial(one, each))}, whenever=True)
        lines = {line.reference: line for line in found.lines if line.reference in counts}
        rows = [row for tree in lists for row in _rows(one, found, lines, tree)]
        header = one.header(COLUMNS, "21 CFR 1304.11")
    return Report("cs-inventory", "Inventories of controlled substances", header, COLUMNS, rows, one.zone)


def _lists(one: Inquiry) -> Iterator[Tree]:
    number = one.ctx.service.definitions.type_number("List")
    for row in few(register_reports.dated(one.tx, number, one.asked.since, one.asked.before)):
        tree = stored(row.body).tree
        if reading.local_code(tree.get("code")) == _CODE and tree.get("status") == "current" and _is_of(one, tree):
            yield tree


def _is_of(one: Inquiry, tree: Tree) -> bool:
    """Whether the inventory is of one of the sites that are asked for."""
    place = (reading.target(tree.get("subject")) or "").removeprefix("Location/")
    return one.sites is None or sites_of(one.sheets, {place})[place] in one.sites


def _items(tree: Tree) -> list[str]:
    return [named for entry in tree.get("entry", ()) if (named := reading.target(entry.get("item"))) and not entry.get("deleted")]


def _vial(one: Inquiry, count: str) -> str | None:
    """The id of the vial that was counted."""
    tree = one.sheets.get(count)
    named = reading.medication(tree) if tree else None
    return named.removeprefix("Medication/") if named else None


def _rows(one: Inquiry, found: Found, lines: Mapping[str, Entry], tree: Tree) -> Iterator[Row]:
    taken, place, taker = tree.get("date"), reading.target(tree.get("subject")), reading.target(tree.get("source"))
    told = {each.get("url"): each.get("valueCode", "") for each in (reading.extension(tree, _CIRCUMSTANCES) or {}).get("extension", ())}
    head = (
        temporal.interval(taken, one.zone).lo if taken else None,
        *(_WORDS.get(told.get(name, ""), told.get(name, "")) for name in ("kind", "moment")),
        one.name(place),
        one.name(taker),
    )
    counted = [lines[item] for item in _items(tree) if item in lines]
    for line in counted:
        yield (*head, *_count(one, found.vial(line), line), f"List/{tree['id']}")
    if not tree.get("entry") and {one.asked.vial, one.asked.lot, one.asked.substance} == {None}:
        yield (*head, *_NOTHING, f"List/{tree['id']}")


def _count(one: Inquiry, vial: Vial, line: Entry) -> Row:
    tree = one.sheets.get(line.reference) or {}
    told = {
        reading.local_code(each.get("code")): reading.local_code(each.get("valueCodeableConcept")) for each in tree.get("component", ())
    }
    return (
        *cells.product(vial),
        *cells.container(vial),
        1,
        line.amount_ug,
        line.volume_ul,
        _WORDS.get(told.get(_METHOD) or "", ""),
        *cells.batch(vial),
        *cells.serial(vial),
        one.name(line.witness),
        line.reference,
    )
