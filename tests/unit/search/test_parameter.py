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
    ("Location", "near"): "the parameter needs a special search that is not supported",
    ("Bundle", "composition"): "it leads to Resource, which a parameter of type reference cannot read",
    ("Bundle", "message"): "it leads to Resource, which a parameter of type reference cannot read",
    **{(name, "phonetic"): NOT_MEANT for name in ("InsurancePlan", "Organization", "Patient", "Person", "Practitioner", "RelatedPerson")},
}
COMPOSITE = "composite parameters are not supported; ask for the parts one by one, or for the combination's code alone"


def test_every_parameter_of_every_type_compiles_or_is_refused_for_a_known_reason() -> None:
    assert {key: why for key, why in EVERY_TYPE.refusals().items() if why != COMPOSITE} == EXPLAINED


def test_only_composites_are_refused_as_composites() -> None:
    for (name, code), why in EVERY_TYPE.refusals().items():
        parameter = EVERY_TYPE.parameter(name, code)
        assert parameter is not None
        assert (parameter.kind == "composite") == (why == COMPOSITE)


@pytest.mark.parametrize(
    ("type", "alias", "owners", "only"),
    [
        ("Observation", "patient", ["subject"], {"Patient"}),
        ("Encounter", "practitioner", ["participant"], {"Practitioner"}),
        ("Observation", "combo-code", ["code", "component-code"], set()),
        ("Observation", "combo-value-quantity", ["component-value-quantity", "value-quantity"], set()),
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
