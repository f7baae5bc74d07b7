"""What is recorded about a visit, and the whole record in the order in which it grows."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from benchmarks.search.dataset import people, premises, readings
from benchmarks.search.dataset.clinic import VISITS_OF_A_VIAL, Clinic, Visit
from benchmarks.search.dataset.elements import (
    ACT_CODE,
    LOCAL,
    LOINC,
    MDC,
    SNOMED,
    TERMINOLOGY,
    Json,
    coding,
    concept,
    hl7,
    identifier,
    instant,
    quantity,
    reference,
    resource,
)
from benchmarks.search.dataset.people import registered, subject_of
from benchmarks.search.dataset.readings import HEART, MOOD, OXYGEN, PAIN, PRESSURE, WEIGHT, Reading

_PANEL = concept(coding(LOINC, "85354-9", "Blood pressure panel with all children optional"), coding(MDC, "150020", "MDC_PRESS_BLD_NONINV"))
_SYSTOLIC = concept(coding(LOINC, "8480-6", "Systolic blood pressure"), coding(MDC, "150021", "MDC_PRESS_BLD_NONINV_SYS"))
_DIASTOLIC = concept(coding(LOINC, "8462-4", "Diastolic blood pressure"), coding(MDC, "150022", "MDC_PRESS_BLD_NONINV_DIA"))
CODES = {
    PRESSURE: _PANEL,
    HEART: concept(coding(LOINC, "8867-4", "Heart rate"), coding(MDC, "147842", "MDC_ECG_HEART_RATE")),
    OXYGEN: concept(
        coding(LOINC, "2708-6", "Oxygen saturation in Arterial blood"),
        coding(LOINC, "59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry"),
        coding(MDC, "150456", "MDC_PULS_OXIM_SAT_O2"),
    ),
    MOOD: concept(coding(LOINC, "44261-6", "Patient Health Questionnaire 9 item (PHQ-9) total score [Reported]")),
    PAIN: concept(coding(LOINC, "72514-3", "Pain severity - 0-10 verbal numeric rating [Score] - Reported")),
    WEIGHT: concept(coding(LOINC, "29463-7", "Body weight")),
}
_UNITS = {HEART: ("/min", "/min"), OXYGEN: ("%", "%"), MOOD: ("{score}", "score"), PAIN: ("{score}", "score"), WEIGHT: ("kg", "kg")}
_VITAL = [hl7("observation-category", "vital-signs")]
_SURVEY = [hl7("observation-category", "survey")]
_ABSENT = hl7("data-absent-reason", "not-performed")
_METHOD = concept(coding(SNOMED, "17146006", "Arterial pressure monitoring, non-invasive method (regime/therapy)"))
_ARM = concept(coding(SNOMED, "368209003", "Right upper arm structure (body structure)"), text="Right upper arm")
_ROUTE = concept(coding(SNOMED, "47625008", "Intravenous route (qualifier value)"))
_AMBULATORY = coding(ACT_CODE, "AMB", "ambulatory")
_KIND = concept(coding(LOCAL, "ketamine-infusion-mood", "Ketamine infusion visit, mood protocol"))
EVENTS = (
    coding(SNOMED, "422587007", "Nausea (finding)"),
    coding(SNOMED, "404640003", "Dizziness (finding)"),
    coding(SNOMED, "24184005", "Finding of increased blood pressure (finding)"),
    coding(SNOMED, "48694002"),
    coding(SNOMED, "389087006"),
    coding(SNOMED, "25064002", "Headache (finding)"),
)
_PERFORMERS = (("performer", "Performer"), ("witness", "Witness"))
_PER_UNIT = {"mg": 3, "ug": 0, "g": 6}
BEGINNING = 900
"""Seconds from the begin of a visit to that of its infusion."""


def record(clinic: Clinic) -> Iterator[Json]:
    """Every resource, in the order in which the record grew."""
    yield from premises.premises(clinic)
    for visit in clinic.visits:
        yield from chart(clinic, visit)


def size(visit: Visit) -> int:
    """How many resources `chart` makes of a visit."""
    once = people.OF_A_PATIENT + 1 if visit.ordinal == 0 else 0
    opened = visit.rank % VISITS_OF_A_VIAL == 0
    return opened + once + 2 + readings.OF_A_VISIT + (visit.adverse is not None)


def chart(clinic: Clinic, visit: Visit) -> Iterator[Json]:
    """What a visit adds to the record, what is referred to first."""
    opened = clinic.opened(visit.vial)
    drawn = reference("Medication", visit.vial, opened)
    if visit.rank % VISITS_OF_A_VIAL == 0:
        yield premises.vial(visit.vial, opened)
    if visit.ordinal == 0:
        yield from people.about(visit, drawn)
    subject = subject_of(visit)
    yield encounter(visit, subject)
    for reading in readings.readings(visit):
        yield observation(visit, subject, reading)
    yield infusion(visit, subject, drawn)
    if visit.adverse is not None:
        yield adverse_event(visit, subject, EVENTS[visit.adverse])


def encounter(visit: Visit, subject: Json) -> Json:
    """The visit itself, two hours long."""
    ends = visit.status in ("finished", "cancelled")
    period = {"start": instant(visit.start, visit.site)} | ({"end": instant(visit.start + 7200, visit.site)} if ends else {})
    return resource(
        "Encounter",
        visit.rank,
        visit.start,
        identifier=[identifier("visit", f"V-{visit.rank:08d}")],
        status=visit.status,
        **{"class": _AMBULATORY},
        type=[_KIND],
        subject=subject,
        participant=[{"individual": reference("Practitioner", visit.physician)}, {"individual": reference("Practitioner", visit.nurse)}],
        period=None if visit.status == "planned" else period,
        length=quantity(120, "min") if ends else None,
        location=[{"location": reference("Location", visit.room), "status": "completed"}],
        serviceProvider=reference("Organization", visit.site),
    )


def observation(visit: Visit, subject: Json, reading: Reading) -> Json:
    """A vital sign or a score."""
    scored = reading.kind in (MOOD, PAIN)
    return resource(
        "Observation",
        reading.number,
        reading.at,
        identifier=[identifier("observation", f"O-{reading.number:010d}")],
        status="final" if reading.number % 40 else "amended",
        category=_SURVEY if scored else _VITAL,
        code=CODES[reading.kind],
        subject=subject,
        encounter=reference("Encounter", visit.rank, visit.start),
        effectiveDateTime=instant(reading.at, visit.site),
        issued=instant(reading.at + 20, visit.site),
        performer=[reference("Practitioner", visit.nurse)],
        device=None if scored else reference("Device", visit.room),
        **_measured(reading),
    )


def _measured(reading: Reading) -> Json:
    if reading.value is None:
        return {"dataAbsentReason": _ABSENT}
    if reading.kind == PRESSURE:
        parts = ((_SYSTOLIC, reading.value), (_DIASTOLIC, reading.diastolic))
        measured = [{"code": code, "valueQuantity": quantity(value or 0, "mm[Hg]", "mmHg")} for code, value in parts]
        return {"bodySite": _ARM, "method": _METHOD, "component": measured}
    value: Any = Decimal(reading.value).scaleb(-1) if reading.kind == WEIGHT else reading.value
    return {"valueQuantity": quantity(value, *_UNITS[reading.kind])}


def infusion(visit: Visit, subject: Json, drawn: Json) -> Json:
    """The dose that was given: by whom, who verified it, from which vial, how much in one of three units."""
    start = visit.start + BEGINNING
    people = zip(_PERFORMERS, (visit.nurse, visit.witness), strict=True)
    return resource(
        "MedicationAdministration",
        visit.rank,
        start,
        premises.CONTROLLED if premises.is_ketamine(visit.vial) else None,
        identifier=[identifier("mar", f"V-{visit.rank:08d}/dose")],
        status=visit.given,
        category=hl7("medication-admin-category", "outpatient"),
        medicationReference=drawn,
        subject=subject,
        context=reference("Encounter", visit.rank, visit.start),
        effectivePeriod={"start": instant(start, visit.site), "end": instant(start + visit.minutes * 60, visit.site)},
        performer=[
            {
                "function": concept(coding(TERMINOLOGY + "med-admin-perform-function", code, display)),
                "actor": reference("Practitioner", number),
            }
            for (code, display), number in people
        ],
        request=reference("MedicationRequest", visit.patient, registered(visit)),
        device=[reference("Device", visit.room)],
        dosage={"text": "IV by syringe pump", "route": _ROUTE, "dose": dose(visit)},
        note=[{"text": f"{visit.minutes} min infusion, no change of rate. Patient comfortable, monitored throughout."}],
    )


def dose(visit: Visit) -> Json:
    """The dose in the unit that it is recorded in."""
    return quantity(Decimal(visit.micrograms).scaleb(-_PER_UNIT[visit.dose_unit]).normalize() + 0, visit.dose_unit)


def adverse_event(visit: Visit, subject: Json, event: Json) -> Json:
    """What went wrong during the infusion."""
    at = visit.start + BEGINNING + 1200
    return resource(
        "AdverseEvent",
        visit.rank,
        at,
        identifier=identifier("adverse-event", f"AE-{visit.rank:08d}"),
        actuality="actual",
        category=[concept(coding(SNOMED, "292165004", "Ketamine adverse reaction (disorder)"), text="Expected drug effect")],
        event=concept(event),
        subject=subject,
        encounter=reference("Encounter", visit.rank, visit.start),
        date=instant(at, visit.site),
        detected=instant(at, visit.site),
        recordedDate=instant(at + 600, visit.site),
        location=reference("Location", visit.room),
        seriousness=hl7("adverse-event-seriousness", "Non-serious"),
        severity=hl7("adverse-event-severity", ("mild", "moderate", "severe")[visit.rank % 3]),
        outcome=hl7("adverse-event-outcome", "resolved"),
        recorder=reference("Practitioner", visit.nurse),
        suspectEntity=[{"instance": reference("MedicationAdministration", visit.rank, visit.start + BEGINNING)}],
    )
