"""That the state's register of prescriptions was looked at: by patient and prescriber, the last check before each treatment of a period.

The pre-infusion checklist asks whether CURES was reviewed within six months (item `cures`). California asks prescribers of Schedule II to
IV to consult it before the first time and at least every six months after (HSC 11165.4); what is administered in a clinic is likely exempt,
which is for its counsel to say. No other answer of a checklist is shown.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from service.fhir import temporal
from service.fhir.document import stored
from service.ledger import reading
from service.ledger.entry import GIVEN, Entry
from service.records.context import Context
from service.records.register import inquiry
from service.records.register.inquiry import Inquiry
from service.records.register.question import Question, few
from service.records.register.report import INSTANT, NUMBER, POLICY, REFERENCE, Column, Report, Row
from service.records.register.sheets import Tree
from service.storage import register_reports

VALID_DAYS = 183
"""Six months."""
_LIST = "https://clinic.example/fhir/Questionnaire/pre-infusion-checklist"
_ITEM = "cures"
_DONE = frozenset({"completed", "amended"})
COLUMNS = (
    Column("patient", "Patient", basis=POLICY, width=12),
    Column("prescriber", "Prescriber", basis=POLICY, width=12),
    Column("visits", "Visits", NUMBER, POLICY, width=5),
    Column("first-given", "First given", INSTANT, POLICY, width=10),
    Column("last-given", "Last given", INSTANT, POLICY, width=10),
    Column("last-check", "Last check", INSTANT, POLICY, width=10),
    Column("checked-by", "Checklist by", basis=POLICY, width=12),
    Column("days-before", "Days before last given", NUMBER, POLICY, width=6),
    Column("unchecked", "Visits without a check in six months", NUMBER, POLICY, width=8),
    Column("state", "State", basis=POLICY, width=10),
    Column("checklist", "Checklist", REFERENCE, POLICY, width=14),
    Column("reference", "Patient's record", REFERENCE, width=12),
)


@dataclass(frozen=True, slots=True)
class _Check:
    """A checklist that says the review was made: when, by whom, and the `Type/id` of it."""

    at: int
    author: str
    reference: str


def report(ctx: Context, asked: Question) -> Report:
    """One row for each patient who was given something in the period, and prescriber. Raises Forbidden, and BadRequest for too much."""
    with inquiry.opened(ctx, asked) as one:
        lines = [line for line in one.standing((GIVEN,)).lines if line.patient]
        one.sheets.load(named for line in lines for named in (line.patient, line.reference, line.encounter))
        orders = {line.reference: reading.target((one.sheets.get(line.reference) or {}).get("request")) for line in lines}
        one.sheets.load(orders.values())
        checks = _checks(one, {line.patient for line in lines})
        groups: dict[tuple[str, str], list[Entry]] = defaultdict(list)
        for line in lines:
            groups[line.patient, _prescriber(one, line, orders[line.reference])].append(line)
        one.sheets.load([who for _, who in groups] + [check.author for of in checks.values() for check in of])
        rows = sorted(
            (_row(one, *key, of, checks.get(key[0], ())) for key, of in groups.items()), key=lambda row: (str(row[0]), str(row[1]))
        )
        header = one.header(COLUMNS, "California HSC 11165.4")
    return Report("cs-pdmp-evidence", "Reviews of the prescription monitoring program", header, COLUMNS, rows, one.zone)


def _prescriber(one: Inquiry, line: Entry, order: str | None) -> str:
    """Who ordered it; where there is no order, who attended the visit."""
    requester = reading.target((one.sheets.get(order) or {}).get("requester"))
    if requester:
        return requester
    visit = one.sheets.get(line.encounter) or {}
    for each in visit.get("participant", ()):
        if any(code == "ATND" for concept in each.get("type", ()) for _, code in reading.codings(concept)):
            return reading.target(each.get("individual")) or ""
    return ""


def _checks(one: Inquiry, patients: set[str]) -> dict[str, list[_Check]]:
    """The checklists of the patients with a review, from six months before the period on; the earliest first."""
    found: dict[str, list[_Check]] = defaultdict(list)
    number = one.ctx.service.definitions.type_number("QuestionnaireResponse")
    since = one.asked.since - VALID_DAYS * temporal.DAY if one.asked.since > temporal.BEGINNING else one.asked.since
    for row in few(register_reports.dated(one.tx, number, since, one.asked.before)):
        tree = stored(row.body).tree
        patient, authored = reading.patient(tree), tree.get("authored")
        if patient in patients and authored and _is_review(tree):
            author = reading.target(tree.get("author")) or ""
            check = _Check(temporal.interval(authored, one.zone).lo, author, f"QuestionnaireResponse/{tree['id']}")
            found[str(patient)].append(check)
    return found


def _is_review(tree: Tree) -> bool:
    if tree.get("status") not in _DONE or str(tree.get("questionnaire", "")).partition("|")[0] != _LIST:
        return False
    return any(item.get("linkId") == _ITEM and _says_yes(item) for item in _items(tree))


def _items(tree: Tree) -> Iterator[Tree]:
    for item in tree.get("item", ()):
        yield item
        yield from _items(item)


def _says_yes(item: Tree) -> bool:
    return any(answer.get("valueBoolean") is True for answer in item.get("answer", ()))


def _row(one: Inquiry, patient: str, prescriber: str, lines: Sequence[Entry], checks: Sequence[_Check]) -> Row:
    visits: dict[str, int] = {}
    for line in lines:
        visits[line.encounter or line.reference] = line.occurred
    last = max(visits.values())
    newest = _before(checks, last)
    unchecked = sum(_before(checks, at, within=VALID_DAYS) is None for at in visits.values())
    return (
        one.name(patient),
        one.name(prescriber) or "not on record",
        len(visits),
        min(line.occurred for line in lines),
        last,
        newest.at if newest else None,
        one.name(newest.author) if newest else "",
        (last - newest.at) // temporal.DAY if newest else None,
        unchecked,
        "reviewed" if not unchecked else "review missing",
        newest.reference if newest else "",
        patient,
    )


def _before(checks: Sequence[_Check], at: int, within: int | None = None) -> _Check | None:
    """The last review at or before an instant; not longer before it than `within` days."""
    found = max((check for check in checks if check.at <= at), key=lambda check: check.at, default=None)
    return None if found and within is not None and at - found.at > within * temporal.DAY else found
