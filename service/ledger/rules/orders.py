"""Under which order, consent, allergy and weight a controlled substance is given (CS-26). All of it is policy.

What is judged is the start of the administration: an order that was completed or stopped since then bound it, a consent that was withdrawn
since then covered it, an allergy that was found by it did not forbid it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from service.errors import Issue
from service.fhir import temporal
from service.ledger import reading
from service.ledger.amount import Inexact, micrograms, milligrams
from service.ledger.policy import OFF, Policy
from service.ledger.rules import acts, findings, patients, substances
from service.ledger.scene import ADMINISTRATION, Scene, Tree, Written

_BEGUN = ("request", "subject", "medicationReference", "medicationCodeableConcept")
_STANDING = frozenset({"active", "completed", "stopped"})
"""The statuses of an order that binds, or once did."""
_STOPPED = frozenset({"stopped"})
_ORDERS = frozenset({"order", "original-order", "reflex-order", "filler-order", "instance-order"})
_PER_KILOGRAM = re.compile(r"/\s*kg\b|kg-1")
_TYPE = "MedicationAdministration"


@dataclass(frozen=True, slots=True)
class _Given:
    """An administration that is judged: its order, if there is one, when it started (microseconds), the policies in force."""

    scene: Scene
    written: Written
    tree: Tree
    order: Tree | None
    start: int
    policy: Policy

    def breach(self, says: str, element: str = "request") -> Iterator[Issue]:
        return findings.policy(self.policy, self.written, "cs-26", says, f"{_TYPE}.{element}")

    def doubt(self, says: str, element: str = "request") -> Iterator[Issue]:
        return findings.doubt(self.policy, self.written, "cs-26", says, f"{_TYPE}.{element}")


def ordered(scene: Scene, written: Written) -> Iterator[Issue]:
    """CS-26, policy: by an order, with consent, against no allergy, with a recent weight where that counts, within the order's limit."""
    tree = acts.act(written, ADMINISTRATION)
    begins = tree is not None and _begins(scene, written, tree)
    if tree is None or not (begins or acts.is_fresh(written, "dosage")):
        return
    found, request = acts.policies(scene, tree), reading.target(tree.get("request"))
    if found.action("cs-26") == OFF:
        return
    order = scene.get(request) if request and request.startswith("MedicationRequest/") else None
    given = _Given(scene, written, tree, order, acts.span(scene, tree)[0], found)
    if begins:
        yield from _order(given)
        yield from _consent(given)
        yield from _allergy(given)
        yield from _weight(given)
    yield from _limit(given)


def _begins(scene: Scene, written: Written, tree: Tree) -> bool:
    """Whether the write starts the administration, or changes who got what, when, under which order."""
    if acts.is_fresh(written, *_BEGUN) or written.before is None:
        return True
    return acts.span(scene, written.before)[0] != acts.span(scene, tree)[0]


def _order(given: _Given) -> Iterator[Issue]:
    order = given.order
    if order is None:
        yield from given.breach("There is no order. Name the MedicationRequest under which it is given, as a reference.")
        return
    name = f"MedicationRequest/{order.get('id')}"
    if reading.patient(order) != reading.patient(given.tree):
        yield from given.breach(f"{name} is for another patient. Name an order for this patient.")
    if order.get("intent") not in _ORDERS:
        yield from given.breach(f"{name} is no order (intent {order.get('intent')!r}). Name an order.")
    yield from _standing(given, name, order)
    if not substances.are_one(given.scene, given.tree, order):
        yield from given.breach(f"{name} is for another drug. Name an order for what is given, coded as its ingredient is.")


def _standing(given: _Given, name: str, order: Tree) -> Iterator[Issue]:
    """Whether the order was made before, and not stopped by then."""
    if order.get("status") not in _STANDING:
        yield from given.breach(f"{name} is not active (status {order.get('status')!r}). Have it activated, or name another order.")
    elif acts.held(given.scene, name, "status", _STOPPED, given.start) == acts.YES:
        yield from given.breach(f"{name} had been stopped before this began. Name another order.")
    authored = order.get("authoredOn")
    if not isinstance(authored, str):
        yield from given.breach(f"{name} does not say when it was authored. State that; an order comes before what it orders.")
    elif temporal.interval(authored, given.scene.zone).lo > given.start:
        yield from given.breach(f"{name} was authored after this began. An order comes before what it orders: correct one of the times.")


def _consent(given: _Given) -> Iterator[Issue]:
    patient = reading.patient(given.tree)
    consent = patients.consent(given.scene, patient, given.start) if patient else acts.NO
    if consent == acts.NO:
        yield from given.breach(f"{patient or 'The patient'} has no consent to treatment that was in force. Record it first.", "subject")
    elif consent == acts.UNSURE:
        yield from given.doubt(f"The consent of {patient} is not active any more. Make sure that it was when this began.", "subject")


def _allergy(given: _Given) -> Iterator[Issue]:
    patient, codes = reading.patient(given.tree), substances.given(given.scene, given.tree)
    for found in patients.allergies(given.scene, patient, codes, given.start) if patient else ():
        says = f"{patient} has an active {found.kind} to this drug (AllergyIntolerance/{found.id}). Do not give it, or correct the allergy."
        yield from given.breach(says, "medication") if found.is_sure else given.doubt(says, "medication")


def _weight(given: _Given) -> Iterator[Issue]:
    if given.order is None or not any(map(_is_per_kilogram, _amounts(given.order))):
        return
    days = given.policy.weight_days
    if not patients.has_weight(given.scene, given.tree, given.start - days * temporal.DAY, given.start):
        says = f"The order is by weight, and there is none of the {days} days before. Weigh the patient and record it (LOINC 29463-7)."
        yield from given.breach(says)


def _amounts(order: Tree) -> Iterator[Mapping[str, Any]]:
    """Every Quantity by which the order doses."""
    for instruction in order.get("dosageInstruction", ()):
        for one in instruction.get("doseAndRate", ()):
            for value in one.values():
                if isinstance(value, Mapping):
                    yield value
                    yield from (part for part in value.values() if isinstance(part, Mapping))


def _is_per_kilogram(quantity: Mapping[str, Any]) -> bool:
    denominator = quantity.get("denominator")
    if isinstance(denominator, Mapping):
        return str(denominator.get("code", denominator.get("unit"))) == "kg"
    return _PER_KILOGRAM.search(str(quantity.get("code", quantity.get("unit", "")))) is not None


def _limit(given: _Given) -> Iterator[Issue]:
    """No more than the order allows at once; the largest limit where its instructions have several."""
    dose = given.tree.get("dosage", {}).get("dose")
    instructions = given.order.get("dosageInstruction", ()) if given.order else ()
    limits = [one["maxDosePerAdministration"] for one in instructions if "maxDosePerAdministration" in one]
    if not limits or dose is None:
        return
    try:
        most = max(map(micrograms, limits))
    except Inexact as error:
        yield from given.doubt(f"The order's largest dose cannot be compared. {error}")
        return
    try:
        amount = micrograms(dose)
    except Inexact:
        return  # the posting refuses such a dose, and says why
    if amount > most:
        says = f"{milligrams(amount)} mg is more than the {milligrams(most)} mg that the order allows. Correct the dose, or the order."
        yield from given.breach(says, "dosage.dose")


RULES: tuple[Callable[[Scene, Written], Iterable[Issue]], ...] = (ordered,)
