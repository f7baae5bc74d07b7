"""An amount that is stated as a mass and as a volume is one amount (CS-04).

Law: a record says what was received, drawn, given and disposed of, as units or as a volume, accurately (21 CFR 1304.21(a), 1304.22(c)); two
statements that contradict each other are not accurate. How far a volume read from a syringe may be off is the clinic's tolerance.
A volume is optional everywhere: without one there is nothing to compare.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction

from service.errors import Issue
from service.ledger import reading, solution
from service.ledger.amount import Inexact, micrograms, milligrams, millilitres
from service.ledger.rules import findings
from service.ledger.scene import ADMINISTRATION, DRAW, LEDGER_ENTRY, RECEIPT, SEGMENT, Scene, Tree, Written

VOLUME = "https://clinic.example/fhir/StructureDefinition/volume"
_COMPONENT = "cs-volume"
_GONE = frozenset({"entered-in-error", "cancelled", "not-done", "declined"})

Stated = tuple[object, object, str]
"""A mass, a volume (None where none is stated), and the element of the volume."""


def volume(scene: Scene, written: Written) -> Iterator[Issue]:
    """Law (21 CFR 1304.22(c)): the mass is the volume times the strength of what it was taken from.

    A draw is as strong as its vial, and so is what a vial itself loses. What is given is as strong as the medication that was given. What
    comes out of a draw unused is as strong as the prepared syringe, or as the vial where it was never diluted.
    """
    tree = written.after
    if tree is None or written.role not in _STATED or tree.get("status") in _GONE:
        return
    mass, measured, where = _STATED[written.role](tree)
    if measured is None:
        return
    try:
        amount, stated = abs(micrograms(mass)), abs(solution.exact(measured, "uL"))
        strengths = dict(_strengths(scene, tree))
    except Inexact:
        return  # The ledger itself refuses an amount that it cannot post.
    except solution.Unclear as error:
        yield findings.law(written, "cs-04", f"The volume of {written.reference} cannot be compared with its amount. {error}", where)
        return
    if not any(_agree(scene, tree, amount, stated * strength) for strength in strengths.values()):
        yield findings.law(written, "cs-04", _says(written, amount, stated, strengths), where)


def _of_receipt(tree: Tree) -> Stated:
    item = tree.get("suppliedItem", {})
    return item.get("quantity"), _volume(item), "SupplyDelivery.suppliedItem.extension"


def _of_draw(tree: Tree) -> Stated:
    return tree.get("quantity"), _volume(tree) or _volume(tree.get("quantity", {})), "MedicationDispense.extension"


def _of_administration(tree: Tree) -> Stated:
    dosage = tree.get("dosage", {})
    return dosage.get("dose"), _volume(dosage), "MedicationAdministration.dosage.extension"


def _of_entry(tree: Tree) -> Stated:
    numbered = enumerate(tree.get("component", ()))
    found = next(((n, one) for n, one in numbered if reading.local_code(one.get("code")) == _COMPONENT), None)
    if found is None:
        return None, None, ""
    return tree.get("valueQuantity"), found[1].get("valueQuantity", {}), f"Observation.component[{found[0]}].value[x]"


_STATED: Mapping[str, Callable[[Tree], Stated]] = {
    RECEIPT: _of_receipt,
    DRAW: _of_draw,
    ADMINISTRATION: _of_administration,
    SEGMENT: _of_administration,
    LEDGER_ENTRY: _of_entry,
}


def _volume(element: Tree) -> object:
    found = reading.extension(element, VOLUME)
    return None if found is None else found.get("valueQuantity", {})


def _strengths(scene: Scene, tree: Tree) -> Iterator[tuple[str, Fraction]]:
    """What it may be as strong as, by `Medication/id`."""
    named = reading.medication(tree) or ""
    yield named, solution.strength(scene.get(named))
    draws = reading.referred(tree.get("partOf"), "MedicationDispense") if tree["resourceType"] == "Observation" else []
    for medication in dict.fromkeys(one for draw in draws for one in _prepared(scene, tree, draw)):
        yield medication, solution.strength(scene.get(medication))


def _prepared(scene: Scene, tree: Tree, draw: str) -> Iterator[str]:
    """The syringes that a draw may have filled: those that were given, or else those that its vial went into."""
    parts = [scene.get(one) for one in reading.referred(tree.get("partOf"), "MedicationAdministration")]
    given = [found for one in parts or scene.pointing("MedicationAdministration", draw) if one and (found := reading.medication(one))]
    if given:
        yield from given
        return
    vial = reading.medication(scene.get(draw) or {"resourceType": "MedicationDispense"})
    if vial:
        yield from (f"Medication/{one['id']}" for one in scene.pointing("Medication", vial))


def _agree(scene: Scene, tree: Tree, amount: int, found: Fraction) -> bool:
    """Whether the two amounts are one, as far as the clinic's tolerance goes."""
    if found == amount:
        return True
    vial = scene.vial_of(reading.medication(tree) or "") or ""
    return abs(found - amount) <= scene.policy(vial, reading.occurred(tree, scene.zone) or scene.now).tolerance(amount)


def _says(written: Written, amount: int, stated: Fraction, strengths: Mapping[str, Fraction]) -> str:
    held = " or ".join(f"{milligrams(round(stated * one))} mg of {name}" for name, one in strengths.items())
    read = f"{millilitres(round(stated))} mL"
    return f"{written.reference} states {milligrams(amount)} mg in {read}, but {read} are {held}. Correct whichever was read wrongly."


RULES: tuple[Callable[[Scene, Written], Iterable[Issue]], ...] = (volume,)
