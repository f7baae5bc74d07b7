"""What must be settled before a visit is finished, and that a finished one is closed (CS-24, CS-25).

Only visits with draws or administrations of controlled substances are asked about. Each open thing is one finding that names the resource.
That every draw is accounted for and every administration ended is law (complete and accurate records, 21 CFR 1304.21(a), 1304.22(c)); that
a witness is named, a grave alert answered, the patient fit to leave and fetched is the clinic's policy. A visit with an open draw cannot be
cancelled either: what is left could be accounted for nowhere.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from service.errors import Issue
from service.fhir import temporal
from service.ledger import reading
from service.ledger.amount import milligrams
from service.ledger.policy import Policy
from service.ledger.rules import findings
from service.ledger.scene import ADMINISTRATION, DRAW, LEDGER_ENTRY, SEGMENT, VISIT, Drawn, Scene, Tree, Written

CRITERIA = ("alert", "dissociation", "vitals", "gait", "nausea", "iv", "escort", "nodrive", "contact")
"""The items of the discharge checklist that are met or excepted (Questionnaire discharge-criteria)."""
_DISCHARGE, _BEFORE = "Questionnaire/discharge-criteria", "Questionnaire/pre-infusion-checklist"
_LEAVING_ALONE = frozenset({"prescriber-accepts", "leaves-with-transport", "leaves-against-advice"})
_WITNESSED = frozenset({"cs-waste", "cs-destroyed", "cs-broken", "cs-adjust"})
_RUNNING = frozenset({"in-progress", "on-hold"})
_WITHDRAWN = frozenset({"entered-in-error", "cancelled"})
_NOT_GIVEN = _WITHDRAWN | {"not-done"}
_CLOSED = frozenset({"finished", "cancelled", "entered-in-error"})
_OF_A_VISIT = frozenset({DRAW, ADMINISTRATION, SEGMENT, LEDGER_ENTRY})
_POSTING = _OF_A_VISIT - {SEGMENT}
_STATUS = "Encounter.status"


@dataclass
class _Visit:
    """A visit that closes, and what belongs to it."""

    scene: Scene
    name: str
    tree: Tree

    @cached_property
    def draws(self) -> Sequence[Drawn]:
        return self.scene.draws(self.name)

    @cached_property
    def administrations(self) -> Sequence[Tree]:
        found = self.scene.pointing("MedicationAdministration", self.name)
        return [one for one in found if reading.visit(one) == self.name and one.get("status") not in _NOT_GIVEN]

    @cached_property
    def is_controlled(self) -> bool:
        return bool(self.draws) or any(self.scene.role(one) in _OF_A_VISIT for one in self.administrations)

    @cached_property
    def policy(self) -> Policy:
        medications = (reading.medication(one) for one in self.administrations if self.scene.role(one) in _OF_A_VISIT)
        vials = [one.vial for one in self.draws] or [found for one in medications if one and (found := self.scene.vial_of(one))]
        return self.scene.policy(next(iter(vials), ""), reading.occurred(self.tree, self.scene.zone) or self.scene.now)

    def answers(self, questionnaire: str) -> Mapping[str, object]:
        """The last completed answers to a checklist: a boolean or a code by the item; empty when there are none."""
        given = [one for one in self._responses if str(one.get("questionnaire", "")).partition("|")[0].endswith(f"/{questionnaire}")]
        return _answered(given[-1]) if given else {}

    @cached_property
    def _responses(self) -> Sequence[Tree]:
        found = self.scene.pointing("QuestionnaireResponse", self.name)
        return [one for one in found if one.get("status") in ("completed", "amended") and reading.visit(one) == self.name]


def settled(scene: Scene, written: Written) -> Iterator[Issue]:
    """Law (21 CFR 1304.21(a)): no draw is open and no administration runs. Policy: witness, alert, discharge checklist, escort."""
    if written.role != VISIT or written.after is None:
        return
    status, before = written.after.get("status"), (written.before or {}).get("status")
    if status not in _CLOSED or status == before:
        return
    visit = _Visit(scene, written.reference, written.after)
    if not visit.is_controlled:
        return
    for says in (*_open(visit), *_running(visit)):
        yield findings.law(written, "cs-24", f"The visit cannot be {status}: {says}", _STATUS)
    if status == "finished":
        for says in (*_unwitnessed(visit), *_unanswered(visit), *_unfit(visit), *_unfetched(visit)):
            yield from findings.policy(visit.policy, written, "cs-24", f"The visit cannot be finished: {says}", _STATUS)


def _open(visit: _Visit) -> Iterator[str]:
    """Draws with something left. That more came out than went in is refused at once, by CS-01."""
    for one in visit.draws:
        allowed = visit.scene.policy(one.vial, visit.scene.now).tolerance(one.drawn_ug)
        if one.left_ug > 0 and one.left_ug + one.residual_ug > allowed:
            parts = {"given": one.given_ug, "wasted": one.wasted_ug, "returned": one.returned_ug}
            told = ", ".join(f"{milligrams(amount)} mg {what}" for what, amount in parts.items())
            yield (
                f"MedicationDispense/{one.draw} is open. Of {milligrams(one.drawn_ug)} mg drawn there are {told}, and "
                f"{milligrams(one.left_ug)} mg unaccounted for, where {milligrams(allowed)} mg may be. Record what became of it."
            )


def _running(visit: _Visit) -> Iterator[str]:
    for one in visit.administrations:
        if one.get("status") in _RUNNING:
            yield f"MedicationAdministration/{one.get('id')} is {one['status']}. Complete or stop it."


def _unwitnessed(visit: _Visit) -> Iterator[str]:
    """Entries on a draw of the visit, and those of its vials that name the visit."""
    draws = [f"MedicationDispense/{one.draw}" for one in visit.draws]
    vials = [f"Medication/{one}" for one in dict.fromkeys(one.vial for one in visit.draws)]
    found = [one for name in draws for one in visit.scene.pointing("Observation", name)]
    found += [one for name in vials for one in visit.scene.pointing("Observation", name) if reading.visit(one) == visit.name]
    for one in {str(one.get("id")): one for one in found}.values():
        kind = reading.local_code(one.get("code"))
        if kind in _WITNESSED and one.get("status") not in _WITHDRAWN and not reading.actors(one, reading.WITNESS):
            yield f"Observation/{one.get('id')} ({kind}) names no witness. Amend it with the one who saw it."


def _unanswered(visit: _Visit) -> Iterator[str]:
    patient = reading.patient(visit.tree)
    own = {f"MedicationAdministration/{one.get('id')}" for one in visit.administrations} | {visit.name}
    own |= {f"MedicationDispense/{one.draw}" for one in visit.draws}
    for one in visit.scene.pointing("DetectedIssue", patient) if patient else ():
        grave = one.get("severity") == "high" and one.get("status") not in _WITHDRAWN and not one.get("mitigation")
        if grave and reading.patient(one) == patient and (own & set(_about(one)) or _within(visit, one)):
            yield f"DetectedIssue/{one.get('id')} is of high severity, and nothing says what was done about it. Add a mitigation."


def _about(issue: Tree) -> Iterator[str]:
    """What an alert implicates and rests on."""
    for one in (*issue.get("implicated", ()), *(detail for found in issue.get("evidence", ()) for detail in found.get("detail", ()))):
        if found := reading.target(one):
            yield found


def _within(visit: _Visit, issue: Tree) -> bool:
    """Whether it was found while the visit lasted."""
    zone = visit.scene.zone
    lasted, at = temporal.period(visit.tree.get("period", {}), zone), issue.get("identifiedDateTime")
    found = temporal.interval(at, zone) if isinstance(at, str) else temporal.period(issue.get("identifiedPeriod", {}), zone)
    return lasted is not None and found is not None and found.lo <= lasted.hi and lasted.lo <= found.hi


def _unfit(visit: _Visit) -> Iterator[str]:
    answers = visit.answers(_DISCHARGE)
    unmet = [one for one in CRITERIA if answers.get(one) is not True]
    if not answers:
        yield f"the discharge checklist of {visit.name} is not completed. Answer Questionnaire/discharge-criteria."
    elif unmet and not answers.get("exception"):
        yield f"the discharge checklist of {visit.name} is not met: {', '.join(unmet)}. Answer why the patient left all the same."


def _unfetched(visit: _Visit) -> Iterator[str]:
    named = (one for one in visit.tree.get("participant", ()) if reading.target(one.get("individual")))
    if any(code == "ESC" for one in named for kind in one.get("type", ()) for _, code in reading.codings(kind)):
        return
    excepted = visit.answers(_DISCHARGE).get("exception"), visit.answers(_BEFORE).get("escort-exception")
    if not _LEAVING_ALONE & set(excepted):
        yield f"{visit.name} names no escort. Add the adult who takes the patient home (participant ESC), or answer the exception."


def _answered(response: Tree) -> Mapping[str, object]:
    found: dict[str, object] = {}
    for item in response.get("item", ()):
        answer: Tree = next(iter(item.get("answer", ())), {})
        found[str(item.get("linkId"))] = answer.get("valueBoolean", answer.get("valueCoding", {}).get("code"))
    return found


def balanced(scene: Scene, written: Written) -> Iterator[Issue]:
    """Law (21 CFR 1304.21(a)), CS-01: an amendment of a record of a finished visit leaves no draw of it open."""
    if written.role not in _POSTING or written.before is None:
        return
    visit = reading.visit(written.before)
    tree = scene.get(visit) if visit else None
    if visit is None or tree is None or tree.get("status") != "finished" or (scene.prior(visit) or {}).get("status") != "finished":
        return
    first = next(one for one in scene.writes if one.role in _POSTING and one.before is not None and reading.visit(one.before) == visit)
    if first.reference == written.reference:
        for says in _open(_Visit(scene, visit, tree)):
            says = f"{visit} is finished, and {says} Amend all that belongs together in one transaction."
            yield findings.law(written, "cs-01", says, f"{written.type}.status")


def closed(scene: Scene, written: Written) -> Iterator[Issue]:
    """Policy: a visit that was finished before this commit takes amendments only, a cancelled one nothing new.

    What was there and comes to belong to another visit is new to that visit. A visit that is made cancelled takes nothing either.
    """
    if written.role not in _OF_A_VISIT or written.after is None or written.after.get("status") in _WITHDRAWN:
        return
    visit = reading.visit(written.after)
    if visit is None or (written.before is not None and reading.visit(written.before) == visit):
        return
    status = (scene.prior(visit) or scene.get(visit) or {}).get("status")
    was = scene.prior(visit) is not None
    if status in ("cancelled", "entered-in-error") or (status == "finished" and was):
        named = "context" if "context" in written.after else "encounter"
        mend = "Amend a record that it has." if status == "finished" else "Name the visit at which it happened."
        policy = scene.policy(scene.vial_of(reading.medication(written.after) or "") or "", scene.now)
        says = f"{visit} is {status} and takes no new record of a controlled substance. {mend}"
        yield from findings.policy(policy, written, "cs-25", says, f"{written.type}.{named}")


def reopened(scene: Scene, written: Written) -> Iterator[Issue]:
    """Policy: a visit that has ended does not go on, when it has draws or administrations: it takes amendments only (CS-25)."""
    if written.role != VISIT or written.after is None or written.before is None:
        return
    status, before = written.after.get("status"), written.before.get("status")
    if before not in _CLOSED or status in _CLOSED:
        return
    visit = _Visit(scene, written.reference, written.after)
    if visit.is_controlled:
        says = f"{written.reference} is {before} and cannot be {status} again. Amend the records that it has, or open another visit."
        yield from findings.policy(visit.policy, written, "cs-25", says, _STATUS)


RULES: tuple[Callable[[Scene, Written], Iterable[Issue]], ...] = (settled, balanced, closed, reopened)
