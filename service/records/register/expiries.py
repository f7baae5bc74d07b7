"""Which vials with something in them are past their time, or soon will be: expired, expiring, open for too long.

When a vial was opened is what its Medication says (`opened-at`), else when something was first drawn from it. For how long one may stay
open is the clinic's policy, for the substance and the site.
"""

from service.fhir import temporal
from service.ledger import reading
from service.ledger.entry import DRAWN, SYRINGE, Account
from service.records.context import Context
from service.records.register import cells, inquiry
from service.records.register.inquiry import Inquiry
from service.records.register.question import Question
from service.records.register.report import INSTANT, NUMBER, POLICY, REFERENCE, UG, Column, Report, Row
from service.storage import ledger, register_reports
from service.storage.ledger import Vial

DAYS = 90
"""How far ahead is looked, unless the question says otherwise."""
_OPENED_AT = "https://clinic.example/fhir/StructureDefinition/opened-at"
COLUMNS = (
    Column("state", "State", basis=POLICY, width=12),
    *cells.PRODUCT,
    *cells.BATCH,
    Column("days-left", "Days left", NUMBER, POLICY, width=5),
    Column("opened", "Opened", INSTANT, POLICY, width=10),
    Column("days-open", "Days open", NUMBER, POLICY, width=5),
    Column("may-be-open", "May be open days", NUMBER, POLICY, width=5),
    Column("remaining", "Remaining mg", UG, POLICY, width=7),
    *cells.SERIAL,
    Column("status", "Status", basis=POLICY, width=6),
    Column("safe", "Safe", basis=POLICY, width=10),
    Column("reference", "Reference", REFERENCE, width=10),
)


def report(ctx: Context, asked: Question, days: int = DAYS) -> Report:
    """What is past its time at `asked.as_of`, or will be within `days`. Raises Forbidden."""
    with inquiry.opened(ctx, asked) as one:
        held = {each.vial: each.amount_ug for each in register_reports.on_hand(one.tx, one.now) if _is_vial(each.account)}
        known = ledger.known(one.tx, one.sites, asked.lot, asked.substance)
        vials = [vial for vial in known if held.get(vial.vial, 0) > 0 and asked.vial in (None, vial.vial)]
        one.sheets.load(named for vial in vials for named in (f"Medication/{vial.vial}", f"Location/{vial.safe}"))
        drawn = register_reports.opened(one.tx, [vial.vial for vial in vials], DRAWN)
        rows = [row for vial in vials if (row := _row(one, vial, (held[vial.vial], drawn.get(vial.vial)), days))]
        header = one.header(COLUMNS, "")
    rows.sort(key=lambda row: (str(row[0]), str(row[6])))
    return Report("cs-expiring", "Vials past their time", header, COLUMNS, rows, one.zone)


def _is_vial(account: str) -> bool:
    return Account.read(account).kind != SYRINGE


def _row(one: Inquiry, vial: Vial, known: tuple[int, int | None], days: int) -> Row | None:
    """A vial that is past its time, or soon will be; None for any other."""
    row = described(one, vial, known, days)
    return row if row[0] else None


def described(one: Inquiry, vial: Vial, known: tuple[int, int | None], days: int) -> Row:
    """Any vial, with an empty state where its time is not over. `known`: what is in it, and when it was first drawn from."""
    remaining, drawn = known
    tree = one.sheets.get(f"Medication/{vial.vial}") or {}
    opened = _instant(one, (reading.extension(tree, _OPENED_AT) or {}).get("valueDateTime"), drawn)
    left = (temporal.interval(vial.expires, one.zone).hi - one.now) // temporal.DAY if vial.expires else None
    open_for = (one.now - opened) // temporal.DAY if opened is not None and opened <= one.now else None
    limit = one.policy(vial, one.now).open_vial_days
    return (
        _states(left, days, open_for is not None and open_for >= limit),
        *cells.product(vial),
        *cells.batch(vial),
        left,
        opened if open_for is not None else None,
        open_for,
        limit,
        remaining,
        *cells.serial(vial),
        tree.get("status", ""),
        one.name(f"Location/{vial.safe}"),
        f"Medication/{vial.vial}",
    )


def _states(left: int | None, days: int, is_open_too_long: bool) -> str:
    date = "" if left is None else "expired" if left < 0 else "expiring" if left < days else ""
    return "; ".join(state for state in (date, "open too long" if is_open_too_long else "") if state)


def _instant(one: Inquiry, text: object, otherwise: int | None) -> int | None:
    return temporal.interval(text, one.zone).lo if isinstance(text, str) else otherwise
