"""The vials of the clinic of many years, their receipts, and what is written into the register besides draws and administrations."""

from datetime import datetime, timedelta

from service.demo import codes, history
from service.demo.years import CONTENT_MG, SAFE, STRENGTH_MG, SUPPLIER, Tree, Years, concept, quantity, ref, sid

TAG = {"tag": [{"system": codes.CONTROLLED.system, "code": codes.CONTROLLED.code}]}
SCHEDULE = {
    "url": "https://clinic.example/fhir/StructureDefinition/dea-schedule",
    "valueCoding": {"system": codes.LOCAL, "code": codes.SCHEDULE_III.code},
}
KETAMINE = concept(codes.KETAMINE)
_VIAL_CODE = {
    "coding": [*KETAMINE["coding"], *concept(codes.KETAMINE_VIAL)["coding"]],
    "text": "Ketamine 50 mg/mL, 10 mL multiple-dose vial",
}
_SEEN_BY = {"PRF": "performer", "WIT": "witness"}


def vial(id: str, lot: str, years: Years) -> Tree:
    """A full vial."""
    return {
        "resourceType": "Medication",
        "id": id,
        "meta": TAG,
        "extension": [SCHEDULE],
        "identifier": [sid("vial", id)],
        "code": _VIAL_CODE,
        "status": "active",
        "form": {"text": "Solution for injection"},
        "amount": {"numerator": quantity(CONTENT_MG // STRENGTH_MG, "mL"), "denominator": quantity(1, "1")},
        "ingredient": [
            {"itemCodeableConcept": KETAMINE, "strength": {"numerator": quantity(STRENGTH_MG, "mg"), "denominator": quantity(1, "mL")}}
        ],
        "batch": {"lotNumber": lot, "expirationDate": f"{years.last.year + 1}-08-31"},
    }


def receipt(vial: str, when: datetime, by: str) -> Tree:
    """Its receipt."""
    return {
        "resourceType": "SupplyDelivery",
        "id": f"{vial}-receipt",
        "meta": TAG,
        "extension": recorded(when),
        "identifier": [sid("cs-ledger", f"{vial}-receipt"), sid("invoice", f"INV-{vial}")],
        "status": "completed",
        "type": concept(codes.hl7("supply-item-type", "medication")),
        "suppliedItem": {"quantity": quantity(CONTENT_MG, "mg"), "itemReference": ref(f"Medication/{vial}")},
        "occurrenceDateTime": when.isoformat(),
        "supplier": ref(SUPPLIER),
        "destination": ref(SAFE),
        "receiver": [ref(by)],
    }


def entry(id: str, code: str, vial: str, what: tuple[datetime, Tree], who: tuple[str, str]) -> Tree:
    """An entry of the register: what kind, of which vial, (when, how much), (who did it, who witnessed it)."""
    when, amount = what
    return {
        "resourceType": "Observation",
        "id": id,
        "meta": TAG,
        "extension": recorded(when),
        "identifier": [sid("cs-ledger", id)],
        "status": "final",
        "category": [concept(codes.local("cs-ledger"))],
        "code": concept(codes.local(code)),
        "subject": ref(SAFE),
        "focus": [ref(f"Medication/{vial}")],
        "effectiveDateTime": when.isoformat(),
        "issued": when.isoformat(),
        "performer": [_acting(one, code) for one, code in zip(who, _SEEN_BY, strict=True)],
        "valueQuantity": amount,
    }


def _acting(who: str, code: str) -> Tree:
    function = {"url": codes.PERFORMER_FUNCTION, "valueCodeableConcept": concept(codes.participation(code, _SEEN_BY[code]))}
    return ref(who) | {"extension": [function]}


def recorded(when: datetime) -> list[Tree]:
    """The extension of a record that was written down in time."""
    return [{"url": history.RECORDED, "valueDateTime": (when + timedelta(minutes=1)).isoformat()}]
