"""From the writes of a commit to the lines of the vials: what they said before is moved back, what they say now is posted.

CS-01 (a draw), CS-02 and CS-05 (a vial) are decided here, on the books, in the order of commits and in the order of events.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from service.errors import Issue
from service.ledger import entry as lines
from service.ledger import posting, reading
from service.ledger.amount import milligrams
from service.ledger.book import Book, Shortfall
from service.ledger.entry import Account, Entry
from service.ledger.scene import RECEIPT, VISIT, Drawn, Tree, Written
from service.ledger.stated import Unpostable
from service.records.register.scene import RecordScene

_ENDED = ("finished", "cancelled")
_HOUR = 3_600_000_000
_ELEMENTS = (
    *("status", "medicationReference", "quantity", "location", "whenHandedOver", "whenPrepared", "performer", "subject", "context"),
    *("suppliedItem", "destination", "supplier", "receiver", "occurrenceDateTime", "occurrencePeriod", "supportingInformation"),
    *("effectiveDateTime", "effectivePeriod", "effectiveInstant", "code", "focus", "partOf", "valueQuantity", "encounter", "issued"),
)
"""What a line is made of."""


def followed(scene: RecordScene, concerned: Sequence[Written]) -> list[Issue]:
    """Put the lines of the commit into the books of `scene`; what is wrong with them, and what should be known."""
    try:
        scene.load(scene.wanted)
    except Unpostable as error:
        return [_refused(concerned[0], error)]
    changed = [one for one in concerned if one.role in posting.ROLES and _says_otherwise(one)]
    earlier = _taken_back(scene, changed)
    issues: list[Issue] = []
    due = sorted((one for one in changed if posting.posts(one.role, one.after)), key=lambda one: _order(scene, one))
    received = _received(due)
    for one in due:
        issues += _posted(scene, one, earlier, received)
    if not any(issue.severity == "error" for issue in issues):
        issues += _settled(scene, concerned)
        issues += _misused(scene, concerned)
        issues += [_short(scene, book, short, concerned) for book in scene.books.values() if book.fresh for short in book.shortfalls()]
    return issues


def _says_otherwise(one: Written) -> bool:
    """Whether anything that a line is made of is new."""
    before, after = one.before or {}, one.after or {}
    if posting.posts(one.role, one.before) != posting.posts(one.role, one.after):
        return True
    return any(before.get(name) != after.get(name) for name in _ELEMENTS if name != "status") or _dose(before) != _dose(after)


def _dose(tree: Tree) -> object:
    destination = reading.extension(tree, reading.DESTINATION) if tree else None
    return tree.get("dosage", {}).get("dose"), destination


def _taken_back(scene: RecordScene, changed: Sequence[Written]) -> set[str]:
    """Move back what the records posted before; those that had posted."""
    found = set()
    for one in changed:
        if one.before is None:
            continue
        for book in list(scene.books.values()):
            for line in book.of(one.reference):
                book.reverse(line, _source(one))
                found.add(one.reference)
    return found


def _order(scene: RecordScene, one: Written) -> tuple[int, int]:
    assert one.after is not None
    return reading.occurred(one.after, scene.zone) or 0, posting.ROLES.index(one.role)


def _received(due: Sequence[Written]) -> set[str]:
    """The vials that the commit has a receipt for."""
    trees = [one.after for one in due if one.role == RECEIPT and one.after is not None]
    return {named.removeprefix("Medication/") for tree in trees if (named := reading.medication(tree))}


def _posted(scene: RecordScene, one: Written, earlier: set[str], received: set[str]) -> Iterator[Issue]:
    try:
        for line in list(posting.lines_of(one, scene)):
            book = scene.book(line.vial)
            yield from _opened(scene, book, line, one, received)
            flags = {*line.flags.split(), *_marks(scene, one, line, earlier)}
            book.post(replace(line, flags=" ".join(flag for flag in lines.FLAGS if flag in flags)))
    except Unpostable as error:
        yield _refused(one, error)


def _marks(scene: RecordScene, one: Written, line: Entry, earlier: set[str]) -> Iterator[str]:
    assert one.after is not None
    if scene.recorded(one.after) - line.occurred > scene.policy(line.vial, line.occurred).late_hours * _HOUR:
        yield lines.LATE
    if one.reference in earlier:
        yield lines.AMENDED


def _opened(scene: RecordScene, book: Book, line: Entry, one: Written, received: set[str]) -> Iterator[Issue]:
    """A vial that is met first without its receipt is opened at what its label says; its receipt takes the place of that."""
    if line.kind == lines.RECEIVED:
        if book.standing(lines.RECEIVED):
            raise Unpostable(
                "cs-02", f"Medication/{book.vial} was received already. A vial is received once.", "SupplyDelivery.suppliedItem"
            )
        for other in book.standing(lines.OPENED):
            book.reverse(other, _source(one))
        return
    if not book.is_empty or book.vial in received:
        return
    if scene.wants_receipts:
        raise Unpostable("cs-02", f"Medication/{book.vial} has no receipt. Record the SupplyDelivery first, or with this.", one.type)
    if book.facts.content_ug is None:
        raise Unpostable("cs-02", f"Medication/{book.vial} has neither a receipt nor a stated content. Add Medication.amount.", one.type)
    opening = replace(
        line,
        kind=lines.OPENED,
        draw="",
        origin=str(Account(lines.OPENING, "", line.site)),
        target=str(Account(lines.VIAL, book.vial, line.safe)),
        amount_ug=book.facts.content_ug,
        volume_ul=book.facts.volume_ul(book.facts.content_ug),
        patient="",
        encounter="",
        flags=lines.UNRECEIVED,
    )
    book.post(opening)
    text = f"Medication/{book.vial} is met without a receipt: it was opened at {milligrams(opening.amount_ug)} mg, as its label says."
    yield Issue("warning", "business-rule", "cs-02", f"{text} Record its receipt.", one.type, one.entry)


def _settled(scene: RecordScene, concerned: Sequence[Written]) -> Iterator[Issue]:
    """What a draw has left, or was given and wasted beyond it, within the tolerance: posted as unaccounted, and told.

    What is left counts once the visit has ended; what is too much counts at once. The tolerance is that of the draw: what was posted as
    unaccounted before takes from it.
    """
    writes = {_source(one): one for one in concerned}
    ending = {one.reference: one for one in concerned if one.role == VISIT}
    for book in list(scene.books.values()):
        of_draws = _by_draw(book)
        for drawn in list(book.draws()):
            about = of_draws[drawn.draw]
            one = _cause(about, (writes, ending))
            allowed = scene.policy(book.vial, scene.now).tolerance(drawn.drawn_ug)
            if one is None or not drawn.left_ug or abs(drawn.left_ug + drawn.residual_ug) > allowed:
                continue
            if drawn.left_ug > 0 and not any((scene.get(visit) or {}).get("status") in _ENDED for visit in _visits(about)):
                continue
            book.post(_residual(book, about, drawn, one))
            says = "left over" if drawn.left_ug > 0 else "given or wasted more than drawn"
            text = f"MedicationDispense/{drawn.draw}: {milligrams(abs(drawn.left_ug))} mg {says}; within the tolerance."
            yield Issue("warning", "business-rule", "cs-01", f"{text} It is posted as unaccounted.", one.type, one.entry)


def _by_draw(book: Book) -> dict[str, list[Entry]]:
    """The standing lines of each draw, and those that the commit adds, which may move something back."""
    found: dict[str, list[Entry]] = {}
    for line in (*book.standing(), *(line for line in book.fresh if line.reverses)):
        if line.draw:
            found.setdefault(line.draw, []).append(line)
    return found


def _visits(about: Sequence[Entry]) -> set[str]:
    """The visits that a draw was made for, or used in."""
    return {line.encounter for line in about if not line.reverses and line.encounter}


def _misused(scene: RecordScene, concerned: Sequence[Written]) -> Iterator[Issue]:
    """What was drawn for one patient and visit is neither given to, nor wasted or returned at, another one."""
    writes = {_source(one): one for one in concerned}
    found = [(draw, about) for book in scene.books.values() if book.fresh for draw, about in _by_draw(book).items()]
    for draw, about in found:
        one = _cause(about, (writes, {}))
        if one is None:
            continue
        for named in _belonging(about):
            text = f"MedicationDispense/{draw} would belong to {' and '.join(named)}. What was drawn for one is not used for another."
            yield Issue("error", "business-rule", "cs-01", f"{text} Correct it, or return it and draw anew.", one.type, one.entry)


def _belonging(about: Sequence[Entry]) -> Iterator[list[str]]:
    """The patients, and the visits, that the standing lines of a draw name: where there are several."""
    standing = [line for line in about if not line.reverses]
    for several in ({line.patient for line in standing} - {""}, {line.encounter for line in standing} - {""}):
        if len(several) > 1:
            yield sorted(several)


def _cause(about: Sequence[Entry], writes: tuple[Mapping[str, Written], Mapping[str, Written]]) -> Written | None:
    """The write because of which a draw is looked at: the one that ends its visit, or the last that posted to it."""
    by_source, ending = writes
    visit = next((ending[one] for one in _visits(about) if one in ending), None)
    return visit or next((by_source[line.source] for line in reversed(about) if line.source in by_source), None)


def _residual(book: Book, about: Sequence[Entry], drawn: Drawn, one: Written) -> Entry:
    last = max((line for line in about if not line.reverses), key=lambda line: line.occurred)
    syringe = str(Account(lines.SYRINGE, drawn.draw))
    nowhere = str(Account(lines.UNACCOUNTED, "", last.site))
    amount = abs(drawn.left_ug)
    return replace(
        last,
        number=0,
        kind=lines.UNACCOUNTED,
        source=_source(one),
        recorded=0,
        origin=syringe if drawn.left_ug > 0 else nowhere,
        target=nowhere if drawn.left_ug > 0 else syringe,
        amount_ug=amount,
        volume_ul=book.facts.volume_ul(amount),
        performer="",
        witness="",
        flags="",
        policy="",
        previous=lines.FIRST,
        hash="",
    )


def _short(scene: RecordScene, book: Book, short: Shortfall, concerned: Sequence[Written]) -> Issue:
    account = Account.read(short.account)
    missing = f"{milligrams(short.missing_ug)} mg"
    one = next((each for each in concerned if _source(each) == short.line.source), concerned[0])
    when = reading.moment(short.instant, scene.zone)
    if account.kind == lines.SYRINGE:
        text = f"MedicationDispense/{account.owner}: more was given, wasted or returned than drawn, by {missing} at {when}."
        return Issue("error", "business-rule", "cs-01", f"{text} Correct the amounts.", one.type, one.entry)
    place = f" in Location/{account.place}" if account.place else ""
    text = f"Medication/{book.vial}{place} would hold {missing} less than nothing at {when}."
    return Issue("error", "business-rule", "cs-05", f"{text} Look at the amount, the vial, the place and the time.", one.type, one.entry)


def _source(one: Written) -> str:
    return f"{one.reference}/_history/{one.version}"


def _refused(one: Written, error: Unpostable) -> Issue:
    return Issue("error", "business-rule", error.rule, f"{one.reference}: {error}", error.expression, one.entry)
