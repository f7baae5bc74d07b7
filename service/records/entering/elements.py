"""The parts of resources that every record of a controlled substance has. Codes are those of the profiles in fhir_profiles/clinic."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.clock import to_text
from service.fhir import document
from service.ledger import reading
from service.ledger.amount import UCUM, milligrams, millilitres
from service.records.change import Create
from service.security.caller import Caller

Tree = dict[str, Any]

SID = "https://clinic.example/fhir/sid/"
PROFILE = "https://clinic.example/fhir/StructureDefinition/"
_HL7 = "http://terminology.hl7.org/CodeSystem/"
_PARTICIPATION = f"{_HL7}v3-ParticipationType"


@dataclass(frozen=True, slots=True)
class Signers:
    """Who did it, and who saw it, if somebody did."""

    performer: Caller
    witness: Caller | None


@dataclass(frozen=True, slots=True)
class Occasion:
    """What the records of one form have in one: the ledger number, when it happened (FHIR dateTime), when it was written down
    (microseconds), why so late ("" where it is not late), and who did it."""

    number: str
    when: str
    now: int
    late: str
    signers: Signers

    @property
    def issued(self) -> str:
        """When it was written down, as a FHIR instant."""
        return to_text(self.now)

    @property
    def reasons(self) -> list[Tree]:
        """The extension that says why a record is late."""
        return [{"url": reading.LATE_REASON, "valueString": self.late}] if self.late else []


def meta(profile: str) -> Tree:
    """Claims a profile, and is marked as a record of a controlled substance."""
    return {"profile": [PROFILE + profile], "tag": [{"system": reading.ACT_CODE, "code": reading.TAG, "display": "Controlled Substance"}]}


def identifier(system: str, value: str) -> Tree:
    """An identifier in one of the clinic's systems."""
    return {"system": SID + system, "value": value}


def mass(amount_ug: int) -> Tree:
    """An amount in milligrams."""
    return {"value": milligrams(amount_ug), "unit": "mg", "system": UCUM, "code": "mg"}


def volume(volume_ul: int) -> Tree:
    """A volume in millilitres."""
    return {"value": millilitres(volume_ul), "unit": "mL", "system": UCUM, "code": "mL"}


def concept(system: str, code: str, display: str | None = None) -> Tree:
    """A CodeableConcept of one coding."""
    coding = {"system": system, "code": code}
    return {"coding": [coding | {"display": display} if display else coding]}


def local(code: str, display: str) -> Tree:
    """A concept of the clinic's own."""
    return concept(reading.CLINIC, code, display)


def hl7(system: str, code: str, display: str) -> Tree:
    """A concept of terminology.hl7.org, by the short name of its code system."""
    return concept(_HL7 + system, code, display)


def who(person: Caller) -> Tree:
    """A reference to a person, by the name that people call the person."""
    return {"reference": person.user, "display": person.name} if person.name else {"reference": person.user}


def acting(person: Caller, code: str, display: str) -> Tree:
    """A performer of an Observation with the function PRF or WIT."""
    function = {"url": reading.FUNCTION, "valueCodeableConcept": concept(_PARTICIPATION, code, display)}
    return {"extension": [function], **who(person)}


def without_nothing(tree: Mapping[str, Any]) -> Tree:
    """The members that say something: FHIR has neither null nor empty lists."""
    return {name: value for name, value in tree.items() if value not in (None, "", [], {})}


def create(tree: Mapping[str, Any], **parts: Any) -> Create:
    """The change that makes the resource."""
    return Create(tree["resourceType"], document.stored(document.encode(without_nothing(tree))), **parts)
