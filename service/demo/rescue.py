"""Medicines given because of how the infusion goes: ondansetron for nausea, midazolam (itself controlled) for anxiety."""

from decimal import Decimal
from typing import Any

from fhir.resources.R4B.medicationadministration import MedicationAdministration
from fhir.resources.R4B.medicationrequest import MedicationRequest
from fhir.resources.R4B.reference import Reference

from service.demo import codes, ledger, vials
from service.demo.elements import concept, controlled, identifier, named, period, quantity
from service.demo.vials import Stock
from service.demo.visit import Visit


def add_ondansetron(visit: Visit, minute: int, reason: Reference) -> Reference:
    """4 mg over two minutes, ordered as needed."""
    vial = named("Medication", "vial", vials.ondansetron_serial(visit.arrival.date()))
    order = _add_order(visit, "ondansetron", vial, ("Ondansetron 4 mg IV once as needed for nausea", 4, codes.NAUSEA))
    return _add_dose(visit, "ondansetron", vial, (minute, 4), order, reason=reason, code=codes.NAUSEA)


def add_midazolam(visit: Visit, stock: Stock, minute: int, reason: Reference) -> Reference:
    """1 mg of a 2 mg vial; the rest is wasted before the witness."""
    draw = stock.draw("midazolam", 2_000)
    vial = draw.vial.reference
    order = _add_order(visit, "midazolam", vial, ("Midazolam 1 mg IV once as needed for anxiety", 1, codes.ANXIETY))
    dispense = ledger.add_draw(visit, stock, draw, minute - 1, order, "")
    given = _add_dose(visit, "midazolam", vial, (minute + 1, 1), order, reason=reason, code=codes.ANXIETY, draw=dispense)
    ledger.add_waste(visit, stock, draw, (1_000, Decimal(1), "drawn-not-given"), minute + 6, [dispense, given])
    return given


def _add_order(visit: Visit, drug: str, vial: Reference, dosage: tuple[str, int, codes.Code]) -> Reference:
    text, dose_mg, symptom = dosage
    return visit.transaction.add(
        f"order-{drug}",
        MedicationRequest,
        identifier=[identifier("order", f"{visit.number.replace('V-', 'RX-')}-2")],
        status="completed",
        intent="order",
        medicationReference=vial,
        subject=visit.patient,
        encounter=visit.encounter,
        authoredOn=visit.at(14),
        requester=visit.prescriber,
        dosageInstruction=[
            {
                "text": text,
                "asNeededCodeableConcept": concept(symptom, text=None if symptom.display else "Anxiety"),
                "route": concept(codes.INTRAVENOUS),
                "doseAndRate": [{"doseQuantity": quantity(dose_mg, "mg")}],
            }
        ],
    )


def _add_dose(visit: Visit, drug: str, vial: Reference, given: tuple[int, int], order: Reference, **why: Any) -> Reference:
    minute, dose_mg = given
    performer = concept(codes.hl7("med-admin-perform-function", "performer", "Performer"))
    return visit.transaction.add(
        drug,
        MedicationAdministration,
        meta=controlled() if "draw" in why else None,
        supportingInformation=[why["draw"]] if "draw" in why else None,
        identifier=[identifier("mar", f"{visit.number}/{drug}")],
        status="completed",
        category=concept(codes.hl7("medication-admin-category", "outpatient", "Outpatient")),
        medicationReference=vial,
        subject=visit.patient,
        context=visit.encounter,
        effectivePeriod=period(visit.at(minute), visit.at(minute + 2)),
        performer=[{"function": performer, "actor": visit.nurse}],
        reasonCode=[concept(why["code"])],
        reasonReference=[why["reason"]],
        request=order,
        dosage={"route": concept(codes.INTRAVENOUS), "dose": quantity(dose_mg, "mg")},
    )
