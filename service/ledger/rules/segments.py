"""The parts of an infusion against the whole (CS-03).

One administration states what was given; each time at one rate is a part of it (`partOf`). The parts sum to the whole exactly: that is
law, since a record of what was administered is complete and accurate (21 CFR 1304.21(a), 1304.22(c)). That rate and time make the dose is
policy, within the clinic's tolerance: a pump rounds. A whole is judged once it has ended and all of its parts have, so that either may be
written down first; what still runs is only kept inside its whole and off its neighbours.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from fractions import Fraction
from itertools import pairwise

from service.errors import Issue
from service.fhir import temporal
from service.ledger import reading, solution
from service.ledger.amount import Inexact, micrograms, milligrams
from service.ledger.rules import findings
from service.ledger.scene import ADMINISTRATION, SEGMENT, Scene, Tree, Written

_TYPE = "MedicationAdministration"
_ENDED = frozenset({"completed", "stopped"})
_ALIVE = _ENDED | {"in-progress", "on-hold"}
_DOSE, _PERIOD, _RATE = f"{_TYPE}.dosage.dose", f"{_TYPE}.effectivePeriod", f"{_TYPE}.dosage.rate[x]"


@dataclass(frozen=True, slots=True)
class _Part:
    """A whole or a part: from when to when it ran, in microseconds; `end` is None while nothing says so."""

    name: str
    tree: Tree
    start: int
    end: int | None

    @property
    def has_ended(self) -> bool:
        return self.tree.get("status") in _ENDED


def measured(scene: Scene, written: Written) -> Iterator[Issue]:
    """Policy (tolerance of the clinic): the dose of a part, or of a whole that states one rate, is rate x time x strength."""
    tree = written.after
    if written.role not in (SEGMENT, ADMINISTRATION) or tree is None or tree.get("status") not in _ENDED:
        return
    dosage = tree.get("dosage", {})
    if written.role == SEGMENT or solution.has_rate(dosage):
        yield from _against_the_pump(scene, written, tree, dosage)


def _against_the_pump(scene: Scene, written: Written, tree: Tree, dosage: Tree) -> Iterator[Issue]:
    medication = reading.medication(tree) or ""
    part = _part(tree, scene.zone)
    try:
        dose = micrograms(dosage.get("dose"))
    except Inexact as error:
        yield findings.law(written, "cs-03", f"The dose of {written.reference} cannot be counted. {error}", _DOSE)
        return
    if part is None or part.end is None or part.end < part.start:
        yield findings.law(written, "cs-03", f"{written.reference} has ended. State from when to when it ran.", _PERIOD)
        return
    try:
        expected = solution.delivered(dosage, part.end - part.start, lambda: solution.strength(scene.get(medication)))
    except solution.Unclear as error:
        says = f"The rate of {written.reference} cannot be compared with its dose. {error} It runs {medication or 'an unnamed medication'}."
        yield findings.law(written, "cs-03", says, _RATE)
        return
    yield from _apart(scene, written, dose, expected, part)


def _apart(scene: Scene, written: Written, dose: int, expected: Fraction, part: _Part) -> Iterator[Issue]:
    vial = scene.vial_of(reading.medication(part.tree) or "") or ""
    policy = scene.policy(vial, part.end or part.start)
    allowed = policy.tolerance(dose)
    if abs(expected - dose) > allowed:
        minutes = Fraction((part.end or part.start) - part.start, 60 * temporal.SECOND)
        says = (
            f"{written.reference} states a dose of {milligrams(dose)} mg, but its rate over {float(minutes):g} min delivers "
            f"{milligrams(round(expected))} mg; {milligrams(allowed)} mg apart is allowed. Correct dose, rate or period."
        )
        yield from findings.policy(policy, written, "cs-03", says, _DOSE)


def whole(scene: Scene, written: Written) -> Iterator[Issue]:
    """Law (21 CFR 1304.21(a), complete and accurate): the parts lie inside the whole, follow one another, and sum to its dose exactly."""
    for name in _wholes(written):
        if _speaks(scene, written, name) and (tree := scene.get(name)) is not None and tree.get("status") in _ALIVE:
            yield from _judged(scene, written, name, tree)


def _wholes(written: Written) -> list[str]:
    """The administrations that a write concerns: itself, or what it is and was a part of."""
    if written.role == ADMINISTRATION:
        return [written.reference] if written.after else []
    if written.role != SEGMENT:
        return []
    trees = [tree for tree in (written.after, written.before) if tree is not None]
    return list(dict.fromkeys(one for tree in trees for one in reading.referred(tree.get("partOf"), _TYPE)))


def _speaks(scene: Scene, written: Written, name: str) -> bool:
    """Whether this is the write of the commit that the whole is judged with: its own, or the first of a part."""
    concerned = [one for one in scene.writes if one.type == _TYPE and name in _wholes(one)]
    own = [one for one in concerned if one.reference == name]
    return (own or concerned)[0].reference == written.reference


def _judged(scene: Scene, written: Written, name: str, tree: Tree) -> Iterator[Issue]:
    parts, total = _parts(scene, written, name), _part(tree, scene.zone)
    if not parts:
        return
    if total is None:
        yield findings.law(written, "cs-03", f"{name} has parts. State from when to when it ran.", _PERIOD)
        return
    yield from _placed(written, total, parts)
    if total.has_ended and all(one.has_ended for one in parts):
        yield from _unbroken(written, parts)
        yield from _summed(written, total, parts)


def _parts(scene: Scene, written: Written, name: str) -> list[_Part]:
    """The parts that count, by their start. What is new can have parts in the same commit only."""
    if written.reference == name and written.before is None:
        trees: Iterable[Tree] = [one.after for one in scene.writes if one.role == SEGMENT and one.after and name in _wholes(one)]
    else:
        trees = scene.pointing(_TYPE, name)
    chosen = [one for one in trees if name in reading.referred(one.get("partOf"), _TYPE) and one.get("status") in _ALIVE]
    return sorted((found for one in chosen if (found := _part(one, scene.zone))), key=lambda one: one.start)


def _part(tree: Tree, zone: tzinfo) -> _Part | None:
    span = reading.happened(tree, zone)
    if span is None:
        return None
    ends = "effectivePeriod" not in tree or "end" in tree["effectivePeriod"]
    return _Part(f"{_TYPE}/{tree.get('id', '')}", tree, span[0], span[1] if ends else None)


def _placed(written: Written, total: _Part, parts: Sequence[_Part]) -> Iterator[Issue]:
    """Inside the whole, and off one another."""
    for one in parts:
        last = one.start if one.end is None else one.end
        if one.start < total.start or (total.end is not None and last > total.end):
            yield findings.law(
                written, "cs-03", f"{one.name} runs outside {total.name}, which it is a part of. Correct the periods.", _PERIOD
            )
    for one, other in pairwise(parts):
        if one.start == other.start or (one.end is not None and one.end > other.start):
            says = f"{one.name} and {other.name} run at one time, and a pump has one rate. End the first where the second begins."
            yield findings.law(written, "cs-03", says, _PERIOD)


def _unbroken(written: Written, parts: Sequence[_Part]) -> Iterator[Issue]:
    for one, other in pairwise(parts):
        if one.end is None or one.end < other.start:
            says = (
                f"Between {one.name} and {other.name} nothing says what ran. Write a pause down as a part with the rate 0 and the dose 0."
            )
            yield findings.law(written, "cs-03", says, _PERIOD)


def _summed(written: Written, total: _Part, parts: Sequence[_Part]) -> Iterator[Issue]:
    try:
        stated = micrograms(total.tree.get("dosage", {}).get("dose"))
        found = sum(micrograms(one.tree.get("dosage", {}).get("dose")) for one in parts)
    except Inexact as error:
        yield findings.law(written, "cs-03", f"The doses of {total.name} and its parts cannot be summed. {error}", _DOSE)
        return
    if stated != found:
        says = (
            f"{total.name} states {milligrams(stated)} mg, but its {len(parts)} parts sum to {milligrams(found)} mg. "
            "Correct whichever is wrong; they are equal to the microgram."
        )
        yield findings.law(written, "cs-03", says, _DOSE)


RULES: tuple[Callable[[Scene, Written], Iterable[Issue]], ...] = (measured, whole)
