"""When things happen: no future, no wrong order, late entries, expiry, quarantine (CS-20 to CS-23)."""

from collections.abc import Callable, Iterable, Iterator

from service.errors import Issue
from service.fhir import temporal
from service.ledger import reading
from service.ledger.policy import OFF, Policy
from service.ledger.rules import acts, findings
from service.ledger.scene import ADMINISTRATION, DRAW, INVENTORY, LEDGER_ENTRY, RECEIPT, SEGMENT, Scene, Tree, Written

_ACTS = (RECEIPT, DRAW, ADMINISTRATION, SEGMENT, LEDGER_ENTRY, INVENTORY)
_WHEN = (
    *("effectiveDateTime", "effectivePeriod", "effectiveInstant", "issued", "date"),
    *("whenHandedOver", "whenPrepared", "occurrenceDateTime", "occurrencePeriod"),
)
_MOMENT = {
    "SupplyDelivery": "occurrence",
    "MedicationDispense": "whenHandedOver",
    "MedicationAdministration": "effective",
    "Observation": "effective",
    "List": "date",
}
_SET_ASIDE = frozenset({"inactive", "entered-in-error"})
_OPENED = "https://clinic.example/fhir/StructureDefinition/opened-at"


def ordered(scene: Scene, written: Written) -> Iterator[Issue]:
    """CS-20, law (21 CFR 1304.21(d)): nothing happens in the future, ends before it began, or comes before what it follows.

    A draw is handed over before the infusion starts, and what is wasted or returned is so after that. The skew of clocks is policy.
    """
    tree = acts.act(written, *_ACTS)
    if tree is None or not acts.is_fresh(written, "partOf", "supportingInformation", *_WHEN):
        return
    where = f"{written.type}.{_MOMENT[written.type]}"
    start, end = acts.span(scene, tree)
    skew = acts.policies(scene, tree).skew_minutes * acts.MINUTE
    if max(start, end) > scene.now + skew:
        says = f"{written.reference} lies in the future. State when it happened; look at the clock of whoever wrote it."
        yield findings.law(written, "cs-20", says, where)
    if start > end or _prepared(scene, tree) > end:
        yield findings.law(written, "cs-20", f"{written.reference} ends before it begins. Correct one of the times.", where)
    yield from _after_what_it_follows(scene, written, tree, where)
    if written.before is not None and written.role in (DRAW, ADMINISTRATION):
        yield from _before_what_follows(scene, written, tree, where)


def _prepared(scene: Scene, tree: Tree) -> int:
    """When a draw was begun, where it says so beside its end."""
    text = tree.get("whenPrepared") if "whenHandedOver" in tree else None
    return temporal.interval(text, scene.zone).lo if isinstance(text, str) else temporal.BEGINNING


def _after_what_it_follows(scene: Scene, written: Written, tree: Tree, where: str) -> Iterator[Issue]:
    for reference in _followed(written.role, tree):
        earlier = scene.get(reference)
        if earlier is not None and not _in_order(scene, earlier, tree):
            says = f"{written.reference} happened before {reference}, which comes first. Correct one of the times."
            yield findings.law(written, "cs-20", says, where)


def _followed(role: str, tree: Tree) -> list[str]:
    """What must have happened before: the draws of an administration, the draw and the start of the infusion of a ledger entry."""
    if role == ADMINISTRATION:
        return reading.referred(tree.get("supportingInformation", ()), "MedicationDispense")
    if role == LEDGER_ENTRY:
        parts = tree.get("partOf", ())
        return [*reading.referred(parts, "MedicationDispense"), *reading.referred(parts, "MedicationAdministration")]
    return []


def _in_order(scene: Scene, earlier: Tree, later: Tree) -> bool:
    """Whether a draw is handed over, or an infusion begun, before the later one begins."""
    first, then = reading.happened(earlier, scene.zone), reading.happened(later, scene.zone)
    if first is None or then is None or earlier.get("status") in ("entered-in-error", "not-done"):
        return True
    return (first[1] if earlier["resourceType"] == "MedicationDispense" else first[0]) <= then[0]


def _before_what_follows(scene: Scene, written: Written, tree: Tree, where: str) -> Iterator[Issue]:
    """The same for an amendment of what others follow; those of this commit are judged with their own write."""
    here = {one.reference for one in scene.writes}
    types = ("MedicationAdministration", "Observation") if written.role == DRAW else ("Observation",)
    for later in (one for type in types for one in scene.pointing(type, written.reference)):
        name = f"{later['resourceType']}/{later.get('id')}"
        if name in here or later.get("status") == "entered-in-error" or written.reference not in _followed(scene.role(later), later):
            continue
        if not _in_order(scene, tree, later):
            yield findings.law(written, "cs-20", f"{name} follows {written.reference}, but would come before it. Correct the time.", where)


def late(scene: Scene, written: Written) -> Iterator[Issue]:
    """CS-21, policy, a warning unless set otherwise: what is recorded long after the event is a late entry and needs a reason."""
    tree = acts.act(written, RECEIPT, DRAW, ADMINISTRATION, LEDGER_ENTRY, INVENTORY)
    if tree is None or not acts.is_fresh(written, *_WHEN):
        return
    found = acts.policies(scene, tree)
    passed = scene.recorded(tree) - acts.span(scene, tree)[1]
    if passed <= found.late_hours * acts.HOUR or found.action("cs-21") == OFF:
        return
    says = f"late entry: {written.reference} is recorded {passed // acts.HOUR} hours after it happened"
    where = f"{written.type}.{_MOMENT[written.type]}"
    if reading.extension(tree, reading.LATE_REASON) is not None:
        says = f"{says}. The record says why. Policy {found.version}."
        yield Issue("information", "informational", "cs-21", says, where, written.entry)
    else:
        says = f"{says}, later than {found.late_hours} hours. Say why in the extension late-entry-reason."
        yield from findings.policy(found, written, "cs-21", says, where)


def usable(scene: Scene, written: Written) -> Iterator[Issue]:
    """CS-22, policy: nothing is drawn or given after the expiry of the vial or the syringe, or from a vial open for too long."""
    tree = acts.act(written, DRAW, ADMINISTRATION)
    if tree is None or not acts.is_fresh(written, "medicationReference", *_WHEN):
        return
    found = acts.policies(scene, tree)
    if found.action("cs-22") == OFF:
        return
    start = acts.span(scene, tree)[0]
    for reference in _contents(scene, tree):
        yield from _expiry(scene, written, found, (reference, start))
    if written.role == DRAW:
        yield from _opened(scene, written, found, start)


def _contents(scene: Scene, tree: Tree) -> list[str]:
    """What is drawn from or given, and the vial behind it."""
    named = reading.medication(tree)
    vial = scene.vial_of(named) if named else None
    return list(dict.fromkeys(one for one in (named, f"Medication/{vial}" if vial else None) if one))


def _expiry(scene: Scene, written: Written, found: Policy, at: tuple[str, int]) -> Iterator[Issue]:
    """A date counts to the end of its day, a month to the end of its last one."""
    reference, instant = at
    expires = (scene.get(reference) or {}).get("batch", {}).get("expirationDate")
    if isinstance(expires, str) and temporal.interval(expires, scene.zone).hi < instant:
        says = f"{reference} had expired ({expires}) when {written.reference} happened. Take another one, or correct the time."
        yield from findings.policy(found, written, "cs-22", says, f"{written.type}.medication")


def _opened(scene: Scene, written: Written, found: Policy, instant: int) -> Iterator[Issue]:
    named = reading.medication(written.after) if written.after else None
    vial = scene.vial_of(named) if named else None
    if vial is None:
        return
    opened = _first_draw(scene, vial)
    if opened is not None and instant > opened + found.open_vial_days * temporal.DAY:
        says = f"Medication/{vial} had been open for more than {found.open_vial_days} days. Take another one and waste what is left of it."
        yield from findings.policy(found, written, "cs-22", says, f"{written.type}.medication")


def _first_draw(scene: Scene, vial: str) -> int | None:
    """When the vial was opened: as it says itself or at its first draw, whichever was earlier. No later word makes it younger."""
    said = reading.extension(scene.get(f"Medication/{vial}") or {}, _OPENED)
    known = [scene.opened(vial)]
    if said is not None and isinstance(said.get("valueDateTime"), str):
        known.append(temporal.interval(said["valueDateTime"], scene.zone).lo)
    return min((one for one in known if one is not None), default=None)


def available(scene: Scene, written: Written) -> Iterator[Issue]:
    """CS-23, policy: nothing is drawn or given from a vial or syringe that was set aside, as after a recall.

    What was set aside only after the event does not bind it. Where the record cannot tell, it is a warning.
    """
    tree = acts.act(written, DRAW, ADMINISTRATION)
    if tree is None or not acts.is_fresh(written, "medicationReference", *_WHEN):
        return
    found = acts.policies(scene, tree)
    if found.action("cs-23") == OFF:
        return
    start, where = acts.span(scene, tree)[0], f"{written.type}.medication"
    for reference in _contents(scene, tree):
        state = acts.held(scene, reference, "status", _SET_ASIDE, start)
        if state == acts.YES:
            says = f"{reference} was set aside when {written.reference} happened. Take another one; quarantine what was drawn."
            yield from findings.policy(found, written, "cs-23", says, where)
        elif state == acts.UNSURE:
            says = f"{reference} is set aside now. Make sure that it still was in use when {written.reference} happened."
            yield from findings.doubt(found, written, "cs-23", says, where)


RULES: tuple[Callable[[Scene, Written], Iterable[Issue]], ...] = (ordered, late, usable, available)
