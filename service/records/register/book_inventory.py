"""What the books say was on hand at an instant: by site and product, how many containers, full, opened and in syringes.

The law asks for what was counted, and this is what was written down: an inventory is taken by looking (21 CFR 1304.11). Containers
of one site, substance, finished form, strength and size stand in one row; what was drawn and is neither given, wasted nor returned is still
on hand, in a syringe.
"""

from collections import defaultdict
from collections.abc import Iterable

from service.ledger.amount import milligrams
from service.ledger.entry import SYRINGE, Account
from service.records.context import Context
from service.records.register import cells, inquiry, wording
from service.records.register.inquiry import Inquiry
from service.records.register.places import sites_of
from service.records.register.question import Question
from service.records.register.report import LAW, NUMBER, UG, UL, Column, Report, Row
from service.storage import ledger, register_reports
from service.storage.ledger import Vial
from service.storage.register_reports import Balance

COLUMNS = (
    Column("site", "Site", basis=LAW, width=14),
    *cells.PRODUCT,
    Column("schedule", "Schedule", basis=LAW, width=5),
    *cells.CONTAINER,
    Column("containers", "Containers", NUMBER, LAW, width=6),
    Column("full", "Of these full", NUMBER, LAW, width=6),
    Column("partial", "Of these opened", NUMBER, LAW, width=6),
    Column("partial-amounts", "In the opened mg", basis=LAW, width=14),
    Column("syringes", "Syringes", NUMBER, LAW, width=6),
    Column("in-syringes", "In syringes mg", UG, LAW, width=7),
    Column("amount", "On hand mg", UG, LAW, width=7),
    Column("volume", "On hand mL of vial solution", UL, LAW, width=8),
    Column("lots", "Lots", width=12),
)
_SHOWN = 40
"""Amounts and lots that one cell lists."""

Group = tuple[str, str, str, str, int, int]


def report(ctx: Context, asked: Question) -> Report:
    """What was on hand at `asked.as_of`. Raises Forbidden."""
    with inquiry.opened(ctx, asked) as one:
        held = register_reports.on_hand(one.tx, one.now, None if asked.vial is None else (asked.vial,))
        vials = {id: vial for id, vial in ledger.vials(one.tx, {each.vial for each in held}).items() if _is_asked(asked, vial)}
        groups = _grouped(one, [each for each in held if each.vial in vials], vials)
        rows = [_row(one, key, balances, vials) for key, balances in sorted(groups.items())]
        header = one.header(COLUMNS, "21 CFR 1304.11")
    totals = cells.totals(COLUMNS, rows, ("containers", "full", "partial", "syringes", "in-syringes", "amount", "volume"))
    return Report("cs-inventory", "Book inventory of controlled substances", header, COLUMNS, rows, one.zone, totals)


def _is_asked(asked: Question, vial: Vial) -> bool:
    return asked.substance in (None, vial.substance) and asked.lot in (None, vial.lot)


def _grouped(one: Inquiry, held: Iterable[Balance], vials: dict[str, Vial]) -> dict[Group, list[Balance]]:
    held = list(held)
    site_of = sites_of(one.sheets, {Account.read(each.account).place for each in held} | {vial.safe for vial in vials.values()})
    groups: dict[Group, list[Balance]] = defaultdict(list)
    for each in held:
        vial = vials[each.vial]
        site = site_of[Account.read(each.account).place or vial.safe]
        if one.sites is None or site in one.sites:
            groups[site, vial.name, vial.form, vial.schedule, vial.strength_ug_per_ml, vial.content_ug].append(each)
    return groups


def _row(one: Inquiry, key: Group, held: list[Balance], vials: dict[str, Vial]) -> Row:
    site, name, form, schedule, strength, content = key
    syringes = [each.amount_ug for each in held if Account.read(each.account).kind == SYRINGE]
    in_vials = [each.amount_ug for each in held if Account.read(each.account).kind != SYRINGE]
    partial = sorted((amount for amount in in_vials if amount != content), reverse=True)
    whole = sum(each.amount_ug for each in held)
    lots = sorted({vials[each.vial].lot for each in held} - {""})
    return (
        one.name(f"Location/{site}"),
        name,
        form,
        wording.strength(strength),
        schedule,
        wording.volume(content, strength),
        len(in_vials),
        len(in_vials) - len(partial),
        len(partial),
        _listed([str(milligrams(amount)) for amount in partial]),
        len(syringes),
        sum(syringes),
        whole,
        wording.volume(whole, strength),
        _listed(lots),
    )


def _listed(texts: list[str]) -> str:
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return "; ".join(texts[:_SHOWN]) + more
