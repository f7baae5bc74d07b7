"""An amount taken out of a vial for one patient: a MedicationDispense of floor stock, in the name of who drew it, and the syringe where it
was diluted."""

from dataclasses import dataclass

from service.ledger.amount import milligrams, millilitres
from service.records.change import Create
from service.records.entering import elements, syringe
from service.records.entering.elements import Occasion
from service.records.entering.syringe import Dilution


@dataclass(frozen=True, slots=True)
class Draw:
    """What was taken: references of vial, safe, patient and visit, and of the order ("" where there is none); micrograms, and the
    microlitres of the vial's solution, None where they are no whole number."""

    vial: str
    safe: str
    patient: str
    visit: str
    order: str
    amount_ug: int
    volume_ul: int | None
    dilution: Dilution | None = None


def changes(draw: Draw, occasion: Occasion) -> list[Create]:
    """The MedicationDispense, and the Medication of the syringe where it was diluted."""
    performer = elements.who(occasion.signers.performer)
    measured = (
        [{"url": f"{elements.PROFILE}volume", "valueQuantity": elements.volume(draw.volume_ul)}] if draw.volume_ul is not None else []
    )
    text = f"{milligrams(draw.amount_ug)} mg withdrawn"
    if draw.volume_ul is not None:
        text += f", {millilitres(draw.volume_ul)} mL"
    if draw.dilution:
        text += f", diluted to {millilitres(draw.dilution.volume_ul)} mL"
    tree = {
        "resourceType": "MedicationDispense",
        "meta": elements.meta("controlled-substance-draw"),
        "extension": [*measured, *occasion.reasons],
        "identifier": [elements.identifier("cs-ledger", occasion.number)],
        "status": "completed",
        "category": elements.concept("http://terminology.hl7.org/fhir/CodeSystem/medicationdispense-category", "outpatient", "Outpatient"),
        "medicationReference": {"reference": draw.vial},
        "subject": {"reference": draw.patient},
        "context": {"reference": draw.visit},
        "performer": [{"actor": performer}],
        "location": {"reference": draw.safe},
        "authorizingPrescription": [{"reference": draw.order}] if draw.order else [],
        "type": elements.hl7("v3-ActCode", "FS", "Floor stock"),
        "quantity": elements.mass(draw.amount_ug),
        "whenPrepared": occasion.when,
        "whenHandedOver": occasion.when,
        "receiver": [performer],
        "note": [{"text": f"{text}."}],
    }
    filled = [syringe.change(draw.dilution, draw.amount_ug, occasion.number)] if draw.dilution else []
    return [elements.create(tree), *filled]
