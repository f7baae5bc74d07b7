"""The registry: every parameter of R4 compiles, or its refusal is explained here."""

import json
from pathlib import Path

import pytest

from service.fhir import definitions
from service.search.keys import parameter_key
from service.search.parameter import Registry
from tests.unit.search.registry import BASE, EVERY_TYPE, REGISTRY, ZONE

NOT_MEANT = "matching by sound is not supported; use 'name', which ignores case and accents"
EXPLAINED = {
    ("Location", "near"): "distances on a globe are not indexed; ask for 'address-city', 'address-postalcode' or 'partof'",
    ("Bundle", "composition"): "it searches inside the first entry of a Bundle; ask for the Composition itself",
    ("Bundle", "message"): "it searches inside the first entry of a Bundle; ask for the MessageHeader itself",
    **{(name, "phonetic"): NOT_MEANT for name in ("InsurancePlan", "Organization", "Patient", "Person", "Practitioner", "RelatedPerson")},
}


def test_every_parameter_of_every_type_compiles_or_is_refused_for_a_known_reason() -> None:
    assert EVERY_TYPE.refusals() == EXPLAINED


@pytest.mark.parametrize(
    ("type", "alias", "owners", "only"),
    [
        ("Observation", "patient", ["subject"], {"Patient"}),
        ("Encounter", "practitioner", ["participant"], {"Practitioner"}),
        ("Observation", "combo-code", ["code", "component-code"], set()),
        ("Observation", "combo-value-quantity", ["component-value-quantity", "value-quantity"], set()),
        ("Observation", "combo-code-value-quantity", ["code-value-quantity", "component-code-value-quantity"], set()),
        ("Observation", "combo-code-value-concept", ["code-value-concept", "component-code-value-concept"], set()),
        ("AuditEvent", "patient", ["agent", "entity"], {"Patient"}),
        ("AllergyIntolerance", "patient", ["patient"], set()),
    ],
)
def test_parameters_over_the_same_elements_share_rows(type: str, alias: str, owners: list[str], only: set[str]) -> None:
    parameter = REGISTRY.parameter(type, alias)
    assert parameter is not None
    assert sorted(parameter.keys) == sorted(parameter_key(type, owner) for owner in owners)
    assert parameter.only == only


@pytest.mark.parametrize(
    ("type", "code"),
    [
        ("Observation", "date"),
        ("Encounter", "date"),
        ("MedicationAdministration", "effective-time"),
        ("AdverseEvent", "date"),
        ("MedicationRequest", "authoredon"),
        ("Condition", "onset-date"),
        ("Patient", "birthdate"),
        ("AuditEvent", "date"),
    ],
)
def test_each_type_has_the_main_date_that_people_ask_for(type: str, code: str) -> None:
    mains = [parameter.code for parameter in REGISTRY.for_type(type).values() if parameter.main]
    assert mains == [code]


@pytest.mark.parametrize(
    ("type", "code", "targets"),
    [
        ("Observation", "patient", {"Patient"}),
        ("Observation", "encounter", {"Encounter"}),
        ("MedicationAdministration", "context", {"Encounter", "EpisodeOfCare"}),
        ("Provenance", "target", set()),
    ],
)
def test_references_know_where_they_may_point(type: str, code: str, targets: set[str]) -> None:
    parameter = REGISTRY.parameter(type, code)
    assert parameter is not None
    assert parameter.targets == targets


def test_a_parameter_of_the_clinic_is_indexed_like_those_of_r4(tmp_path: Path) -> None:
    profiles = Path(definitions.resource_path("fhir_profiles"))
    (tmp_path / "r4").symlink_to(profiles / "r4")
    (tmp_path / "clinic").mkdir()
    stated = {
        "resourceType": "SearchParameter",
        "url": "https://clinic.example/fhir/SearchParameter/AdverseEvent-outcome",
        "code": "outcome",
        "type": "token",
        "base": ["AdverseEvent"],
        "expression": "AdverseEvent.outcome",
    }
    (tmp_path / "clinic" / "SearchParameter-AdverseEvent-outcome.json").write_text(json.dumps(stated))
    registry = Registry(definitions.load(), BASE, ZONE, tmp_path)
    extracted = registry.extract(
        "AdverseEvent", {"resourceType": "AdverseEvent", "outcome": {"coding": [{"system": "http://s", "code": "resolved"}]}}
    )
    assert "resolved" in {code for _, code, _ in extracted.rows.token}
    assert registry.for_type("AdverseEvent")["outcome"].url == stated["url"]
