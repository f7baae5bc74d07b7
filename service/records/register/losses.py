"""The worksheet for a report of theft or loss: what DEA Form 106 asks for, and by when it is due.

A theft or a significant loss is told to the DEA's field office in writing within one business day of its discovery, and the form is sent
within 45 calendar days (21 CFR 1301.76(b)). Whether a loss is significant, the registrant judges. Breakage and spillage are no loss when
somebody saw them; they stand here because they are documented with it.
"""

from datetime import date, timedelta

from service.clock import to_datetime
from service.ledger import business_days
from service.ledger.entry import BROKEN, LOST, Entry
from service.records.context import Context
from service.records.register import cells, inquiry
from service.records.register.inquiry import Inquiry
from service.records.register.question import Question
from service.records.register.report import DATE, INSTANT, LAW, POLICY, REFERENCE, UG, UL, Column, Report, Row
from service.storage.ledger import Vial

FORM_DAYS = 45
_TYPES = {LOST: "theft or loss", BROKEN: "breakage or spillage"}
COLUMNS = (
    Column("discovered", "Discovered", INSTANT, LAW, width=10),
    Column("type", "Type of loss", basis=LAW, width=9),
    *cells.PRODUCT,
    Column("schedule", "Schedule", basis=LAW, width=5),
    Column("ndc", "NDC", basis=LAW, width=8),
    Column("amount", "Quantity mg", UG, LAW, width=6),
    Column("volume", "Quantity mL", UL, LAW, width=6),
    *cells.CONTAINER,
    Column("notify-by", "Notify DEA in writing by", DATE, LAW, width=8),
    Column("form-by", "DEA-106 by", DATE, LAW, width=8),
    Column("lot", "Lot", basis=POLICY, width=7),
    *cells.SERIAL,
    Column("reported-by", "Reported by", basis=POLICY, width=10),
    Column("witness", "Witness", basis=POLICY, width=10),
    Column("note", "What happened", basis=POLICY, width=18),
    Column("flags", "Flags", basis=POLICY, width=8),
    Column("recorded", "Recorded", INSTANT, POLICY, width=10),
    Column("record", "Record", REFERENCE, width=10),
)


def report(ctx: Context, asked: Question) -> Report:
    """What was lost or broken in a period. Raises Forbidden, and BadRequest for what is too much."""
    with inquiry.opened(ctx, asked) as one:
        found = one.standing((LOST, BROKEN))
        one.sheets.load(named for line in found.lines for named in (line.reference, line.performer, line.witness))
        rows = [_row(one, found.vial(line), line) for line in found.lines]
        header = one.header(COLUMNS, "21 CFR 1301.76(b)")
    totals = cells.totals(COLUMNS, rows, ("amount", "volume"))
    return Report("cs-loss-report", "Theft and loss of controlled substances", header, COLUMNS, rows, one.zone, totals)


def _row(one: Inquiry, vial: Vial, line: Entry) -> Row:
    notes = (one.sheets.get(line.reference) or {}).get("note", ())
    is_loss = line.kind == LOST
    return (
        line.occurred,
        _TYPES[line.kind] + ("" if is_loss or line.witness else ", not witnessed"),
        *cells.product(vial),
        vial.schedule,
        vial.ndc,
        line.amount_ug,
        line.volume_ul,
        *cells.container(vial),
        *(_due(one, line.occurred) if is_loss or not line.witness else (None, None)),
        vial.lot,
        *cells.serial(vial),
        one.name(line.performer),
        one.name(line.witness),
        "; ".join(note.get("text", "") for note in notes),
        line.flags,
        line.recorded,
        line.reference,
    )


def _due(one: Inquiry, discovered: int) -> tuple[str, str]:
    """The days by which the DEA is told, and by which the form is sent, in the clinic's zone."""
    holidays = business_days.calendar(one.ctx.service.settings.holidays)
    notice, day = (_date(one, instant) for instant in (business_days.due(discovered, one.zone, holidays), discovered))
    return notice.isoformat(), (day + timedelta(days=FORM_DAYS)).isoformat()


def _date(one: Inquiry, instant: int) -> date:
    return to_datetime(instant).astimezone(one.zone).date()
