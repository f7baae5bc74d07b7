"""What must be known of a patient before a controlled substance is given: consent, allergies, weight."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from service.fhir import temporal
from service.ledger import reading
from service.ledger.rules import acts, substances
from service.ledger.scene import Scene, Tree

TREATMENT = ("http://terminology.hl7.org/CodeSystem/consentscope", "treatment")
CATEGORIES = frozenset({("http://loinc.org", code) for code in ("64293-4", "61359-6", "59284-0")})
"""The kinds of consent to an infusion: those of the ValueSet infusion-consent-categories."""
_WEIGHT = ("http://loinc.org", "29463-7")
_WITHDRAWN = frozenset({"inactive"})
_NO_ALLERGY = frozenset({"inactive", "resolved", "refuted", "entered-in-error"})


def consent(scene: Scene, patient: str, start: int) -> str:
    """Whether a consent of `Patient/id` to treatment was in force at an instant: YES, NO, or UNSURE where it was withdrawn at some time."""
    found = {_in_force(scene, one, start) for one in scene.pointing("Consent", patient) if _covers(scene, one, patient, start)}
    return next((verdict for verdict in (acts.YES, acts.UNSURE) if verdict in found), acts.NO)


def _covers(scene: Scene, tree: Tree, patient: str, start: int) -> bool:
    """Whether it is of the patient, of a kind that counts, given before `start` and not run out by then."""
    given = tree.get("dateTime")
    if reading.target(tree.get("patient")) != patient or not isinstance(given, str):
        return False
    if TREATMENT not in reading.codings(tree.get("scope")) or CATEGORIES.isdisjoint(_categories(tree)):
        return False
    period = temporal.period(tree.get("provision", {}).get("period", {}), scene.zone)
    return temporal.interval(given, scene.zone).lo <= start and (period is None or period.lo <= start <= period.hi)


def _categories(tree: Tree) -> Iterator[tuple[str, str]]:
    return (coding for concept in tree.get("category", ()) for coding in reading.codings(concept))


def _in_force(scene: Scene, tree: Tree, start: int) -> str:
    if tree.get("status") == "active":
        return acts.YES
    if tree.get("status") not in _WITHDRAWN:
        return acts.NO
    withdrawn = acts.held(scene, f"Consent/{tree.get('id')}", "status", _WITHDRAWN, start)
    return {acts.YES: acts.NO, acts.NO: acts.YES}.get(withdrawn, acts.UNSURE)


@dataclass(frozen=True, slots=True)
class Allergy:
    """An active allergy or intolerance. `is_sure`: it is an allergy, and was known at the time."""

    id: str
    kind: str
    is_sure: bool


def allergies(scene: Scene, patient: str, codes: frozenset[str], start: int) -> Iterator[Allergy]:
    """The active allergies of `Patient/id` to one of the codes (`system|code`), but for those that were recorded after `start`."""
    for tree in scene.pointing("AllergyIntolerance", patient):
        if reading.target(tree.get("patient")) != patient or not _NO_ALLERGY.isdisjoint(_states(tree)):
            continue
        reactions = (one.get("substance") for one in tree.get("reaction", ()))
        if codes.isdisjoint(substances.named_in(tree.get("code"), *reactions)):
            continue
        since, is_sure = _known_since(scene, tree)
        if since <= start or not is_sure:
            kind = str(tree.get("type", "allergy"))
            yield Allergy(str(tree.get("id")), kind, since <= start and kind == "allergy")


def _states(tree: Tree) -> set[str]:
    """The codes of its clinical and its verification status."""
    return {code for name in ("clinicalStatus", "verificationStatus") for _, code in reading.codings(tree.get(name))}


def _known_since(scene: Scene, tree: Tree) -> tuple[int, bool]:
    """When it was recorded, and whether that is sure: by itself, else by its version, before which it may have been known as well."""
    said, name = tree.get("recordedDate"), f"AllergyIntolerance/{tree.get('id')}"
    if isinstance(said, str):
        return temporal.interval(said, scene.zone).lo, True
    since = acts.version_since(scene, name)
    return (scene.now, True) if since is None else (since, False)


def has_weight(scene: Scene, tree: Tree, first: int, last: int) -> bool:
    """Whether the patient of an administration was weighed between two instants.

    What the administration names is asked first, then its visit, and all observations of the patient only if need be.
    """
    patient, visit = reading.patient(tree), reading.visit(tree)
    named = reading.referred(tree.get("supportingInformation", ()), "Observation")
    if _any_weight(scene, filter(None, map(scene.get, named)), patient, (first, last)):
        return True
    return any(
        _any_weight(scene, scene.pointing("Observation", reference), patient, (first, last)) for reference in (visit, patient) if reference
    )


def _any_weight(scene: Scene, trees: Iterable[Tree], patient: str | None, within: tuple[int, int]) -> bool:
    for tree in trees:
        at = reading.occurred(tree, scene.zone)
        is_weight = _WEIGHT in reading.codings(tree.get("code")) and "valueQuantity" in tree and acts.is_done(tree)
        if is_weight and reading.patient(tree) == patient and at is not None and within[0] <= at <= within[1]:
            return True
    return False
