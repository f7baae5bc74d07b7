"""The records that the benchmarks work on: a clinic with ten visits a day, each patient in a series of ten infusions.

Everything follows from a visit's number, so that a smaller clinic is the beginning of a larger one and every expected answer can be
computed. A visit is ten resources: the Encounter, the infusion, and eight vital signs. Ids are given, not assigned.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]

VISITS_A_DAY = 10
VISITS_OF_A_PATIENT = 10
RESOURCES_OF_A_VISIT = 10
FIRST_DAY = datetime(2025, 1, 6, 9, 0, tzinfo=UTC)
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
CONTROLLED = "CTLSUB"
HEART_RATE = "8867-4"
INFUSION_MINUTES = 52

_SID = "https://clinic.example/fhir/sid"
_LOCAL = "https://clinic.example/fhir/CodeSystem/ketamine-clinic"
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_DEVICE_CODES = "urn:iso:std:iso:11073:10101"
_NURSE, _PHYSICIAN, _PUMP, _MONITOR = "Practitioner/nurse", "Practitioner/physician", "Device/pump", "Device/monitor"


def patient_of(visit: int) -> str:
    """The id of the patient of a visit: ten patients share ten days."""
    block = VISITS_A_DAY * VISITS_OF_A_PATIENT
    return f"p{visit // block * VISITS_A_DAY + visit % VISITS_A_DAY}"


def day_of(visit: int) -> int:
    """The day of a visit, counted from the first."""
    return visit // VISITS_A_DAY


def start_of(visit: int) -> datetime:
    """When a visit begins: one every forty minutes from nine."""
    return FIRST_DAY + timedelta(days=day_of(visit), minutes=40 * (visit % VISITS_A_DAY))


def lot_of(day: int) -> str:
    """The lot number of the vial that is opened on a day."""
    return f"KET{day:05d}"


def instant(moment: datetime) -> str:
    """A FHIR dateTime."""
    return moment.isoformat()


def resources(first: int, last: int) -> Iterator[Json]:
    """Everything that the visits from `first` up to but not `last` need, what is referred to before what refers to it."""
    if first == 0:
        yield from premises()
    for visit in range(first, last):
        if visit % (VISITS_A_DAY * VISITS_OF_A_PATIENT) < VISITS_A_DAY:
            yield patient(patient_of(visit))
        if visit % VISITS_A_DAY == 0:
            yield vial(day_of(visit))
        yield from visit_resources(visit)


def visit_resources(visit: int) -> Iterator[Json]:
    """The ten resources of a visit."""
    yield encounter(visit)
    yield infusion(visit)
    for number, minute in enumerate((10, 35, 60)):
        yield vital(visit, f"o{visit}-bp{number}", minute, pressure(100 + (visit + minute) % 60))
        yield vital(visit, f"o{visit}-hr{number}", minute, heart_rate(60 + (visit + minute) % 50))
    for number, minute in enumerate((10, 35)):
        yield vital(visit, f"o{visit}-sat{number}", minute, saturation(92 + (visit + minute) % 8))


def premises() -> Iterator[Json]:
    """The clinic, its people and its devices."""
    yield {"resourceType": "Organization", "id": "clinic", "active": True, "name": "Benchmark Clinic"}
    for id, family in (("nurse", "Chen"), ("physician", "Rivera")):
        yield {"resourceType": "Practitioner", "id": id, "active": True, "name": [{"family": family, "given": ["Morgan"]}]}
    for id, name in (("pump", "Digital syringe pump"), ("monitor", "Bedside monitor")):
        yield {
            "resourceType": "Device",
            "id": id,
            "identifier": [_identifier("asset", id.upper())],
            "status": "active",
            "deviceName": [{"name": name, "type": "user-friendly-name"}],
        }


def patient(id: str) -> Json:
    """A synthetic person."""
    number = int(id[1:])
    return {
        "resourceType": "Patient",
        "id": id,
        "identifier": [_identifier("mrn", f"KET-{number:06d}")],
        "name": [{"use": "official", "family": f"Sample{number}", "given": ["Jordan"]}],
        "gender": "female" if number % 2 else "male",
        "birthDate": f"{1950 + number % 50}-0{1 + number % 9}-1{number % 10}",
        "managingOrganization": {"reference": "Organization/clinic"},
    }


def vial(day: int) -> Json:
    """The vial of a day, of a lot of its own."""
    return {
        "resourceType": "Medication",
        "id": f"vial{day}",
        "meta": {"tag": [_controlled()]},
        "identifier": [_identifier("vial", f"V-{day:06d}")],
        "code": {"text": "Ketamine 50 mg/mL, 10 mL multiple-dose vial (500 mg)"},
        "status": "active",
        "batch": {"lotNumber": lot_of(day), "expirationDate": "2029-08-31"},
    }


def encounter(visit: int) -> Json:
    """The visit itself, two hours long."""
    start = start_of(visit)
    return {
        "resourceType": "Encounter",
        "id": f"e{visit}",
        "identifier": [_identifier("visit", f"V-{visit:08d}")],
        "status": "finished",
        "class": {"system": ACT_CODE, "code": "AMB", "display": "ambulatory"},
        "type": [_concept(_LOCAL, "ketamine-infusion-mood", "Ketamine infusion visit, mood protocol (50-55 min)")],
        "subject": _reference(f"Patient/{patient_of(visit)}"),
        "participant": [{"individual": _reference(_PHYSICIAN)}, {"individual": _reference(_NURSE)}],
        "period": {"start": instant(start), "end": instant(start + timedelta(hours=2))},
        "serviceProvider": _reference("Organization/clinic"),
    }


def infusion(visit: int) -> Json:
    """The infusion of a visit, from the vial of its day; as not done, for of what was done the register asks where it came from."""
    start = start_of(visit) + timedelta(minutes=15)
    return {
        "resourceType": "MedicationAdministration",
        "id": f"a{visit}",
        "meta": {"tag": [_controlled()]},
        "identifier": [_identifier("mar", f"V-{visit:08d}/ket")],
        "status": "not-done",
        "medicationReference": _reference(f"Medication/vial{day_of(visit)}"),
        "subject": _reference(f"Patient/{patient_of(visit)}"),
        "context": _reference(f"Encounter/e{visit}"),
        "effectivePeriod": {"start": instant(start), "end": instant(start + timedelta(minutes=INFUSION_MINUTES))},
        "performer": [{"actor": _reference(_NURSE)}],
        "device": [_reference(_PUMP)],
        "dosage": {"text": "IV by syringe pump", "dose": _quantity(32.2, "mg", "mg")},
        "note": [{"text": f"{INFUSION_MINUTES} min infusion, no rate change. Delivered 32.2 mL of 1 mg/mL."}],
    }


def vital(visit: int, id: str, minute: int, measured: Json) -> Json:
    """A vital sign, `minute` minutes into the visit."""
    at = instant(start_of(visit) + timedelta(minutes=minute))
    return {
        "resourceType": "Observation",
        "id": id,
        "identifier": [_identifier("observation", f"V-{visit:08d}/{id}")],
        "status": "final",
        "category": [_concept(_CATEGORY, "vital-signs")],
        "subject": _reference(f"Patient/{patient_of(visit)}"),
        "encounter": _reference(f"Encounter/e{visit}"),
        "effectiveDateTime": at,
        "issued": at,
        "performer": [_reference(_NURSE)],
        "device": _reference(_MONITOR),
        **measured,
    }


def pressure(systolic: int) -> Json:
    """A blood pressure with its two components."""
    sys = {"coding": [_coding(LOINC, "8480-6", "Systolic blood pressure"), _coding(_DEVICE_CODES, "150021", "MDC_PRESS_BLD_NONINV_SYS")]}
    dia = {"coding": [_coding(LOINC, "8462-4", "Diastolic blood pressure"), _coding(_DEVICE_CODES, "150022", "MDC_PRESS_BLD_NONINV_DIA")]}
    panel = [
        _coding(LOINC, "85354-9", "Blood pressure panel with all children optional"),
        _coding(_DEVICE_CODES, "150020", "MDC_PRESS_BLD_NONINV"),
    ]
    return {
        "code": {"coding": panel},
        "component": [
            {"code": sys, "valueQuantity": _quantity(systolic, "mmHg", "mm[Hg]")},
            {"code": dia, "valueQuantity": _quantity(systolic - 45, "mmHg", "mm[Hg]")},
        ],
    }


def heart_rate(beats: int) -> Json:
    """A heart rate."""
    codes = [_coding(LOINC, HEART_RATE, "Heart rate"), _coding(_DEVICE_CODES, "147842", "MDC_ECG_HEART_RATE")]
    return {"code": {"coding": codes}, "valueQuantity": _quantity(beats, "/min", "/min")}


def saturation(percent: int) -> Json:
    """An oxygen saturation."""
    codes = [
        _coding(LOINC, "2708-6", "Oxygen saturation in Arterial blood"),
        _coding(LOINC, "59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry"),
    ]
    return {"code": {"coding": codes}, "valueQuantity": _quantity(percent, "%", "%")}


def _controlled() -> Json:
    return _coding(ACT_CODE, CONTROLLED, "Controlled Substance")


def _identifier(kind: str, value: str) -> Json:
    return {"system": f"{_SID}/{kind}", "value": value}


def _coding(system: str, code: str, display: str) -> Json:
    return {"system": system, "code": code, "display": display}


def _concept(system: str, code: str, display: str | None = None) -> Json:
    return {"coding": [{"system": system, "code": code} | ({"display": display} if display else {})]}


def _reference(address: str) -> Json:
    return {"reference": address, "type": address.split("/")[0]}


def _quantity(value: float, unit: str, code: str) -> Json:
    return {"value": value, "unit": unit, "system": UCUM, "code": code}
