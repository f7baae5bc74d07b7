"""A syringe that was filled for one infusion and diluted: a Medication made of its vial (profile prepared-syringe)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.ledger import reading
from service.ledger.amount import UCUM, milligrams, millilitres
from service.records.change import Create
from service.records.entering import elements
from service.records.entering.elements import Tree


@dataclass(frozen=True, slots=True)
class Dilution:
    """What a draw was diluted to: microlitres in all, and until when it may be used (FHIR dateTime). `vial` is the vial's Medication."""

    vial: Tree
    volume_ul: int
    until: str


def change(dilution: Dilution, amount_ug: int, number: str) -> Create:
    """The Medication that holds `amount_ug`; `number` is the ledger number of the draw."""
    vial = dilution.vial
    ingredient: Mapping[str, Any] = next(iter(vial.get("ingredient", ())), {})
    concept: Mapping[str, Any] = ingredient.get("itemCodeableConcept", vial.get("code", {}))
    coded: Mapping[str, Any] = next(iter(concept.get("coding", ())), {})
    name = str(concept.get("text") or coded.get("display") or coded.get("code", "")).capitalize()
    schedule = reading.extension(vial, reading.SCHEDULE)
    held = {"numerator": elements.mass(amount_ug), "denominator": elements.volume(dilution.volume_ul)}
    one = {"value": 1, "unit": "syringe", "system": UCUM, "code": "1"}
    tree = {
        "resourceType": "Medication",
        "meta": elements.meta("prepared-syringe"),
        "extension": [schedule] if schedule else [],
        "identifier": [elements.identifier("prepared-syringe", number)],
        "code": {
            **({"coding": [coded]} if coded else {}),
            "text": f"{name} {milligrams(amount_ug)} mg in {millilitres(dilution.volume_ul)} mL, prepared syringe",
        },
        "status": "active",
        "amount": {"numerator": elements.volume(dilution.volume_ul), "denominator": one},
        "ingredient": [{"itemReference": {"reference": f"Medication/{vial['id']}"}, "isActive": True, "strength": held}],
        "batch": {"lotNumber": vial.get("batch", {}).get("lotNumber", ""), "expirationDate": dilution.until},
    }
    return elements.create(tree)
