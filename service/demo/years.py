"""Two years of a clinic with ten rooms, for measurements: about 50,000 infusions with their vials, receipts, draws, wastes and counts.

Everything follows from a seed and from numbers, and ids are given, so that the same years are the same bytes. What must be written together
comes together: first the premises, the staff and the patients, then one room's day at a time, which is one vial from its receipt to the
count of the empty glass. Visits are as brief as the register allows. All of it claims no profile, and says when it was first recorded.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from service.demo import codes, premises

Tree = dict[str, Any]

ZONE = ZoneInfo("America/Los_Angeles")
SITE, SAFE, CLINIC, SUPPLIER = "Location/years-site", "Location/years-safe", "Organization/years-clinic", "Organization/years-wholesaler"
CONTENT_MG, STRENGTH_MG = 500, 50
_TELECOM = [{"system": "phone", "value": "+1-555-0199", "use": "work"}]
_NURSES, _PRESCRIBERS = 14, 3
_GIVEN = ("Avery", "Blake", "Cameron", "Dakota", "Emery", "Finley", "Harper", "Jules", "Kendall", "Logan", "Marlow", "Nico", "Oakley")
_FAMILY = (
    "Ashgrove",
    "Birchley",
    "Cedarholm",
    "Dunmoor",
    "Elmsworth",
    "Fernwick",
    "Glenbrook",
    "Hollowell",
    "Ivydale",
    "Juniperson",
    "Larkfield",
)
_LICENSED = {"start": "2022-01-01", "end": "2029-12-31"}
_CHUNK = 400


@dataclass(frozen=True, slots=True)
class Years:
    """How much there is: working days up to `last`, rooms, and visits of a room's day (at most ten, one for each draw of a vial)."""

    days: int = 500
    rooms: int = 10
    visits: int = 10
    patients: int = 1500
    seed: int = 1
    last: date = date(2026, 11, 16)

    @property
    def administrations(self) -> int:
        """How many infusions."""
        return self.days * self.rooms * self.visits

    def day(self, number: int) -> date:
        """The working day with that number, from 0: Monday to Friday."""
        weeks, rest = divmod(self.days - 1 - number, 5)
        day = self.last - timedelta(days=max(0, self.last.weekday() - 4) + 7 * weeks)
        for _ in range(rest):
            day -= timedelta(days=3 if day.weekday() == 0 else 1)
        return day


def nurse(number: int) -> str:
    """The reference to a nurse; the numbers go round."""
    return f"Practitioner/years-nurse-{number % _NURSES}"


def prescriber(number: int) -> str:
    """The reference to a physician."""
    return f"Practitioner/years-physician-{number % _PRESCRIBERS}"


def patient(number: int) -> str:
    """The id of a patient."""
    return f"years-p{number:05d}"


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """An instant of the clinic's day."""
    return datetime.combine(day, time(hour), tzinfo=ZONE) + timedelta(minutes=minute)


def ref(text: str) -> Tree:
    """A literal reference."""
    return {"reference": text}


def concept(code: codes.Code, text: str | None = None) -> Tree:
    """A CodeableConcept of one code."""
    coding = {"system": code.system, "code": code.code} | ({"display": code.display} if code.display else {})
    return {"coding": [coding]} | ({"text": text} if text else {})


def quantity(value: Decimal | int, unit: str) -> Tree:
    """An amount in a UCUM unit."""
    return {"value": value, "unit": unit, "system": codes.UCUM, "code": unit}


def sid(system: str, value: str) -> Tree:
    """An identifier of the clinic's own, or of a system that is named in full."""
    return {"system": system if ":" in system else codes.SID + system, "value": value}


def foundation(years: Years) -> Iterator[list[Tree]]:
    """Organizations, site, safe, rooms, staff; then the patients, each with escort, indication and consent. One list is one commit."""
    yield [*_premises(years), *_staff()]
    batch: list[Tree] = []
    for number in range(years.patients):
        batch += _patient(years, number)
        if len(batch) >= _CHUNK:
            yield batch
            batch = []
    if batch:
        yield batch


def _premises(years: Years) -> Iterator[Tree]:
    yield _organization(CLINIC, "Example Infusion Center of Many Rooms", "FY1234563", premises.ADDRESS)
    yield _organization(SUPPLIER, "Example Pharmaceutical Wholesale West", "RW1234563", {**premises.ADDRESS, "line": ["510 Depot Rd"]})
    yield _location(SITE, "Registered location (DEA site)", "si") | {"managingOrganization": ref(CLINIC), "address": premises.ADDRESS}
    yield _location(SAFE, "Controlled-substance safe", "ca") | {"partOf": ref(SITE)}
    for room in range(years.rooms):
        yield _location(f"Location/years-room-{room}", f"Infusion room {room + 1}", "ro") | {"partOf": ref(SITE)}


def _organization(reference: str, name: str, dea: str, address: Tree) -> Tree:
    return {
        "resourceType": "Organization",
        "id": reference.partition("/")[2],
        "identifier": [sid(codes.DEA, dea)],
        "active": True,
        "name": name,
        "telecom": _TELECOM,
        "address": [address],
    }


def _location(reference: str, name: str, kind: str) -> Tree:
    id = reference.partition("/")[2]
    kinds = concept(codes.hl7("location-physical-type", kind))
    return {
        "resourceType": "Location",
        "id": id,
        "identifier": [sid("location", id)],
        "status": "active",
        "name": name,
        "physicalType": kinds,
    }


def _staff() -> Iterator[Tree]:
    for number in range(_NURSES):
        yield _practitioner(nurse(number), "RN", number, {})
    for number in range(_PRESCRIBERS):
        dea = sid(codes.DEA, f"BY{1234500 + number}")
        yield _practitioner(prescriber(number), "MD", _NURSES + number, {"identifier": [sid("ca-license", f"A9{number:05d}"), dea]})


def _practitioner(reference: str, licence: str, number: int, more: Tree) -> Tree:
    id = reference.partition("/")[2]
    return {
        "resourceType": "Practitioner",
        "id": id,
        "identifier": [sid("ca-license", f"{licence}9{number:05d}")],
        "active": True,
        "name": [{"family": _FAMILY[number % len(_FAMILY)], "given": [_GIVEN[number % len(_GIVEN)]], "suffix": [licence]}],
        "qualification": [{"code": concept(codes.hl7("v2-0360", licence)), "period": _LICENSED}],
    } | more


def _patient(years: Years, number: int) -> Iterator[Tree]:
    chance, id = Random(f"years/{years.seed}/{number}"), patient(number)
    family, given = chance.choice(_FAMILY), chance.choice(_GIVEN)
    address = {**premises.ADDRESS, "use": "home", "line": [f"{number + 1} Sample St"], "postalCode": "90002"}
    subject, begun = ref(f"Patient/{id}"), at(years.day(0) - timedelta(days=14), 10).isoformat()
    yield {
        "resourceType": "Patient",
        "id": id,
        "meta": {"tag": [{"system": codes.TEST_DATA.system, "code": codes.TEST_DATA.code}]},
        "identifier": [sid("mrn", f"YRS-{number:06d}")],
        "active": True,
        "name": [{"family": family, "given": [given]}],
        "gender": chance.choice(("female", "male")),
        "birthDate": f"{chance.randint(1950, 2004)}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}",
        "address": [address],
    }
    yield {"resourceType": "RelatedPerson", "id": f"{id}-escort", "patient": subject, "name": [{"family": family, "given": ["Casey"]}]}
    yield {
        "resourceType": "Condition",
        "id": f"{id}-condition",
        "clinicalStatus": concept(codes.hl7("condition-clinical", "active")),
        "code": concept(codes.Code(codes.SNOMED, "370143000"), "Major depressive disorder"),
        "subject": subject,
    }
    yield {
        "resourceType": "Consent",
        "id": f"{id}-consent",
        "status": "active",
        "scope": concept(codes.hl7("consentscope", "treatment")),
        "category": [concept(codes.PROCEDURE_CONSENT)],
        "patient": subject,
        "dateTime": begun,
        "organization": [ref(CLINIC)],
        "policyRule": {"text": "Off-label ketamine infusions"},
    }
