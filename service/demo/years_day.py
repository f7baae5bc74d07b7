"""One day of one room in the clinic of many years: a vial comes out of the safe full and goes back empty, ten patients later.

A visit is an Encounter, the order, the draw, the prepared syringe, the infusion, the waste of what is left and the discharge checklist.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from service.demo import codes, history, years_vials
from service.demo.checklists import DISCHARGE
from service.demo.years import (
    CLINIC,
    CONTENT_MG,
    SAFE,
    Tree,
    Years,
    at,
    concept,
    nurse,
    patient,
    prescriber,
    quantity,
    ref,
    sid,
)
from service.demo.years_vials import KETAMINE, SCHEDULE, TAG, entry, receipt, recorded

_DRAWN_MG, _SYRINGE_ML = 50, 50
_MINUTES = 40
_START, _STOP, _WASTED, _LEFT = 10, 50, 53, 60
_EVERY = 66
_FIRST_HOUR = 7
_RATES = range(36, 63, 3)
_LATE_IN = 211
"""One waste of so many was entered on the day after."""
_CHECKED = [{"linkId": item.link, "answer": [{"valueBoolean": True}]} for item in DISCHARGE.items]


@dataclass(frozen=True, slots=True)
class _Visit:
    """A visit: its number of all, who, where and when."""

    number: int
    vial: str
    lot: str
    arrival: datetime
    patient: str
    room: str
    nurse: str
    witness: str
    prescriber: str
    dose_mg: Decimal

    def id(self, part: str = "") -> str:
        return f"years-v{self.number:06d}{part}"

    def ref(self, type: str, part: str = "") -> str:
        return f"{type}/{self.id(part)}"

    def at(self, minute: int) -> str:
        return (self.arrival + timedelta(minutes=minute)).isoformat()


def room_day(years: Years, day: int, room: int) -> list[Tree]:
    """What is written down on a day in a room: the vial with its receipt, the visits, and the count at the end."""
    date, vial = years.day(day), f"years-{day:04d}-{room:02d}"
    lot = f"KETY{day // 20:04d}"
    found = [years_vials.vial(vial, lot, years), receipt(vial, at(date, 6, room), nurse(day + room))]
    for place in range(years.visits):
        found += _visit(_planned(years, (day, room, place), vial, lot))
    left = quantity(CONTENT_MG - _DRAWN_MG * years.visits, "mg")
    counted = entry(f"{vial}-count", "cs-count", vial, (at(date, 19, room), left), (nurse(day + room), nurse(day + room + 5)))
    return [*found, counted]


def days(years: Years) -> Iterator[list[Tree]]:
    """Every room's day, in the order of time."""
    for day in range(years.days):
        for room in range(years.rooms):
            yield room_day(years, day, room)


def _planned(years: Years, when: tuple[int, int, int], vial: str, lot: str) -> _Visit:
    day, room, place = when
    number = (day * years.rooms + room) * years.visits + place
    chance = Random(f"{years.seed}/{number}")
    rate = chance.choice(_RATES)
    return _Visit(
        number=number,
        vial=vial,
        lot=lot,
        arrival=at(years.day(day), _FIRST_HOUR, _EVERY * place + room),
        patient=patient((number * 7 + day) % years.patients),
        room=f"Location/years-room-{room}",
        nurse=nurse(day + room),
        witness=nurse(day + room + 1 + chance.randrange(6)),
        prescriber=prescriber(room),
        dose_mg=Decimal(rate * _MINUTES) / 60,
    )


def _visit(visit: _Visit) -> Iterator[Tree]:
    yield _encounter(visit)
    yield _order(visit)
    yield _syringe(visit)
    yield _draw(visit)
    yield _infusion(visit)
    yield _waste(visit)
    yield {
        "resourceType": "QuestionnaireResponse",
        "id": visit.id("-discharge"),
        "questionnaire": f"{DISCHARGE.url}|{DISCHARGE.version}",
        "status": "completed",
        "subject": ref(f"Patient/{visit.patient}"),
        "encounter": ref(visit.ref("Encounter")),
        "authored": visit.at(_LEFT),
        "author": ref(visit.nurse),
        "item": _CHECKED,
    }


def _encounter(visit: _Visit) -> Tree:
    taking_part = (("ATND", visit.prescriber), ("PPRF", visit.nurse), ("ESC", f"RelatedPerson/{visit.patient}-escort"))
    return {
        "resourceType": "Encounter",
        "id": visit.id(),
        "identifier": [sid("visit", f"Y-{visit.number:06d}")],
        "status": "finished",
        "class": {"system": codes.TERMINOLOGY + "v3-ActCode", "code": "AMB"},
        "type": [concept(codes.local("ketamine-infusion-mood"))],
        "subject": ref(f"Patient/{visit.patient}"),
        "participant": [{"type": [concept(codes.hl7("v3-ParticipationType", code))], "individual": ref(who)} for code, who in taking_part],
        "period": {"start": visit.at(0), "end": visit.at(_LEFT)},
        "reasonReference": [ref(f"Condition/{visit.patient}-condition")],
        "location": [{"location": ref(visit.room)}],
        "serviceProvider": ref(CLINIC),
    }


def _order(visit: _Visit) -> Tree:
    return {
        "resourceType": "MedicationRequest",
        "id": visit.id("-order"),
        "identifier": [sid("order", f"Y-{visit.number:06d}")],
        "status": "completed",
        "intent": "order",
        "medicationReference": ref(visit.ref("Medication", "-syringe")),
        "subject": ref(f"Patient/{visit.patient}"),
        "encounter": ref(visit.ref("Encounter")),
        "authoredOn": visit.at(2),
        "requester": ref(visit.prescriber),
        "reasonReference": [ref(f"Condition/{visit.patient}-condition")],
        "dosageInstruction": [
            {
                "route": concept(codes.INTRAVENOUS),
                "doseAndRate": [{"doseQuantity": quantity(visit.dose_mg, "mg")}],
                "maxDosePerAdministration": quantity(_DRAWN_MG, "mg"),
            }
        ],
    }


def _syringe(visit: _Visit) -> Tree:
    strength = {"numerator": quantity(_DRAWN_MG, "mg"), "denominator": quantity(_SYRINGE_ML, "mL")}
    return {
        "resourceType": "Medication",
        "id": visit.id("-syringe"),
        "meta": TAG,
        "extension": [SCHEDULE],
        "identifier": [sid("prepared-syringe", f"Y-{visit.number:06d}")],
        "code": KETAMINE,
        "status": "active",
        "amount": {"numerator": quantity(_SYRINGE_ML, "mL"), "denominator": quantity(1, "1")},
        "ingredient": [{"itemReference": ref(f"Medication/{visit.vial}"), "strength": strength}],
        "batch": {"lotNumber": visit.lot, "expirationDate": visit.at(_START + 240)},
    }


def _draw(visit: _Visit) -> Tree:
    return {
        "resourceType": "MedicationDispense",
        "id": visit.id("-draw"),
        "meta": TAG,
        "extension": recorded(visit.arrival + timedelta(minutes=8)),
        "identifier": [sid("cs-ledger", f"Y-{visit.number:06d}-draw")],
        "status": "completed",
        "medicationReference": ref(f"Medication/{visit.vial}"),
        "subject": ref(f"Patient/{visit.patient}"),
        "context": ref(visit.ref("Encounter")),
        "performer": [{"actor": ref(visit.nurse)}],
        "location": ref(SAFE),
        "authorizingPrescription": [ref(visit.ref("MedicationRequest", "-order"))],
        "type": concept(codes.act("FS")),
        "quantity": quantity(_DRAWN_MG, "mg"),
        "whenPrepared": visit.at(6),
        "whenHandedOver": visit.at(8),
    }


def _infusion(visit: _Visit) -> Tree:
    return {
        "resourceType": "MedicationAdministration",
        "id": visit.id("-infusion"),
        "meta": TAG,
        "extension": recorded(visit.arrival + timedelta(minutes=_STOP)),
        "identifier": [sid("mar", f"Y-{visit.number:06d}")],
        "status": "completed",
        "medicationReference": ref(visit.ref("Medication", "-syringe")),
        "subject": ref(f"Patient/{visit.patient}"),
        "context": ref(visit.ref("Encounter")),
        "supportingInformation": [ref(visit.ref("MedicationDispense", "-draw"))],
        "effectivePeriod": {"start": visit.at(_START), "end": visit.at(_STOP)},
        "performer": [{"function": concept(codes.hl7("med-admin-perform-function", "performer")), "actor": ref(visit.nurse)}],
        "reasonReference": [ref(f"Condition/{visit.patient}-condition")],
        "request": ref(visit.ref("MedicationRequest", "-order")),
        "dosage": {"route": concept(codes.INTRAVENOUS), "dose": quantity(visit.dose_mg, "mg")},
    }


def _waste(visit: _Visit) -> Tree:
    when = visit.arrival + timedelta(minutes=_WASTED)
    said = entry(
        visit.id("-waste"), "cs-waste", visit.vial, (when, quantity(_DRAWN_MG - visit.dose_mg, "mg")), (visit.nurse, visit.witness)
    )
    parts = (("cs-waste-reason", "infusion-remainder"), ("cs-waste-method", "sequestration-container"))
    late = visit.number % _LATE_IN == 0
    return said | {
        "extension": history.late(when + timedelta(hours=25), "Entered from the paper chart") if late else said["extension"],
        "subject": ref(f"Patient/{visit.patient}"),
        "encounter": ref(visit.ref("Encounter")),
        "partOf": [ref(visit.ref("MedicationDispense", "-draw")), ref(visit.ref("MedicationAdministration", "-infusion"))],
        "component": [{"code": concept(codes.local(code)), "valueCodeableConcept": concept(codes.local(value))} for code, value in parts],
    }
