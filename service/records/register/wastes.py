"""What was wasted, of which draw and of whose visit, who did it, who saw it, and when both signed.

Waste of what was drawn for a patient stays with the registrant and is recorded (21 CFR 1304.22(c)); it takes no DEA-41. That a second
person sees it is the clinic's policy. A waste that nobody witnessed is flagged `unwitnessed`.
"""

from service.ledger import reading
from service.ledger.entry import WASTED, Entry
from service.records.context import Context
from service.records.register import cells, inquiry, signatures, wording
from service.records.register.inquiry import Inquiry
from service.records.register.question import Question
from service.records.register.report import INSTANT, LAW, POLICY, REFERENCE, UG, UL, Column, Report, Row
from service.records.register.signatures import Signed
from service.storage.ledger import Vial

_REASON, _METHOD = "cs-waste-reason", "cs-waste-method"
COLUMNS = (
    Column("wasted-at", "Wasted at", INSTANT, LAW, width=10),
    *cells.PRODUCT,
    Column("amount", "Wasted mg", UG, LAW, width=6),
    Column("volume", "Of the vial mL", UL, POLICY, width=6),
    Column("reason", "Reason", basis=POLICY, width=12),
    Column("method", "Method", basis=LAW, width=12),
    Column("performer", "Wasted by", basis=LAW, width=10),
    Column("signed", "Signed", INSTANT, POLICY, width=10),
    Column("witness", "Witness", basis=POLICY, width=10),
    Column("witness-signed", "Witness signed", INSTANT, POLICY, width=10),
    Column("flags", "Flags", basis=POLICY, width=8),
    *cells.BATCH,
    *cells.SERIAL,
    Column("draw", "Draw", REFERENCE, POLICY, width=10),
    Column("patient", "Patient", basis=POLICY, width=10),
    Column("visit", "Visit", REFERENCE, POLICY, width=10),
    Column("recorded", "Recorded", INSTANT, POLICY, width=10),
    Column("record", "Record", REFERENCE, width=10),
)


def report(ctx: Context, asked: Question) -> Report:
    """What was wasted in a period. Raises Forbidden, and BadRequest for what is too much."""
    with inquiry.opened(ctx, asked) as one:
        found = one.standing((WASTED,))
        one.sheets.load(named for line in found.lines for named in (line.reference, line.performer, line.witness, line.patient))
        signed = signatures.signed(ctx, one.tx, {line.reference for line in found.lines})
        rows = [_row(one, signed, found.vial(line), line) for line in found.lines]
        header = one.header(COLUMNS, "21 CFR 1304.22(c)")
    totals = cells.totals(COLUMNS, rows, ("amount", "volume"))
    return Report("cs-waste", "Controlled substances wasted", header, COLUMNS, rows, one.zone, totals)


def _row(one: Inquiry, signed: Signed, vial: Vial, line: Entry) -> Row:
    tree = one.sheets.get(line.reference) or {}
    told = {reading.local_code(each.get("code")): wording.concept(each.get("valueCodeableConcept")) for each in tree.get("component", ())}
    return (
        line.occurred,
        *cells.product(vial),
        line.amount_ug,
        line.volume_ul,
        told.get(_REASON, ""),
        told.get(_METHOD, ""),
        one.name(line.performer),
        signed.get((line.reference, line.performer)),
        one.name(line.witness),
        signed.get((line.reference, line.witness)),
        line.flags,
        *cells.batch(vial),
        *cells.serial(vial),
        f"MedicationDispense/{line.draw}" if line.draw else "",
        one.name(line.patient),
        line.encounter,
        line.recorded,
        line.reference,
    )
