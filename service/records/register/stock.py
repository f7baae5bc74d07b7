"""What is in the safes: every vial that holds something, and what is the matter with it: expired, expiring, open too long, quarantined."""

from service.ledger.entry import DRAWN, VIAL, Account
from service.records.context import Context
from service.records.register import expiries, inquiry
from service.records.register.question import Question
from service.records.register.report import Report, Row
from service.storage import ledger, register_reports

DAYS = 30
"""How many days before its date a vial is expiring."""
_QUARANTINED = "quarantined"
_NOTHING = "No vial holds anything. That is an answer: the service looked and found none."


def report(ctx: Context, asked: Question) -> Report:
    """The vials on hand; those with which something is the matter come first. Raises Forbidden, BadRequest for a site without books."""
    with inquiry.opened(ctx, asked) as one:
        held: dict[str, int] = {}
        for each in register_reports.on_hand(one.tx, one.now):
            if Account.read(each.account).kind == VIAL:
                held[each.vial] = held.get(each.vial, 0) + each.amount_ug
        known = ledger.known(one.tx, one.sites, asked.lot, asked.substance)
        vials = [vial for vial in known if held.get(vial.vial, 0) > 0 and asked.vial in (None, vial.vial)]
        one.sheets.load(named for vial in vials for named in (f"Medication/{vial.vial}", f"Location/{vial.safe}", f"Location/{vial.site}"))
        drawn = register_reports.opened(one.tx, [vial.vial for vial in vials], DRAWN)
        rows = [_row(expiries.described(one, vial, (held[vial.vial], drawn.get(vial.vial)), DAYS)) for vial in vials]
        header = (*one.header(expiries.COLUMNS, "21 CFR 1304.11"), ("Vials", str(len(rows))))
    rows.sort(key=lambda row: not row[0])
    return Report("register-vials", "Vials on hand", header, expiries.COLUMNS, rows, one.zone, nothing=_NOTHING)


def _row(row: Row) -> Row:
    """With the state of a vial whose Medication is not active: its lot is recalled, or it is kept apart (CS-23)."""
    if row[_STATUS] != "inactive":
        return row
    return (f"{_QUARANTINED}; {row[0]}" if row[0] else _QUARANTINED, *row[1:])


_STATUS = next(place for place, column in enumerate(expiries.COLUMNS) if column.name == "status")
