"""The demonstration clinic meets the profiles that it claims, and fills what US Core 6.1.0 says must be supported."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pytest

from service.demo import clinic
from service.demo.claims import CLINIC, R4, US_CORE
from service.fhir import definitions, library
from service.fhir.document import Limits, decode, encode
from service.fhir.library import Library
from service.validation.check import Asked, Gate
from service.validation.profile.hold import Holder

CLAIMED = (
    "patient", "encounter", "practitioner", "practitionerrole", "organization", "location", "condition-problems-health-concerns",
    "condition-encounter-diagnosis", "allergyintolerance", "procedure", "medication", "medicationrequest", "medicationdispense",
    "careplan", "goal", "relatedperson", "provenance", "blood-pressure", "heart-rate", "pulse-oximetry", "respiratory-rate",
    "body-temperature", "body-weight", "observation-screening-assessment",
)  # fmt: skip
ABSENT = {
    "condition-encounter-diagnosis": {"Condition.abatement[x]"},
    "encounter": {"Encounter.reasonCode"},
    "observation-screening-assessment": {"Observation.dataAbsentReason", "Observation.hasMember", "Observation.derivedFrom"},
    "practitionerrole": {"PractitionerRole.endpoint"},
}
"""What no record of the clinic has: a reason is a reference. Vital signs are measured one by one, on room air."""
OUTSIDE = {
    "AdverseEvent.category",  # what R4 has is about drugs that were wrong
    "Consent.category",
    "Encounter.identifier",  # R4 knows 18 of the identifier types of v2, and not these
    "Encounter.participant",
    "Observation.performer",
    "Organization.identifier",
    "Practitioner.identifier",
    "Procedure.code",  # the clinic's own codes of the cannula
    "Provenance.agent",  # the transmitter of US Core is none of R4's agents
}
VITALS = {"blood-pressure", "heart-rate", "pulse-oximetry", "respiratory-rate", "body-temperature", "body-weight"}
NOT_A_VITALS_MATTER = ("Observation.component", "Observation.dataAbsentReason", "Observation.value[x]")


@pytest.fixture(scope="module")
def shelf() -> Library:
    return library.load()


@pytest.fixture(scope="module")
def gate(shelf: Library) -> Gate:
    known = definitions.load()
    return Gate(known, Holder(known, shelf))


def resources(seed: int = clinic.DEFAULT_SEED, day: date = clinic.DEFAULT_DAY) -> list[Mapping[str, Any]]:
    trees = (decode(encode(bundle).encode(), Limits()).tree for bundle in clinic.bundles(seed, day))
    return [entry["resource"] for tree in trees for entry in tree["entry"]]


@pytest.fixture(scope="module")
def made() -> list[Mapping[str, Any]]:
    return resources()


def claims(resource: Mapping[str, Any]) -> list[str]:
    return list(resource.get("meta", {}).get("profile", ()))


@pytest.mark.parametrize(("seed", "day"), [(1, date(2026, 11, 17)), (2, date(2027, 3, 15))])
def test_every_resource_meets_its_profiles(gate: Gate, seed: int, day: date) -> None:
    """No error; the warnings are codes outside of extensible value sets, and the waste that nobody witnessed (kim-13)."""
    outside, alone = set(), 0
    for resource in resources(seed, day):
        issues = gate.check(resource, None, Asked())
        assert [issue for issue in issues if issue.severity == "error"] == [], resource
        assert {issue.rule for issue in issues} <= {"extensible-binding", "kim-13"}
        alone += sum(issue.rule == "kim-13" for issue in issues)
        outside |= {issue.expression.partition("[")[0] for issue in issues if issue.rule != "kim-13"}
    assert outside <= OUTSIDE
    assert alone == 1


def test_every_claim_is_of_a_profile_that_the_service_knows(made: list[Mapping[str, Any]], shelf: Library) -> None:
    urls = {url for resource in made for url in claims(resource)}
    assert len(urls) > len(CLAIMED)
    assert {url for url in urls if not shelf.find("StructureDefinition", url)} == set()
    assert {url for url in urls if not url.startswith((CLINIC, US_CORE, R4))} == set()


def test_a_wrong_claim_would_be_noticed(gate: Gate, made: list[Mapping[str, Any]]) -> None:
    patient = next(one for one in made if one["resourceType"] == "Patient")
    broken = {name: inner for name, inner in patient.items() if name != "identifier"}
    assert [issue.rule for issue in gate.check(broken) if issue.severity == "error"] == ["required-element"]


@pytest.mark.parametrize("telecom", [None, [{"system": "phone", "value": "1"}], [{"system": "phone", "value": "1"}] * 2])
def test_a_practitioner_can_be_reached(gate: Gate, made: list[Mapping[str, Any]], telecom: list[Any] | None) -> None:
    """US Core says `telecom or endpoint`, one or many."""
    role = next(one for one in made if one["resourceType"] == "PractitionerRole")
    rest = {name: inner for name, inner in role.items() if name != "telecom"}
    errors = [issue.rule for issue in gate.check(rest | ({"telecom": telecom} if telecom else {})) if issue.severity == "error"]
    assert errors == ([] if telecom else ["pd-1"])


@pytest.mark.parametrize("name", CLAIMED)
def test_what_must_be_supported_is_there(name: str, made: list[Mapping[str, Any]], shelf: Library) -> None:
    """Each must-support element of the profile has a value in at least one of the resources that claim it."""
    url = US_CORE + name
    mine = [resource for resource in made if url in claims(resource)]
    assert mine
    filled = {path for path in must_support(shelf, url) if any(True for one in mine for _ in values(one, path.split(".")[1:]))}
    missing = must_support(shelf, url) - filled
    if name in VITALS:
        missing = {path for path in missing if not path.startswith(NOT_A_VITALS_MATTER)}
    assert missing == ABSENT.get(name, set())


def must_support(shelf: Library, url: str) -> set[str]:
    """The paths of the must-support elements of a US Core profile and the US Core profiles that it is made on."""
    paths: set[str] = set()
    while url.startswith(US_CORE):
        found = shelf.find("StructureDefinition", url)
        assert found
        paths |= {one["path"] for one in found.tree["differential"]["element"] if one.get("mustSupport")}
        url = found.tree["baseDefinition"]
    assert paths
    return paths


def values(node: Any, path: list[str]) -> Iterator[Any]:
    """The values at a path; a choice is found under the name of any of its types."""
    if isinstance(node, list):
        for one in node:
            yield from values(one, path)
    elif not path:
        yield node
    elif isinstance(node, Mapping):
        first = path[0]
        for name, inner in node.items():
            if name == first or (first.endswith("[x]") and name.startswith(first[:-3])):
                yield from values(inner, path[1:])


def test_codes_and_extensions_say_why_something_is_absent(made: list[Mapping[str, Any]]) -> None:
    found: dict[str, int] = defaultdict(int)
    for resource in made:
        found["code"] += "dataAbsentReason" in resource
        found["extension"] += "data-absent-reason" in str(resource.get("hospitalization"))
    assert found["code"]
    assert found["extension"]
