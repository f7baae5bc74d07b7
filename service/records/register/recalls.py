"""From a lot to everybody who was given of it: its vials, what was drawn from them, and the patients, with what is known to reach them.

A row is a draw: what became of it, and for whom. A vial from which nothing was drawn has a row of its own, with what is left in it. How a
patient can be reached is shown to those who may see it: an inspector sees name and address alone.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from service.errors import BadRequest
from service.ledger.entry import DRAWN, GIVEN, RETURNED, WASTED, Entry
from service.records.context import Context
from service.records.register import cells, inquiry, wording
from service.records.register.heading import address
from service.records.register.inquiry import Inquiry
from service.records.register.question import Question
from service.records.register.report import DATE, INSTANT, LAW, POLICY, REFERENCE, UG, Column, Report, Row, plain
from service.storage import ledger
from service.storage.ledger import Vial

COLUMNS = (
    *cells.PRODUCT,
    *cells.BATCH,
    *cells.SERIAL,
    Column("remaining", "Left in the vial mg", UG, POLICY, width=6),
    Column("safe", "Safe", basis=POLICY, width=9),
    Column("drawn-at", "Drawn at", INSTANT, POLICY, width=10),
    Column("drawn", "Drawn mg", UG, POLICY, width=6),
    Column("given-at", "Given at", INSTANT, LAW, width=10),
    Column("given", "Given mg", UG, LAW, width=6),
    Column("wasted", "Wasted mg", UG, POLICY, width=6),
    Column("returned", "Returned mg", UG, POLICY, width=6),
    Column("patient", "Patient", basis=LAW, width=10),
    Column("birth-date", "Born", DATE, POLICY, width=7),
    Column("record-number", "Record number", basis=POLICY, width=8),
    Column("address", "Address", basis=LAW, width=13),
    Column("contact", "Telephone and mail", basis=POLICY, width=12),
    Column("performer", "Given by", basis=LAW, width=9),
    Column("visit", "Visit", REFERENCE, POLICY, width=10),
    Column("draw", "Draw", REFERENCE, POLICY, width=10),
    Column("reference", "Patient's record", REFERENCE, width=10),
)
_KINDS = (DRAWN, GIVEN, WASTED, RETURNED)


def report(ctx: Context, asked: Question) -> Report:
    """The vials, draws and patients of `asked.lot`, whenever they were. Raises Forbidden, and BadRequest for a question without a lot."""
    with inquiry.opened(ctx, asked) as one:
        if asked.lot is None:
            raise BadRequest.of("required", "operation-parameter", "Which lot? Give the number that is on the label.", "http.lot")
        vials = [vial for vial in ledger.known(one.tx, one.sites, asked.lot, asked.substance) if asked.vial in (None, vial.vial)]
        lines = one.standing(_KINDS, whenever=True).lines
        one.sheets.load(named for line in lines for named in (line.patient, line.performer))
        of_vial: dict[str, list[Entry]] = defaultdict(list)
        for line in lines:
            of_vial[line.vial].append(line)
        rows = [row for vial in vials for row in _rows(one, vial, of_vial.get(vial.vial, ()))]
        header = (*one.header(COLUMNS, ""), ("Patients", str(len({line.patient for line in lines if line.kind == GIVEN}))))
    totals = cells.totals(COLUMNS, rows, ("drawn", "given", "wasted", "returned"))
    return Report("cs-lot-recall", f"Recall of lot {plain(asked.lot)}", header, COLUMNS, rows, one.zone, totals)


def _rows(one: Inquiry, vial: Vial, lines: Sequence[Entry]) -> Iterator[Row]:
    head = (
        *cells.product(vial),
        *cells.batch(vial),
        *cells.serial(vial),
        vial.remaining_ug,
        one.name(f"Location/{vial.safe}"),
    )
    draws: dict[str, list[Entry]] = defaultdict(list)
    for line in lines:
        draws[line.draw or line.reference].append(line)
    for of in draws.values():
        yield (*head, *_draw(one, of))
    if not draws:
        yield (*head, *(None for _ in COLUMNS[len(head) :]))


def _draw(one: Inquiry, lines: Sequence[Entry]) -> Row:
    amounts: Counter[str] = Counter()
    for line in lines:
        amounts[line.kind] += line.amount_ug
    drawn, given = (next((line for line in lines if line.kind == kind), None) for kind in (DRAWN, GIVEN))
    patient = next((line.patient for line in lines if line.patient), "")
    tree = one.sheets.get(patient) or {}
    return (
        drawn.occurred if drawn else None,
        amounts[DRAWN],
        given.occurred if given else None,
        amounts[GIVEN],
        amounts[WASTED],
        amounts[RETURNED],
        one.name(patient),
        tree.get("birthDate"),
        wording.typed(tree, "MR"),
        address(tree),
        wording.contact(tree),
        one.name(given.performer if given else None),
        next((line.encounter for line in lines if line.encounter), ""),
        f"MedicationDispense/{lines[0].draw}" if lines[0].draw else "",
        patient,
    )
