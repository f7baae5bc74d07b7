"""What a patient was given, and all that was drawn, wasted and returned for it; or, where no patient is named, each patient with the sums.

21 CFR 1304.22(c) asks for the name and address of the person to whom an amount was dispensed, the date, and who gave it.
"""

from service.ledger.entry import DRAWN, GIVEN, RETURNED, WASTED, Entry
from service.records.context import Context
from service.records.register import cells, inquiry, wording
from service.records.register.heading import address
from service.records.register.inquiry import Inquiry
from service.records.register.question import Question, few
from service.records.register.report import DATE, INSTANT, LAW, NUMBER, POLICY, REFERENCE, UG, UL, Column, Report, Row
from service.storage import register_reports
from service.storage.ledger import Vial

_KINDS = (DRAWN, GIVEN, WASTED, RETURNED)
_PERSON = (
    Column("patient", "Patient", basis=LAW, width=10),
    Column("address", "Address", basis=LAW, width=14),
    Column("birth-date", "Born", DATE, POLICY, width=7),
    Column("record-number", "Record number", basis=POLICY, width=8),
)
COLUMNS = (
    Column("occurred", "When", INSTANT, LAW, width=10),
    Column("kind", "What", basis=LAW, width=6),
    *_PERSON,
    *cells.PRODUCT,
    Column("amount", "Amount mg", UG, LAW, width=6),
    Column("volume", "Of the vial mL", UL, LAW, width=6),
    Column("performer", "By", basis=LAW, width=10),
    Column("witness", "Witness", basis=POLICY, width=10),
    *cells.BATCH,
    *cells.SERIAL,
    Column("draw", "Draw", REFERENCE, POLICY, width=10),
    Column("visit", "Visit", REFERENCE, POLICY, width=10),
    Column("flags", "Flags", basis=POLICY, width=8),
    Column("record", "Record", REFERENCE, width=10),
)
SUMS = (
    *_PERSON,
    Column("substance", "Substance", basis=LAW, width=9),
    Column("visits", "Visits", NUMBER, POLICY, width=5),
    Column("administrations", "Administrations", NUMBER, LAW, width=7),
    Column("drawn", "Drawn mg", UG, POLICY, width=7),
    Column("given", "Given mg", UG, LAW, width=7),
    Column("wasted", "Wasted mg", UG, POLICY, width=7),
    Column("returned", "Returned mg", UG, POLICY, width=7),
    Column("first", "First", INSTANT, LAW, width=10),
    Column("last", "Last", INSTANT, LAW, width=10),
    Column("reference", "Reference", REFERENCE, width=10),
)


def report(ctx: Context, asked: Question) -> Report:
    """Of one patient every line, of all of them the sums. Raises Forbidden, and BadRequest for what is too much."""
    with inquiry.opened(ctx, asked) as one:
        columns = COLUMNS if asked.patient else SUMS
        rows = _lines(one) if asked.patient else _sums(one)
        header = one.header(columns, "21 CFR 1304.22(c)")
    return Report("cs-patient", "Controlled substances by patient", header, columns, rows, one.zone)


def _lines(one: Inquiry) -> list[Row]:
    found = one.standing(_KINDS)
    one.sheets.load(named for line in found.lines for named in (line.patient, line.performer, line.witness))
    return [_row(one, found.vial(line), line) for line in found.lines]


def _row(one: Inquiry, vial: Vial, line: Entry) -> Row:
    return (
        line.occurred,
        line.kind,
        *_person(one, line.patient),
        *cells.product(vial),
        line.amount_ug,
        line.volume_ul,
        one.name(line.performer),
        one.name(line.witness),
        *cells.batch(vial),
        *cells.serial(vial),
        f"MedicationDispense/{line.draw}" if line.draw else "",
        line.encounter,
        line.flags,
        line.reference,
    )


def _sums(one: Inquiry) -> list[Row]:
    found = list(few(register_reports.by_patient(one.tx, one.about(), _KINDS, GIVEN)))
    one.sheets.load(row.patient for row in found)
    rows = [
        (
            *_person(one, row.patient),
            row.name,
            row.visits,
            row.records,
            *(int(getattr(row, kind)) for kind in _KINDS),
            row.first,
            row.last,
            row.patient,
        )
        for row in found
    ]
    return sorted(rows, key=lambda row: (str(row[0]), str(row[-1]), str(row[4])))


def _person(one: Inquiry, patient: str) -> Row:
    tree = one.sheets.get(patient) or {}
    return one.name(patient), address(tree), tree.get("birthDate"), wording.typed(tree, "MR")
