"""The perpetual ledger line by line: vial by vial, in the order of events, with the balance after each line.

What happened before the period stands in the balances; each vial ends with the sums of its lines and with what it holds at the end.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from service.ledger.entry import ADJUSTED, Entry
from service.records.context import Context
from service.records.register import inquiry, rows
from service.records.register.movements import SOURCE, TITLE, narrowed
from service.records.register.question import Question, few
from service.records.register.report import Report, Row
from service.records.register.rows import Line
from service.storage import ledger
from service.storage.ledger import Vial


def report(ctx: Context, asked: Question, strength_ug_per_ml: int | None = None) -> Report:
    """The lines. Raises Forbidden, and BadRequest for what is too much."""
    with inquiry.opened(ctx, asked) as one:
        found = [Entry(*tuple(row)) for row in few(ledger.lines(one.tx, narrowed(one, strength_ug_per_ml)))]
        books: dict[str, list[Entry]] = {}
        for line in found:
            books.setdefault(line.vial, []).append(line)
        vials = ledger.vials(one.tx, books)
        ordered = sorted(vials.values(), key=lambda vial: (vial.name, vial.strength_ug_per_ml, vial.lot, vial.serial, vial.vial))
        told = [(vial, _told(vial, books[vial.vial], asked.since, one.sites)) for vial in ordered]
        one.sheets.load(name for _, lines in told for line in lines for name in rows.named_in(line.entry))
        header = one.header(rows.COLUMNS, SOURCE)
        made = [rows.row(line, one.sheets) for _, lines in told for line in lines]
    totals = [_total(vial, lines) for vial, lines in told if lines]
    return Report("cs-ledger", TITLE, header, rows.COLUMNS, made, one.zone, totals)


def _told(vial: Vial, lines: Iterable[Entry], since: int, sites: frozenset[str] | None) -> list[Line]:
    """The lines of the period at the sites, each with the balance after it."""
    balance, found = 0, []
    for one in lines:
        balance += rows.change(one)
        if one.occurred >= since and (sites is None or one.site in sites):
            found.append(Line(one, vial, tuple(one.flags.split()), balance))
    return found


def _total(vial: Vial, lines: Sequence[Line]) -> Row:
    sums: Counter[tuple[str, bool]] = Counter()
    for line in lines:
        amount = rows.change(line.entry) if line.entry.kind == ADJUSTED else line.entry.amount_ug
        sums[line.entry.kind, bool(line.entry.reverses)] += amount
    return rows.total(f"Total vial {vial.serial or vial.vial}", sums, lines[-1].balance_ug)
