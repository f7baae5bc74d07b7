"""What US Core wants to be known of a patient: race, ethnicity, sex, language, how to reach them, where they lived before.

The codes are those of the US Core 3.1.1 and 6.1.0 packages: OMB's categories and the sexes. What a patient is follows from the record
number.
http://hl7.org/fhir/us/core/STU6.1/StructureDefinition-us-core-patient.html
"""

from typing import Any

from service.demo import codes
from service.demo.elements import coding, concept, period, tree

Tree = dict[str, Any]

US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
OMB = "urn:oid:2.16.840.1.113883.6.238"
TRIBE = codes.hl7("v3-TribalEntityUS", "187")
UNKNOWN = codes.hl7("v3-NullFlavor", "UNK", "unknown")
ENGLISH = codes.Code("urn:ietf:bcp:47", "en")
SPANISH = codes.Code("urn:ietf:bcp:47", "es")
RACES = (
    codes.Code(OMB, "2106-3", "White"),
    codes.Code(OMB, "2054-5", "Black or African American"),
    codes.Code(OMB, "2028-9", "Asian"),
    codes.Code(OMB, "1002-5", "American Indian or Alaska Native"),
    codes.Code(OMB, "2076-8", "Native Hawaiian or Other Pacific Islander"),
)
HISPANIC = codes.Code(OMB, "2135-2", "Hispanic or Latino")
NOT_HISPANIC = codes.Code(OMB, "2186-5", "Not Hispanic or Latino")
_SEXES = {"female": ("F", "248152002"), "male": ("M", "248153007")}
_ALL_DETAILS = 10
"""The patient of whom everything is known that US Core asks for."""


def demographics(number: int, gender: str, family: str) -> Tree:
    """The elements of the Patient with that number: extensions, telecom, language, earlier name and address."""
    race = RACES[number % len(RACES)]
    spanish = number % 4 == 0
    birth, sex = _SEXES[gender]
    extensions = [
        _category("race", race),
        _category("ethnicity", HISPANIC if spanish else NOT_HISPANIC),
        {"url": US_CORE + "birthsex", "valueCode": birth},
        {"url": US_CORE + "sex", "valueCode": sex},
        {"url": US_CORE + "genderIdentity", "valueCodeableConcept": tree(concept(UNKNOWN, text="Not asked"))},
    ]
    if number == _ALL_DETAILS:
        extensions.append(_tribe())
    return {
        "extension": extensions,
        "telecom": [
            {"system": "phone", "value": f"+1-555-02{number:02d}", "use": "mobile"},
            {"system": "email", "value": f"{family.lower()}@patients.example", "use": "home"},
        ],
        "communication": [
            {"language": concept(SPANISH if spanish else ENGLISH, text="Spanish" if spanish else "English"), "preferred": True}
        ],
    }


def earlier_names(number: int, given: str) -> list[Tree]:
    """The name that a patient had before."""
    before = {"use": "old", "family": "Formerly", "given": [given], "suffix": ["Jr."], "period": period("2001-03-01", "2019-06-30")}
    return [before] if number == _ALL_DETAILS else []


def earlier_addresses(number: int) -> list[Tree]:
    """Where a patient lived before."""
    place = {"line": ["7 Former Rd"], "city": "Fresno", "state": "CA", "postalCode": "93701", "country": "US"}
    return [{"use": "old", **place, "period": period("2010-01-01", "2021-12-31")}] if number == _ALL_DETAILS else []


def _category(name: str, code: codes.Code) -> Tree:
    parts = [{"url": "ombCategory", "valueCoding": tree(coding(code))}, {"url": "text", "valueString": code.display}]
    return {"url": US_CORE + name, "extension": parts}


def _tribe() -> Tree:
    parts = [
        {"url": "tribalAffiliation", "valueCodeableConcept": tree(concept(TRIBE, text="Paiute-Shoshone Tribe of the Fallon Reservation"))},
        {"url": "isEnrolled", "valueBoolean": True},
    ]
    return {"url": US_CORE + "tribal-affiliation", "extension": parts}
