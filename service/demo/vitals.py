"""Vital signs: baseline, a rise and fall over the infusion, recovery. Blood pressure as a panel with its components."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fhir.resources.R4B.meta import Meta
from fhir.resources.R4B.quantity import Quantity
from fhir.resources.R4B.reference import Reference

from service.demo import codes, premises
from service.demo.elements import built, concept, quantity
from service.demo.visit import Visit

_PROFILE = "http://hl7.org/fhir/StructureDefinition/"
BASELINE_MINUTE = 10


@dataclass(frozen=True, slots=True)
class Reading:
    """One set of vital signs."""

    systolic: int
    diastolic: int
    heart_rate: int
    saturation: int
    breaths: int

    @property
    def mean(self) -> int:
        """Mean arterial pressure, from the other two."""
        return round(self.diastolic + (self.systolic - self.diastolic) / 3)


def resting(visit: Visit, share: float = 0) -> Reading:
    """The patient's reading with `share` (0 to 1) of the rise that the infusion brings; a little chance in each number."""
    chance, person = visit.chance, visit.person
    return Reading(
        systolic=person.systolic + round(22 * share) + chance.randint(-3, 3),
        diastolic=person.diastolic + round(11 * share) + chance.randint(-2, 2),
        heart_rate=68 + round(16 * share) + chance.randint(-4, 4),
        saturation=98 - chance.randint(0, 2),
        breaths=14 + chance.randint(-1, 2),
    )


def add_set(visit: Visit, minute: int, reading: Reading) -> Reference:
    """Blood pressure, heart rate, saturation and breathing of one minute; answers the blood pressure."""
    stamp = visit.at(minute)[11:16].replace(":", "")
    pressure = _add_pressure(visit, f"bp{stamp}", minute, reading)
    single = (
        ("hr", codes.HEART_RATE, reading.heart_rate, "/min", "heartrate"),
        ("spo2", codes.OXYGEN_SATURATION, reading.saturation, "%", "oxygensat"),
        ("rr", codes.RESPIRATORY_RATE, reading.breaths, "/min", "resprate"),
    )
    for name, code, value, unit, profile in single:
        _add_vital(
            visit, f"{name}{stamp}", code, minute, profile, device=premises.monitor(visit.plan.room), valueQuantity=quantity(value, unit)
        )
    return pressure


def add_baseline(visit: Visit) -> tuple[Reference, Reading]:
    """Weight, temperature, rhythm and the first set; answers the blood pressure and the reading."""
    add_weight(visit)
    temperature = quantity(Decimal(visit.chance.randint(363, 371)) / 10, "Cel")
    _add_vital(visit, "temp", codes.TEMPERATURE, BASELINE_MINUTE, "bodytemp", valueQuantity=temperature)
    visit.observe(
        "rhythm", codes.RHYTHM, 12, "exam", valueCodeableConcept=concept(codes.SINUS_RHYTHM), device=premises.monitor(visit.plan.room)
    )
    reading = resting(visit)
    return add_set(visit, BASELINE_MINUTE, reading), reading


def add_declined_temperature(visit: Visit) -> Reference:
    """A temperature that the patient did not want taken."""
    declined = concept(codes.hl7("data-absent-reason", "asked-declined", "Asked But Declined"))
    return _add_vital(visit, "temp", codes.TEMPERATURE, BASELINE_MINUTE, "bodytemp", dataAbsentReason=declined)


def add_weight(visit: Visit) -> Reference:
    """The body weight that the dose is worked out from."""
    return _add_vital(
        visit,
        "weight",
        codes.WEIGHT,
        7,
        "bodyweight",
        valueQuantity=Quantity(value=visit.person.weight_kg, unit="kg", system=codes.UCUM, code="kg"),
    )


def _add_pressure(visit: Visit, key: str, minute: int, reading: Reading) -> Reference:
    parts = ((codes.SYSTOLIC, reading.systolic), (codes.DIASTOLIC, reading.diastolic), (codes.MEAN_PRESSURE, reading.mean))
    critical = reading.systolic >= 180 or reading.diastolic >= 110
    alarm = [concept(codes.hl7("v3-ObservationInterpretation", "HH", "Critical high"))]
    return _add_vital(
        visit,
        key,
        codes.BLOOD_PRESSURE,
        minute,
        "bp",
        interpretation=alarm if critical else None,
        bodySite=concept(codes.UPPER_ARM, text="Right upper arm"),
        method=concept(codes.NON_INVASIVE),
        device=premises.monitor(visit.plan.room),
        component=[{"code": concept(*code), "valueQuantity": quantity(value, "mm[Hg]", "mmHg")} for code, value in parts],
    )


def _add_vital(visit: Visit, key: str, code: tuple[codes.Code, ...], minute: int, profile: str, **elements: Any) -> Reference:
    return visit.observe(key, code, minute, "vital-signs", meta=built(Meta, profile=[_PROFILE + profile]), **elements)
