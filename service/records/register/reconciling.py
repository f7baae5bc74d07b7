"""What does not add up: draws that are open for too long, counts that differ from the book, what nobody witnessed or signed for as the
witness, what was let go within the tolerance, vials without a receipt, broken chains, and the discrepancies that are open, with their Tasks
and the day by which to act.

Draws and chains are told as of the end of the period, the rest of what happened in it. For how long a draw may stay open, and how far an
estimated count may be off, is the clinic's policy. Discrepancies that nobody has explained are told whenever they were found.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from service.fhir import temporal
from service.ledger import reading
from service.ledger.book import Book, chained
from service.ledger.entry import COUNTED, DRAWN, OPENED, SYRINGE, UNACCOUNTED, Account, Entry
from service.ledger.policy import OFF
from service.ledger.posting import WITNESSED
from service.ledger.vial import Facts
from service.records.context import Context
from service.records.register import cells, inquiry, signatures
from service.records.register.discrepancies import NONE, Discrepancy, discrepancies
from service.records.register.inquiry import Inquiry
from service.records.register.question import Question, few
from service.records.register.report import DATE, INSTANT, NUMBER, POLICY, REFERENCE, UG, Column, Report, Row
from service.storage import ledger, register_reports
from service.storage.ledger import Vial

_UNACCOUNTED, _UNRECEIVED = "unaccounted within the tolerance", "vial without a receipt"
_MINUTE = 60_000_000
_HOUR = 60 * _MINUTE
_ESTIMATE = "count-estimate"
COLUMNS = (
    Column("finding", "Finding", basis=POLICY, width=12),
    Column("since", "Since", INSTANT, POLICY, width=10),
    Column("hours", "Open hours", NUMBER, POLICY, width=5),
    Column("substance", "Substance", basis=POLICY, width=8),
    Column("lot", "Lot", basis=POLICY, width=7),
    *cells.SERIAL,
    Column("expected", "Expected mg", UG, POLICY, width=6),
    Column("found", "Found mg", UG, POLICY, width=6),
    Column("difference", "Difference mg", UG, POLICY, width=6),
    Column("performer", "By", basis=POLICY, width=10),
    Column("witness", "Witness", basis=POLICY, width=10),
    Column("visit", "Visit", REFERENCE, POLICY, width=10),
    Column("record", "Record", REFERENCE, POLICY, width=12),
    Column("discrepancy", "Discrepancy", REFERENCE, POLICY, width=12),
    Column("task", "Task", REFERENCE, POLICY, width=10),
    Column("due", "Due", DATE, POLICY, width=8),
    Column("detail", "Detail", basis=POLICY, width=16),
)


@dataclass(frozen=True, slots=True)
class _Finding:
    """One thing that does not add up, about a line of the ledger; what was expected and found, in micrograms, where it is an amount."""

    says: str
    vial: Vial
    line: Entry
    expected: int | None = None
    found: int | None = None
    hours: int | None = None
    detail: str = ""

    @property
    def about(self) -> str:
        """`Type/id` of what a discrepancy about it names first."""
        return f"Medication/{self.vial.vial}" if self.line.kind == OPENED else self.line.reference


def report(ctx: Context, asked: Question, with_agreeing: bool = False) -> Report:
    """What does not add up; `with_agreeing`: also the counts that do. Raises Forbidden, and BadRequest for what is too much."""
    with inquiry.opened(ctx, asked) as one:
        issues = discrepancies(one)
        findings = [*_draws(one), *_flagged(one), *_counts(one, with_agreeing)]
        one.sheets.load(named for each in findings for named in (each.line.performer, each.line.witness, each.line.patient))
        rows = [_row(one, each, issues.get(each.about, NONE)) for each in findings]
        told = {each.about for each in findings}
        rows += [_open(one, each) for reference, each in issues.items() if reference not in told]
        header = one.header(COLUMNS, "")
    rows = list(few(rows))
    return Report("cs-reconcile", "Reconciliation of controlled substances", header, COLUMNS, rows, one.zone, nothing=_NOTHING)


_NOTHING = "Nothing to reconcile: every draw is accounted for, every count agrees, everything was witnessed."


def _draws(one: Inquiry) -> Iterator[_Finding]:
    """What is still in syringes, and should not be: for too long, or of a visit that has ended."""
    until = min(one.asked.before - 1, one.ctx.service.clock())
    held = [each for each in register_reports.on_hand(one.tx, until) if Account.read(each.account).kind == SYRINGE or each.amount_ug < 0]
    drawn = one.standing((DRAWN,), {each.vial for each in held}, whenever=True)
    lines = {line.draw: line for line in drawn.lines}
    one.sheets.load(line.encounter for line in lines.values())
    for each in held:
        line = lines.get(Account.read(each.account).owner)
        if line is None:
            continue
        hours = (until - line.occurred) // _HOUR
        is_over = (one.sheets.get(line.encounter) or {}).get("status") == "finished"
        if is_over or each.amount_ug < 0 or hours >= one.policy(drawn.vial(line), line.occurred).draw_open_hours:
            says = "visit finished with an open draw" if is_over else "open draw"
            yield _Finding(says, drawn.vial(line), line, 0, each.amount_ug, hours)


def _flagged(one: Inquiry) -> Iterator[_Finding]:
    """What says by itself that something is missing: a witness, a receipt, a rest of a draw."""
    unseen = replace(one, asked=replace(one.asked, witness="")).standing(WITNESSED)
    found = one.standing((UNACCOUNTED, OPENED))
    told = [
        *(_Finding("witness missing", unseen.vial(line), line, detail=line.kind) for line in unseen.lines),
        *_unsigned(one),
        *(_Finding(_UNACCOUNTED, found.vial(line), line, line.amount_ug, 0) for line in found.lines if line.kind == UNACCOUNTED),
        *(_Finding(_UNRECEIVED, found.vial(line), line, found=line.amount_ug) for line in found.lines if line.kind == OPENED),
    ]
    yield from sorted(told, key=lambda each: (each.line.occurred, each.line.vial, each.line.number))


def _unsigned(one: Inquiry) -> Iterator[_Finding]:
    """What names a witness who has not signed for it, and should have by now (CS-11)."""
    found = one.standing(WITNESSED)
    named = [line for line in found.lines if line.witness]
    signed = signatures.signed(one.ctx, one.tx, {line.reference for line in named})
    for line in named:
        policy = one.policy(found.vial(line), line.occurred)
        is_due = one.ctx.service.clock() > line.occurred + policy.witness_minutes * _MINUTE
        if is_due and (line.reference, line.witness) not in signed and policy.action("cs-11") != OFF:
            yield _Finding("witness has not signed", found.vial(line), line, detail=line.kind)


def _counts(one: Inquiry, with_agreeing: bool) -> Iterator[_Finding]:
    """Each count of the period beside the book of its time; and vials whose lines are no chain any more."""
    found = one.standing((COUNTED,))
    books = {vial: Book(vial, _facts(found.vials[vial]), lines) for vial, lines in _lines(one, found.vials).items()}
    misses = {vial: book.misses() for vial, book in books.items()}
    one.sheets.load(line.reference for line in found.lines)
    for line in found.lines:
        missing = misses[line.vial].get(line.reference, 0)
        is_right = _is_right(one, found.vial(line), line, missing)
        if not is_right or with_agreeing:
            says = "count agrees" if is_right else "count differs"
            yield _Finding(says, found.vial(line), line, line.amount_ug - missing, line.amount_ug)
    for id, book in books.items():
        if not chained(book.entries):
            yield _Finding("broken chain", found.vials[id], book.entries[-1], detail="the lines of the vial were changed")


def _lines(one: Inquiry, vials: Mapping[str, Vial]) -> dict[str, list[Entry]]:
    return {vial: [Entry(*tuple(row)) for row in rows] for vial, rows in ledger.of_vials(one.tx, vials).items()}


def _facts(vial: Vial) -> Facts:
    return Facts(
        vial.substance,
        vial.name,
        vial.form,
        vial.schedule,
        vial.strength_ug_per_ml,
        vial.content_ug,
        vial.ndc,
        vial.lot,
        vial.expires,
        vial.serial,
    )


def _is_right(one: Inquiry, vial: Vial, line: Entry, missing: int) -> bool:
    """An exact count agrees to the microgram, an estimate within the policy's part of the content."""
    tree = one.sheets.get(line.reference) or {}
    methods = {code for part in tree.get("component", ()) for _, code in reading.codings(part.get("valueCodeableConcept"))}
    if _ESTIMATE not in methods:
        return missing == 0
    return abs(missing) * 1000 <= vial.content_ug * one.policy(vial, line.occurred).count_estimate_permille


def _row(one: Inquiry, each: _Finding, issue: Discrepancy) -> Row:
    line, vial = each.line, each.vial
    return (
        each.says,
        line.occurred,
        each.hours,
        vial.name,
        vial.lot,
        *cells.serial(vial),
        each.expected,
        each.found,
        None if each.expected is None or each.found is None else each.found - each.expected,
        one.name(line.performer),
        one.name(line.witness),
        line.encounter,
        line.reference,
        issue.issue,
        issue.task,
        issue.due,
        each.detail or issue.detail,
    )


def _open(one: Inquiry, each: Discrepancy) -> Row:
    """A discrepancy that no line of the period tells of."""
    vial = ledger.vials(one.tx, (each.vial,)).get(each.vial)
    found = temporal.interval(each.found, one.zone).lo if each.found else None
    product = (vial.name, vial.lot, *cells.serial(vial)) if vial else ("", "", each.vial)
    return ("open discrepancy", found, None, *product, *(None for _ in range(7)), each.issue, each.task, each.due, each.detail)
