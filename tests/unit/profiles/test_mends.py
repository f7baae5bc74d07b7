"""What a refusal by a profile tells beside the element and the rule: which value would have been right."""

from typing import Any

import pytest

from service.fhir import definitions, library
from service.fhir.document import encode, stored
from service.fhir.profile.merge import ProfileError, Profiles
from service.validation.check import Asked, Gate
from service.validation.profile import claims
from service.validation.profile.hold import Holder

KNOWN = definitions.load("all")
SHELF = library.load()
GATE = Gate(KNOWN, Holder(KNOWN, SHELF))
R4 = "http://hl7.org/fhir/StructureDefinition/"
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"
CLINIC = "https://clinic.example/fhir/StructureDefinition/"
MEASURED = {"resourceType": "Observation", "status": "final", "code": {"text": "measured"}}


def said(tree: dict[str, Any], profile: str, rule: str) -> list[str]:
    """What the gate says by one rule about a resource that is held to a profile."""
    issues = GATE.check(stored(encode(tree)).tree, asked=Asked((profile,)))
    return [issue.diagnostics for issue in issues if issue.rule == rule]


@pytest.mark.parametrize(
    ("tree", "profile", "mend"),
    [
        (
            MEASURED,
            R4 + "bp",
            'one with coding.system "http://terminology.hl7.org/CodeSystem/observation-category" and coding.code "vital-signs"',
        ),
        (MEASURED, R4 + "bp", 'one with code.coding.system "http://loinc.org" and code.coding.code "8462-4"'),
        (MEASURED, US_CORE + "us-core-pulse-oximetry", 'one with {"system":"http://loinc.org","code":"59408-5"}'),
        (
            {"resourceType": "List", "status": "current", "mode": "snapshot"},
            CLINIC + "controlled-substance-inventory",
            f'one with url "{CLINIC}inventory-circumstances"',
        ),
    ],
)
def test_a_missing_slice_is_told_by_what_its_values_have(tree: dict[str, Any], profile: str, mend: str) -> None:
    assert any(text.endswith(mend) for text in said(tree, profile, "slice-minimum"))


def test_a_slice_that_no_value_tells_is_told_by_its_name_alone() -> None:
    syringe = {"resourceType": "Medication", "ingredient": [{"itemCodeableConcept": {"text": "water"}}]}
    assert "Medication.ingredient has 0 in the slice 'vial', and must have at least 1" in said(
        syringe, CLINIC + "prepared-syringe", "slice-minimum"
    )


def test_another_version_of_a_known_profile_is_answered_with_the_known_ones() -> None:
    (text,) = said(MEASURED, US_CORE + "us-core-blood-pressure|9.9", "unknown-profile")
    assert text.endswith("Known versions of it: 6.1.0. Name one of these, or none.")


def test_a_required_profile_is_one_of_a_resource_type() -> None:
    with pytest.raises(ProfileError, match="is a profile of Extension, which is no resource"):
        claims.required(R4 + "patient-birthPlace", Profiles(KNOWN, SHELF))
