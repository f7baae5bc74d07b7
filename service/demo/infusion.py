"""The infusion itself: order, prepared syringe, pump segments, and their sums.

A change of rate starts a new MedicationAdministration: one parent holds the whole period and dose, one child per constant
rate holds its part (https://hl7.org/fhir/R4/medicationadministration-definitions.html#MedicationAdministration.dosage.rate_x_).
Rates are whole multiples of 3 mL/h and times whole minutes, so every volume is a whole number of microlitres.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from fhir.resources.R4B.medication import Medication
from fhir.resources.R4B.medicationadministration import MedicationAdministration
from fhir.resources.R4B.medicationrequest import MedicationRequest
from fhir.resources.R4B.reference import Reference

from service.demo import chart, codes, history, ledger, premises, vials
from service.demo.elements import concept, controlled, identifier, period, quantity
from service.demo.schedule import Incident, Irregularity, Kind
from service.demo.vials import Draw, Stock, milligrams
from service.demo.visit import Visit

START = 25
SYRINGE_ML = 50
_RESIDUAL_UG = 50
"""What stays in the line of one infusion: less than the tolerance of the register."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of constant rate: minutes and mL per hour (a multiple of 3)."""

    minutes: int
    rate_ml_h: int

    @property
    def volume_ul(self) -> int:
        """Microlitres delivered."""
        return self.minutes * self.rate_ml_h * 1000 // 60


@dataclass(frozen=True, slots=True)
class Course:
    """What the pump is set to: the concentration of the syringe, the segments, and whether it was stopped before its time."""

    mg_per_ml: int
    segments: tuple[Segment, ...]
    stopped: bool = False

    @property
    def minutes(self) -> int:
        """How long the pump ran."""
        return sum(segment.minutes for segment in self.segments)

    @property
    def volume_ul(self) -> int:
        """Microlitres delivered in all."""
        return sum(segment.volume_ul for segment in self.segments)

    @property
    def dose_ug(self) -> int:
        """Micrograms given in all: a microlitre of 1 mg/mL holds one microgram."""
        return self.volume_ul * self.mg_per_ml

    @property
    def drawn_ug(self) -> int:
        """Micrograms drawn to fill the syringe."""
        return SYRINGE_ML * 1000 * self.mg_per_ml


@dataclass(frozen=True, slots=True)
class Infusion:
    """The records of an infusion that others refer to."""

    course: Course
    order: Reference
    parent: Reference
    dispense: Reference
    draw: Draw


def course(visit: Visit) -> Course:
    """The course of the visit: half a milligram per kilogram over 52 minutes, or 4 hours for pain; incidents change it."""
    if visit.plan.kind is Kind.PAIN:
        return Course(4, (Segment(60, 9), Segment(120, 12), Segment(60, 9)))
    rate = 3 * round(visit.person.weight_kg / 2 * 60 / 52 / 3)
    if visit.plan.incident is Incident.BLOOD_PRESSURE and not visit.brief:
        return Course(1, (Segment(29, rate), Segment(23, rate - 12)))
    if visit.plan.incident is Incident.DESATURATION and not visit.brief:
        return Course(1, (Segment(22, rate),), stopped=True)
    return Course(1, (Segment(52, rate),))


def add_infusion(visit: Visit, stock: Stock, weight: Reference) -> Infusion:
    """Order, draw, count, syringe, parent and segments, waste of the remainder."""
    plan = course(visit)
    draw = stock.draw("ketamine", plan.drawn_ug, is_received=visit.plan.irregularity is not Irregularity.UNRECEIVED)
    order = _add_order(visit, plan)
    note = f", diluted to {SYRINGE_ML} mL ({plan.mg_per_ml} mg/mL)"
    dispense = ledger.add_draw(visit, stock, draw, START - 5, order, note)
    parent = _add_parent(visit, plan, order, (dispense, weight))
    if not visit.brief:
        _add_segments(visit, plan, order, parent)
    remainder = plan.drawn_ug - plan.dose_ug - (_RESIDUAL_UG if visit.plan.irregularity is Irregularity.RESIDUAL else 0)
    reason = "infusion-stopped-early" if plan.stopped else "infusion-remainder"
    amounts = (remainder, milligrams(remainder) / plan.mg_per_ml, reason)
    ledger.add_waste(visit, stock, draw, amounts, START + plan.minutes + 9, [dispense, parent])
    return Infusion(plan, order, parent, dispense, draw)


def _syringe(visit: Visit) -> Reference:
    return visit.transaction.reference("Medication", "syringe")


def add_syringe(visit: Visit, infusion: Infusion) -> None:
    """The syringe as it was prepared from the vial: concentration, volume, lot, time until which it may be used."""
    plan, vial = infusion.course, infusion.draw.vial
    strength = {"numerator": quantity(milligrams(plan.drawn_ug), "mg"), "denominator": quantity(SYRINGE_ML, "mL")}
    visit.transaction.add(
        "syringe",
        Medication,
        meta=controlled(),
        extension=[vials.schedule(codes.SCHEDULE_III)],
        identifier=[identifier("prepared-syringe", visit.number.replace("V-", "SYR-"))],
        code=concept(codes.KETAMINE, text=f"Ketamine {plan.mg_per_ml} mg/mL in sodium chloride 0.9 %, {SYRINGE_ML} mL prepared syringe"),
        status="active",
        amount={"numerator": quantity(SYRINGE_ML, "mL"), "denominator": quantity(1, "1", "syringe")},
        ingredient=[{"itemReference": vial.reference, "isActive": True, "strength": strength}],
        batch={"lotNumber": vial.lot, "expirationDate": visit.at(START + max(plan.minutes, 60) + 175)},
    )


def _add_order(visit: Visit, plan: Course) -> Reference:
    first = plan.segments[0]
    target = milligrams(sum(part.volume_ul for part in _planned(plan)) * plan.mg_per_ml)
    minutes = sum(part.minutes for part in _planned(plan))
    text = (
        f"Ketamine {target} mg IV over {minutes} min by syringe pump, start {first.rate_ml_h} mL/h of {plan.mg_per_ml} mg/mL; "
        "titrate to comfort; reduce or stop if SBP >= 180 or DBP >= 110"
    )
    return visit.transaction.add(
        "order-ketamine",
        MedicationRequest,
        identifier=[identifier("order", f"{visit.number.replace('V-', 'RX-')}-1")],
        status="stopped" if plan.stopped else "completed",
        intent="order",
        category=[concept(codes.hl7("medicationrequest-category", "outpatient", "Outpatient"))],
        medicationReference=_syringe(visit),
        subject=visit.patient,
        encounter=visit.encounter,
        authoredOn=visit.at(14),
        requester=visit.prescriber,
        reportedBoolean=False,
        reasonReference=[chart.indication(visit.plan.mrn)],
        dispenseRequest={"numberOfRepeatsAllowed": 0, "quantity": quantity(milligrams(plan.drawn_ug), "mg")},
        dosageInstruction=[
            {
                "text": text,
                "timing": {"event": [visit.at(START)]},
                "route": concept(codes.INTRAVENOUS),
                "doseAndRate": [{"doseQuantity": quantity(target, "mg"), "rateQuantity": quantity(first.rate_ml_h, "mL/h")}],
                "maxDosePerAdministration": quantity(milligrams(plan.drawn_ug), "mg"),
            }
        ],
    )


def _planned(plan: Course) -> tuple[Segment, ...]:
    """The segments as ordered: a mood infusion was meant to run 52 minutes at its first rate."""
    return plan.segments if plan.mg_per_ml == 4 else (Segment(52, plan.segments[0].rate_ml_h),)


def _add_parent(visit: Visit, plan: Course, order: Reference, support: tuple[Reference, ...]) -> Reference:
    performers = (("performer", "Performer", visit.nurse), ("verifier", "Verifier", visit.witness))
    volume = Decimal(plan.volume_ul) / 1000
    reason = "Stopped by the nurse: oxygen saturation 88 %"
    return visit.transaction.add(
        "ketamine",
        MedicationAdministration,
        **_administration(visit, plan, order, "ket", (0, plan.minutes)),
        extension=_lateness(visit, plan),
        statusReason=[concept(text=reason)] if plan.stopped else None,
        performer=[_performer(*one) for one in performers],
        dosage={"route": concept(codes.INTRAVENOUS), "dose": quantity(milligrams(plan.dose_ug), "mg")},
        supportingInformation=list(support),
        note=[
            {
                "time": visit.at(START + plan.minutes),
                "text": f"{plan.minutes} min infusion. Delivered {volume} mL of {plan.mg_per_ml} mg/mL.",
            }
        ],
    )


def _lateness(visit: Visit, plan: Course) -> list[dict[str, Any]] | None:
    """When and why the administration was entered the day after, where it was."""
    if visit.plan.irregularity is not Irregularity.LATE:
        return None
    entered = datetime.fromisoformat(visit.at(START + plan.minutes)) + timedelta(hours=26)
    return history.late(entered, "Network failure in the afternoon; entered from the paper chart on the next morning")


def _add_segments(visit: Visit, plan: Course, order: Reference, parent: Reference) -> None:
    begin = 0
    for number, segment in enumerate(plan.segments, start=1):
        end = begin + segment.minutes
        visit.transaction.add(
            f"ketamine-{number}",
            MedicationAdministration,
            **_administration(visit, plan, order, f"ket-seg{number}", (begin, end)),
            partOf=[parent],
            performer=[_performer("performer", "Performer", visit.nurse)],
            dosage={
                "route": concept(codes.INTRAVENOUS),
                "dose": quantity(milligrams(segment.volume_ul * plan.mg_per_ml), "mg"),
                "rateQuantity": quantity(segment.rate_ml_h, "mL/h"),
            },
        )
        _add_flow(visit, f"flow{number}", START + begin, segment.rate_ml_h, parent)
        begin = end
    _add_flow(visit, "flow-stop", START + begin, 0, parent)


def _add_flow(visit: Visit, key: str, minute: int, rate_ml_h: int, parent: Reference) -> None:
    flow = quantity(rate_ml_h, "mL/h")
    visit.observe(key, codes.PUMP_FLOW, minute, "procedure", valueQuantity=flow, device=premises.pump(visit.plan.room), partOf=[parent])


def _administration(visit: Visit, plan: Course, order: Reference, key: str, span: tuple[int, int]) -> dict[str, Any]:
    last = span[1] == plan.minutes
    return {
        "meta": controlled(),
        "identifier": [identifier("mar", f"{visit.number}/{key}")],
        "status": "stopped" if plan.stopped and last else "completed",
        "category": concept(codes.hl7("medication-admin-category", "outpatient", "Outpatient")),
        "medicationReference": _syringe(visit),
        "subject": visit.patient,
        "context": visit.encounter,
        "effectivePeriod": period(visit.at(START + span[0]), visit.at(START + span[1])),
        "reasonReference": [chart.indication(visit.plan.mrn)],
        "request": order,
        "device": [premises.pump(visit.plan.room)],
    }


def _performer(code: str, display: str, who: Reference) -> dict[str, Any]:
    return {"function": concept(codes.hl7("med-admin-perform-function", code, display)), "actor": who}
