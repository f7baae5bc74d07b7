"""What a commit opens because of what it says: a discrepancy where a count differs from the book, where a vial has no receipt, and the
work that these and late entries leave behind. All of it is part of the same commit.

A count is compared with the book at its own time, and again whenever the book of that time changes: then a discrepancy is opened late, or
the one that was opened is explained. Notice of a theft or a significant loss is due within one business day (21 CFR 1301.76(b)), and so is
finding out what a difference is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from service.errors import Issue
from service.fhir.document import Document, encode, stored
from service.ledger import business_days, reading
from service.ledger import entry as lines
from service.ledger.amount import milligrams
from service.ledger.book import Book
from service.ledger.entry import Entry
from service.ledger.scene import Tree, Written
from service.records.change import Create, Update
from service.records.register.scene import RecordScene

_SIDS = "https://clinic.example/fhir/sid/"
_DISCREPANCY = {"system": reading.CLINIC, "code": "cs-discrepancy"}
_SETTLED = ("cancelled", "entered-in-error")
_ESTIMATED = "count-estimate"


@dataclass(frozen=True, slots=True)
class Consequence:
    """One change that follows, and the place of the change that it follows from."""

    entry: int
    change: Create | Update


def opened(scene: RecordScene, concerned: Sequence[Written]) -> tuple[list[Consequence], list[Issue]]:
    """What follows from the commit, and what its sender is told of it."""
    found: list[Consequence] = []
    issues: list[Issue] = []
    for book in scene.books.values():
        if not book.fresh:
            continue
        told = [("cs-35", *each) for each in _counts(scene, book, concerned)]
        told += [("cs-02", *each) for each in _unreceived(scene, book, concerned)]
        for rule, one, consequence, text in told:
            found += [Consequence(one.entry, change) for change in consequence]
            issues.append(Issue("warning", "business-rule", rule, text, one.type, one.entry))
    late = list(_late(scene, concerned))
    if late:
        found.append(Consequence(late[0].entry, _late_task(scene, late)))
        text = "Entered late without a reason: a Task asks for it. Add the extension late-entry-reason, with a Provenance."
        issues += [Issue("warning", "business-rule", "cs-21", text, f"{one.type}.extension", one.entry) for one in late]
    return list(_apart(scene, found)), issues


def _apart(scene: RecordScene, found: Sequence[Consequence]) -> Iterator[Consequence]:
    """Each discrepancy and Task once, and none that the commit itself writes: its sender has the last word."""
    taken = set(scene.after)
    for one in found:
        named = f"{one.change.type}/{one.change.id}" if isinstance(one.change, Update) else None
        if named is None or named not in taken:
            yield one
        if named is not None:
            taken.add(named)


def _counts(scene: RecordScene, book: Book, concerned: Sequence[Written]) -> Iterator[tuple[Written, list[Create | Update], str]]:
    before, after = book.misses(fresh=False), book.misses()
    for reference, missing in after.items():
        was_right = reference not in before or _is_right(scene, book, reference, before[reference])
        is_right = _is_right(scene, book, reference, missing)
        one = next((each for each in concerned if each.reference == reference), _cause(book, concerned))
        if not is_right and (was_right or before[reference] != missing):
            says = _difference(scene, book, reference, missing)
            open_ones = _open(scene, reference)
            changes: list[Create | Update] = [_told(issue, says) for issue in open_ones] or _discrepancy(scene, book, (reference, says))
            yield one, changes, f"{says} A discrepancy is open (CS-35): find out why within one business day."
        elif is_right and not was_right:
            says = f"{reference}: the count agrees with the book since {one.reference} was recorded."
            yield one, [change for issue in _open(scene, reference) for change in _explained(scene, issue, says)], says


def _is_right(scene: RecordScene, book: Book, reference: str, missing: int) -> bool:
    """An exact count agrees to the microgram, an estimate within the policy's part of what the vial's label says."""
    tree = scene.get(reference) or {}
    methods = (reading.local_code(part.get("valueCodeableConcept")) for part in tree.get("component", ()))
    if _ESTIMATED not in methods:
        return missing == 0
    permille = scene.policy(book.vial, scene.now).count_estimate_permille
    return abs(missing) * 1000 <= (book.facts.content_ug or 0) * permille


def _difference(scene: RecordScene, book: Book, reference: str, missing: int) -> str:
    counted = next(line for line in book.standing(lines.COUNTED) if line.reference == reference)
    when = reading.moment(counted.occurred, scene.zone)
    amounts = f"counted {milligrams(counted.amount_ug)} mg, the book says {milligrams(counted.amount_ug - missing)} mg"
    policy = scene.policy(book.vial, counted.occurred).version
    return f"{reference}: {amounts} at {when}: {milligrams(abs(missing))} mg {'over' if missing > 0 else 'short'}. Policy {policy}."


def _open(scene: RecordScene, reference: str) -> list[Tree]:
    """The discrepancies about a count that nobody has settled."""
    issues = scene.pointing("DetectedIssue", reference)
    return [one for one in issues if reading.local_code(one.get("code")) == "cs-discrepancy" and one.get("status") not in _SETTLED]


def _discrepancy(scene: RecordScene, book: Book, said: tuple[str, str]) -> list[Create | Update]:
    """The DetectedIssue and the Task about a count (`Type/id`, what it says), which refer to each other by a name inside the commit."""
    reference, says = said
    name = f"urn:uuid:{uuid5(NAMESPACE_URL, reference)}"
    issue = _issue(scene, [reference, f"Medication/{book.vial}"], says, reference)
    task = _task(scene, f"Find out why a count differs from the book. {says}", name, book.place() or "")
    return [Create("DetectedIssue", issue, full_url=name), Create("Task", task)]


def _issue(scene: RecordScene, implicated: Sequence[str], says: str, key: str) -> Document:
    return _document(
        {
            "resourceType": "DetectedIssue",
            "identifier": [{"system": f"{_SIDS}discrepancy", "value": key}],
            "status": "final",
            "code": {"coding": [_DISCREPANCY], "text": "Controlled-substance discrepancy"},
            "severity": "moderate",
            "identifiedDateTime": reading.moment(scene.now, scene.zone),
            "implicated": [{"reference": one} for one in implicated],
            "detail": says,
        }
    )


def _task(scene: RecordScene, says: str, focus: str, place: str) -> Document:
    settings = scene.ctx.service.settings
    due = business_days.due(scene.now, scene.zone, business_days.calendar(settings.holidays))
    tree: dict[str, Any] = {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "priority": "urgent",
        "description": says,
        "focus": {"reference": focus},
        "authoredOn": reading.moment(scene.now, scene.zone),
        "restriction": {"period": {"end": reading.moment(due, scene.zone)}},
    }
    if place:
        tree["location"] = {"reference": f"Location/{place}"}
    return _document(tree)


def _told(issue: Tree, says: str) -> Update:
    """An open discrepancy that is another one now."""
    return Update("DetectedIssue", issue["id"], _document({**issue, "status": "amended", "detail": says}))


def _explained(scene: RecordScene, issue: Tree, says: str) -> Iterator[Update]:
    """The discrepancy with what mends it, and its Task done: both stay readable as they were."""
    when = reading.moment(scene.now, scene.zone)
    mitigation = [*issue.get("mitigation", ()), {"action": {"text": says}, "date": when}]
    yield Update("DetectedIssue", issue["id"], _document({**issue, "status": "amended", "mitigation": mitigation}))
    for task in scene.pointing("Task", f"DetectedIssue/{issue['id']}"):
        if task.get("status") in ("requested", "received", "accepted", "ready", "in-progress"):
            yield Update(
                "Task", task["id"], _document({**task, "status": "completed", "statusReason": {"text": says}, "lastModified": when})
            )


def _unreceived(scene: RecordScene, book: Book, concerned: Sequence[Written]) -> Iterator[tuple[Written, list[Create | Update], str]]:
    """A vial without a receipt is a discrepancy until its receipt is recorded."""
    vial, one = f"Medication/{book.vial}", _cause(book, concerned)
    if any(line.kind == lines.OPENED and not line.reverses for line in book.fresh):
        says = f"{vial} has no receipt: it was opened at what its label says. Record the SupplyDelivery."
        yield one, [Create("DetectedIssue", _issue(scene, [vial], says, vial))], f"{says} A discrepancy is open."
    elif any(line.kind == lines.OPENED and line.reverses for line in book.fresh):
        says = f"{vial}: the receipt was recorded by {one.reference}."
        unreceived = [issue for issue in _open(scene, vial) if vial in _keys(issue)]
        yield one, [change for issue in unreceived for change in _explained(scene, issue, says)], f"{says} It takes the place of the label."


def _keys(issue: Tree) -> list[str]:
    """What the service opened a discrepancy about; of one that somebody else recorded, what it is numbered."""
    return [str(one.get("value")) for one in issue.get("identifier", ())]


def _cause(book: Book, concerned: Sequence[Written]) -> Written:
    """The write that the new lines of the book come from: the last of them."""
    sources = {line.reference for line in book.fresh}
    return next((one for one in reversed(concerned) if one.reference in sources), concerned[0])


def _late(scene: RecordScene, concerned: Sequence[Written]) -> Iterator[Written]:
    """The writes with late lines that give no reason."""
    fresh: list[Entry] = [line for book in scene.books.values() for line in book.fresh if lines.LATE in line.flags.split()]
    late = {line.source for line in fresh}
    for one in concerned:
        if (
            f"{one.reference}/_history/{one.version}" in late
            and one.after is not None
            and not reading.extension(one.after, reading.LATE_REASON)
        ):
            yield one


def _late_task(scene: RecordScene, late: Sequence[Written]) -> Create:
    named = ", ".join(one.reference for one in late)
    return Create("Task", _task(scene, f"Say why this was entered late: {named}.", late[0].reference, ""))


def _document(tree: dict[str, Any]) -> Document:
    return stored(encode(tree))
