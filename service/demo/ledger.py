"""What a visit writes into the controlled-substance ledger: draw, witnessed count, witnessed waste with two signatures."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from fhir.resources.R4B.medicationdispense import MedicationDispense
from fhir.resources.R4B.observation import Observation
from fhir.resources.R4B.provenance import Provenance
from fhir.resources.R4B.reference import Reference

from service.demo import codes, premises
from service.demo.elements import concept, controlled, identifier, quantity, tree
from service.demo.transaction import Transaction
from service.demo.vials import Draw, Stock, milligrams
from service.demo.visit import Visit

COUNT = codes.local("cs-count", "Vial balance count")
WASTE = codes.local("cs-waste", "Controlled-substance waste")
_CATEGORY = codes.local("cs-ledger", "Controlled-substance ledger")
_REASONS = {
    "infusion-remainder": "Remainder of prepared syringe after infusion",
    "infusion-stopped-early": "Infusion stopped early",
    "drawn-not-given": "Drawn but not given",
}
_EXAMPLE_SIGNATURE = "ZXhhbXBsZS1zaWduYXR1cmU="


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a ledger entry goes and who makes it: the Bundle, the stock that numbers it, performer and witness."""

    transaction: Transaction
    stock: Stock
    performer: Reference
    witness: Reference | None


def entry(visit: Visit, stock: Stock) -> Entry:
    """The ledger entry maker of a visit: its nurse, and the witness."""
    return Entry(visit.transaction, stock, visit.nurse, visit.witness)


def _waster(visit: Visit, stock: Stock) -> Entry:
    """The same, without the witness where there was none."""
    return replace(entry(visit, stock), witness=None) if visit.is_unwitnessed else entry(visit, stock)


def add_draw(visit: Visit, stock: Stock, draw: Draw, minute: int, order: Reference, note: str) -> Reference:
    """A draw from a vial, and the count of what is left a minute later."""
    name = draw.vial.drug
    withdrawn = f"{draw.volume_ml} mL of {draw.vial.mg_per_ml} mg/mL withdrawn"
    dispense = visit.transaction.add(
        f"draw-{name}",
        MedicationDispense,
        meta=controlled(),
        identifier=[identifier("cs-ledger", stock.number())],
        status="completed",
        category=concept(codes.Code("http://terminology.hl7.org/fhir/CodeSystem/medicationdispense-category", "outpatient", "Outpatient")),
        medicationReference=draw.vial.reference,
        subject=visit.patient,
        context=visit.encounter,
        performer=[{"actor": visit.nurse}],
        location=premises.safe(),
        authorizingPrescription=[order],
        type=concept(codes.act("FS", "Floor stock")),
        quantity=quantity(milligrams(draw.amount_ug), "mg"),
        dosageInstruction=[
            {
                "text": "For the infusion of this visit, as ordered",
                "timing": {"event": [visit.at(minute + 5)]},
                "doseAndRate": [{"doseQuantity": quantity(milligrams(draw.amount_ug), "mg")}],
            }
        ],
        whenPrepared=visit.at(minute),
        whenHandedOver=visit.at(minute + 2),
        destination=visit.room,
        receiver=[visit.nurse],
        note=[{"text": f"{withdrawn}{note}. Vial balance {milligrams(draw.before_ug)} -> {milligrams(draw.after_ug)} mg."}],
    )
    add_count(entry(visit, stock), f"count-{name}", draw, visit.at(minute + 3))
    return dispense


def add_count(by: Entry, key: str, draw: Draw, when: str) -> Reference:
    """What a vial holds, counted by two."""
    exact = concept(codes.local("count-exact", "Exact count"))
    return by.transaction.add(
        key,
        Observation,
        **_posting(by, draw, COUNT, draw.after_ug, when),
        subject=premises.safe(),
        component=[{"code": concept(codes.local("cs-count-method", "Count method")), "valueCodeableConcept": exact}],
    )


def add_waste(
    visit: Visit, stock: Stock, draw: Draw, amounts: tuple[int, Decimal, str], minute: int, part_of: list[Reference]
) -> Reference:
    """Waste of (micrograms, volume in mL, reason) before a witness; all sign within a minute."""
    amount_ug, volume_ml, reason = amounts
    key = f"waste-{draw.vial.drug}"
    parts = (
        ("cs-volume", "Volume", {"valueQuantity": quantity(volume_ml, "mL")}),
        ("cs-waste-reason", "Reason", {"valueCodeableConcept": concept(codes.local(reason, _REASONS[reason]))}),
        (
            "cs-waste-method",
            "Method",
            {"valueCodeableConcept": concept(codes.local("sequestration-container", "Chemical sequestration container, non-retrievable"))},
        ),
    )
    waste = visit.transaction.add(
        key,
        Observation,
        **_posting(_waster(visit, stock), draw, WASTE, amount_ug, visit.at(minute)),
        subject=visit.patient,
        encounter=visit.encounter,
        partOf=part_of,
        component=[{"code": concept(codes.local(code, display)), **value} for code, display, value in parts],
    )
    _add_signatures(visit, key, waste, visit.at(minute + 1))
    return waste


def _posting(by: Entry, draw: Draw, code: codes.Code, amount_ug: int, when: str) -> dict[str, Any]:
    return {
        "meta": controlled(codes.LEDGER_PROFILE),
        "identifier": [identifier("cs-ledger", by.stock.number())],
        "status": "final",
        "category": [concept(_CATEGORY)],
        "code": concept(code),
        "focus": [draw.vial.reference],
        "effectiveDateTime": when,
        "issued": when,
        "performer": [_acting(by.performer, "PRF", "performer"), *([_acting(by.witness, "WIT", "witness")] if by.witness else [])],
        "valueQuantity": quantity(milligrams(amount_ug), "mg"),
    }


def _acting(who: Reference, code: str, display: str) -> dict[str, Any]:
    function = {"url": codes.PERFORMER_FUNCTION, "valueCodeableConcept": concept(codes.participation(code, display))}
    return {**tree(who), "extension": [function]}


def _add_signatures(visit: Visit, key: str, target: Reference, when: str) -> None:
    signed = (
        ("1.2.840.10065.1.12.1.1", "Author's Signature", visit.nurse),
        *((("1.2.840.10065.1.12.1.9", "Event Witness Signature", visit.witness),) if not visit.is_unwitnessed else ()),
    )
    visit.transaction.add(
        f"signed-{key}",
        Provenance,
        target=[target],
        occurredDateTime=when,
        recorded=when,
        activity=concept(codes.hl7("v3-DataOperation", "CREATE", "create")),
        agent=[
            {"type": concept(codes.hl7("provenance-participant-type", role)), "who": who, "onBehalfOf": premises.clinic()}
            for role, (*_, who) in zip(("performer", "verifier"), signed, strict=False)
        ],
        signature=[
            {
                "type": [{"system": codes.SIGNATURE_TYPE, "code": code, "display": display}],
                "when": when,
                "who": who,
                "sigFormat": "application/jose",
                "data": _EXAMPLE_SIGNATURE,
            }
            for code, display, who in signed
        ],
    )
