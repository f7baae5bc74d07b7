"""Pieces of FHIR resources as trees. Codes: those of the demonstration, which were looked up, and the clinic's own."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from benchmarks.search.dataset.identity import uid

Json = dict[str, Any]

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
MDC = "urn:iso:std:iso:11073:10101"
UCUM = "http://unitsofmeasure.org"
NPI = "http://hl7.org/fhir/sid/us-npi"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
LOCAL = "https://clinic.example/fhir/CodeSystem/ketamine-clinic"
SID = "https://clinic.example/fhir/sid/"
ACT_CODE = TERMINOLOGY + "v3-ActCode"
OPENED = 1_635_638_400
"""When the clinic's own people, rooms and devices were entered: the day before the first visit."""

_ZONES = (UTC, timezone(timedelta(hours=-8)), timezone(timedelta(hours=-7)), timezone(timedelta(hours=1)))


def instant(seconds: int, site: int = 0) -> str:
    """A FHIR dateTime with the offset of a site."""
    return datetime.fromtimestamp(seconds, _ZONES[site % len(_ZONES)]).isoformat()


def day(seconds: int) -> str:
    """A FHIR date, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")


def coding(system: str, code: str, display: str | None = None) -> Json:
    """A Coding."""
    return {"system": system, "code": code} | ({"display": display} if display else {})


def concept(*codings: Json, text: str | None = None) -> Json:
    """A CodeableConcept."""
    return ({"coding": list(codings)} if codings else {}) | ({"text": text} if text else {})


def hl7(system: str, code: str) -> Json:
    """A CodeableConcept of one of HL7's own code systems."""
    return concept(coding(TERMINOLOGY + system, code))


def identifier(kind: str, value: str) -> Json:
    """An identifier in one of the clinic's systems."""
    return {"system": SID + kind, "value": value}


def quantity(value: Decimal | int, unit: str, shown: str | None = None) -> Json:
    """An amount in a UCUM unit."""
    return {"value": value, "unit": shown or unit, "system": UCUM, "code": unit}


def reference(type: str, number: int, seconds: int = OPENED) -> Json:
    """A reference to a resource that came about at `seconds`."""
    return {"reference": f"{type}/{uid(type, number, seconds)}", "type": type}


def resource(type: str, number: int, seconds: int, meta: Json | None = None, /, **elements: Any) -> Json:
    """A resource with its id; elements that are None are left out."""
    made: Json = {"resourceType": type, "id": uid(type, number, seconds)}
    if meta:
        made["meta"] = meta
    for name, value in elements.items():
        if value is not None:
            made[name] = value
    return made
