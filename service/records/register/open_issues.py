"""The discrepancies that nobody has explained, each with the work that it makes and by when that is due (CS-35, 21 CFR 1301.76(b))."""

from service.fhir import temporal
from service.records.context import Context
from service.records.register import discrepancies, inquiry
from service.records.register.discrepancies import Discrepancy
from service.records.register.inquiry import Inquiry
from service.records.register.question import Question
from service.records.register.report import DATE, LAW, POLICY, REFERENCE, TEXT, Column, Report, Row
from service.storage import ledger
from service.storage.ledger import Vial

COLUMNS = (
    Column("state", "State", TEXT, POLICY, 7),
    Column("found", "Found", DATE, LAW, 12),
    Column("due", "Due", DATE, LAW, 8),
    Column("detail", "What was found", TEXT, LAW, 30),
    Column("drug", "Drug", TEXT, LAW, 12),
    Column("lot", "Lot", TEXT, POLICY, 8),
    Column("vial", "Vial", TEXT, POLICY, 10),
    Column("issue", "Discrepancy", REFERENCE, POLICY, 14),
    Column("task", "Task", REFERENCE, POLICY, 14),
    Column("about", "About", REFERENCE, POLICY, 14),
)
_NOTHING = "No discrepancy is open. That is an answer: the service looked and found none."


def report(ctx: Context, asked: Question) -> Report:
    """The open discrepancies, what is due first. Raises Forbidden, BadRequest for a site without books."""
    with inquiry.opened(ctx, asked) as one:
        found = discrepancies.discrepancies(one)
        vials = ledger.vials(one.tx, {each.vial for each in found.values() if each.vial})
        rows = [_row(one, about, each, vials.get(each.vial)) for about, each in found.items()]
        header = (*one.header(COLUMNS, "21 CFR 1301.76(b)"), ("Discrepancies", str(len(rows))))
    rows.sort(key=lambda row: (str(row[2] or "9999"), str(row[1])))
    return Report("register-discrepancies", "Open discrepancies", header, COLUMNS, rows, one.zone, nothing=_NOTHING)


def _row(one: Inquiry, about: str, each: Discrepancy, vial: Vial | None) -> Row:
    is_overdue = bool(each.due) and temporal.interval(each.due, one.zone).hi < one.now
    return (
        "overdue" if is_overdue else "open",
        each.found or None,
        each.due or None,
        each.detail,
        vial.name if vial else None,
        vial.lot if vial else None,
        vial.serial or vial.vial if vial else None,
        each.issue or None,
        each.task or None,
        about,
    )
