"""Patients and staff. All are invented: names of no one, record numbers and NPIs that were never issued."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from fhir.resources.R4B.meta import Meta
from fhir.resources.R4B.patient import Patient
from fhir.resources.R4B.practitioner import Practitioner
from fhir.resources.R4B.practitionerrole import PractitionerRole
from fhir.resources.R4B.reference import Reference
from fhir.resources.R4B.relatedperson import RelatedPerson

from service.demo import codes, demographics, premises
from service.demo.elements import built, coding, concept, identifier, named, period
from service.demo.schedule import DAY
from service.demo.transaction import Transaction

_GIVEN = (
    "Avery",
    "Blake",
    "Cameron",
    "Dakota",
    "Emery",
    "Finley",
    "Harper",
    "Jules",
    "Kendall",
    "Logan",
    "Marlow",
    "Nico",
    "Oakley",
    "Quinn",
)
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
    "Kestrelby",
    "Larkfield",
    "Mosswood",
    "Nettleford",
)
_RELATIONS = (("SPS", "spouse"), ("FRND", "unrelated friend"), ("SIB", "sibling"))


@dataclass(frozen=True, slots=True)
class Person:
    """A patient as the clinic needs to know one: record number, name, gender, birth date, weight and pressure at rest."""

    mrn: str
    given: str
    family: str
    gender: str
    birth_date: str
    weight_kg: Decimal
    systolic: int
    diastolic: int
    phq9: int

    @property
    def reference(self) -> Reference:
        """The reference to the patient."""
        return named("Patient", "mrn", self.mrn)


@dataclass(frozen=True, slots=True)
class Worker:
    """A member of staff: NPI, name, licence (MD or RN), SNOMED CT role."""

    npi: str
    given: str
    family: str
    licence: str
    role: codes.Code

    @property
    def reference(self) -> Reference:
        """The reference to the practitioner."""
        return named("Practitioner", codes.NPI, self.npi)


PSYCHIATRIST = Worker("9999990010", "Alex", "Rivera", "MD", codes.Code(codes.SNOMED, "80584001"))
ANESTHESIOLOGIST = Worker("9999990044", "Noor", "Haddad", "MD", codes.Code(codes.SNOMED, "88189002"))
_NURSE = codes.Code(codes.SNOMED, "224535009")
ROOM_NURSES = {
    1: Worker("9999990051", "Jamie", "Park", "RN", _NURSE),
    2: Worker("9999990069", "Robin", "Diaz", "RN", _NURSE),
    3: Worker("9999990028", "Morgan", "Chen", "RN", _NURSE),
}
WITNESS = Worker("9999990036", "Sam", "Okafor", "RN", _NURSE)
STAFF = (PSYCHIATRIST, ANESTHESIOLOGIST, *ROOM_NURSES.values(), WITNESS)
_SPECIALTIES = {PSYCHIATRIST.npi: codes.PSYCHIATRY, ANESTHESIOLOGIST.npi: codes.PAIN_MANAGEMENT}
_PRESCRIBER_DEA = {"9999990010": "AR1234563", "9999990044": "AH1234563"}


def patients(seed: int) -> dict[int, Person]:
    """The day's patients by their number in the schedule."""
    chance = Random(f"people/{seed}")
    given = chance.sample(_GIVEN, len(DAY))
    family = chance.sample(_FAMILY, len(DAY))
    return {plan.number: _person(plan.mrn, given[index], family[index], chance) for index, plan in enumerate(DAY)}


def _person(mrn: str, given: str, family: str, chance: Random) -> Person:
    return Person(
        mrn=mrn,
        given=given,
        family=family,
        gender=chance.choice(("female", "male")),
        birth_date=f"{chance.randint(1958, 2001)}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}",
        weight_kg=Decimal(chance.randint(540, 860)) / 10,
        systolic=chance.randint(108, 128),
        diastolic=chance.randint(66, 80),
        phq9=chance.randint(18, 24),
    )


def add_patient(master: Transaction, person: Person) -> None:
    """The Patient and the adult who takes the patient home."""
    number = int(person.mrn[-2:])
    master.ensure(
        f"patient/{person.mrn}",
        Patient,
        meta=built(Meta, tag=[coding(codes.TEST_DATA)]),
        identifier=[identifier("mrn", person.mrn, "MR")],
        active=True,
        name=[{"use": "official", "family": person.family, "given": [person.given]}, *demographics.earlier_names(number, person.given)],
        gender=person.gender,
        birthDate=person.birth_date,
        address=[
            {
                "use": "home",
                "line": [f"{person.mrn[-3:]} Sample St"],
                "city": "Los Angeles",
                "state": "CA",
                "postalCode": "90002",
                "country": "US",
            },
            *demographics.earlier_addresses(number),
        ],
        **demographics.demographics(number, person.gender, person.family),
    )
    _add_escort(master, person)


def _add_escort(master: Transaction, person: Person) -> None:
    code, display = _RELATIONS[int(person.mrn[-2:]) % len(_RELATIONS)]
    master.ensure(
        f"escort/{person.mrn}",
        RelatedPerson,
        identifier=[identifier("escort", person.mrn)],
        active=True,
        patient=master.reference("Patient", f"patient/{person.mrn}"),
        relationship=[
            concept(codes.hl7("v3-RoleCode", code, display), text=f"{display.capitalize()}; responsible adult escort and driver")
        ],
        name=[{"family": person.family, "given": ["Casey"]}],
        telecom=[{"system": "phone", "value": f"+1-555-0{person.mrn[-3:]}"}],
        address=[{"line": [f"{person.mrn[-3:]} Sample St"], "city": "Los Angeles", "state": "CA", "postalCode": "90002", "country": "US"}],
    )


def add_staff(master: Transaction) -> None:
    """Practitioners with their licences, and their roles."""
    for worker in STAFF:
        reference = master.ensure(
            f"practitioner/{worker.npi}",
            Practitioner,
            identifier=list(_identifiers(worker)),
            active=True,
            name=[{"family": worker.family, "given": [worker.given], "suffix": [worker.licence]}],
            telecom=_telecom(worker),
            address=[premises.ADDRESS],
            qualification=[
                {
                    "identifier": [identifier("ca-license", _licence_number(worker))],
                    "code": concept(codes.hl7("v2-0360", worker.licence)),
                    "period": period("2024-01-01", "2027-12-31"),
                }
            ],
        )
        master.ensure(
            f"role/{worker.npi}",
            PractitionerRole,
            identifier=[identifier("role", worker.npi)],
            active=True,
            practitioner=reference,
            organization=named("Organization", codes.NPI, "1234567893"),
            code=[concept(worker.role)],
            specialty=[concept(_SPECIALTIES[worker.npi])] if worker.npi in _SPECIALTIES else None,
            location=[named("Location", "location", "SITE-1")],
            telecom=_telecom(worker),
        )


def _telecom(worker: Worker) -> list[dict[str, str]]:
    return [{"system": "email", "value": f"{worker.given}.{worker.family}@clinic.example".lower(), "use": "work"}]


def _identifiers(worker: Worker) -> Iterator[object]:
    yield identifier(codes.NPI, worker.npi, "NPI")
    if worker.npi in _PRESCRIBER_DEA:
        yield identifier(codes.DEA, _PRESCRIBER_DEA[worker.npi], "DEA")
    yield identifier("ca-license", _licence_number(worker), worker.licence)


def _licence_number(worker: Worker) -> str:
    prefix = "A" if worker.licence == "MD" else "RN"
    return f"{prefix}{int(worker.npi[-3:-1]):06d}"
