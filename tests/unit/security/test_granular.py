"""What scopes may be restricted by: token parameters of R4 over one element each, and whether a resource meets them (SC6, R20)."""

import json
from pathlib import Path
from typing import Any

import pytest

from service.security.granular import ALLOWED, EVERY_TYPE, Condition, meets
from tests.unit.security.scopes import CATEGORY, DEFINITIONS

ROOT = Path(__file__).parents[3]
PARAMETERS = json.loads((ROOT / "fhir_profiles/r4/search-parameters.json").read_text())
ROWS = [(type, name, found) for type, listed in ALLOWED.items() for name, found in listed.items()]


def _stated(type: str, name: str) -> Any:
    [found] = [row for row in PARAMETERS if row["code"] == name and type in row["base"]]
    return found


@pytest.mark.parametrize(("type", "name"), [row[:2] for row in ROWS])
def test_sc6_every_parameter_is_a_token_parameter_of_r4_over_its_element(type: str, name: str) -> None:
    stated = _stated(type, name)
    assert stated["type"] == "token"
    places = {place.strip(" ()") for place in stated["expression"].split("|") if place.strip(" ()").startswith(f"{type}.")}
    assert places == {f"{type}.{ALLOWED[type][name].element}"}


@pytest.mark.parametrize(("type", "name"), [row[:2] for row in ROWS])
def test_sc6_a_bare_code_is_what_r4_types_as_code(type: str, name: str) -> None:
    found = ALLOWED[type][name]
    element = DEFINITIONS.element(f"{type}.{found.element}")
    assert element is not None
    [kind] = [one.code for one in element.types]
    assert kind in ("code", "CodeableConcept", "Coding")
    assert found.is_code == (kind == "code")


@pytest.mark.parametrize("name", EVERY_TYPE)
def test_sc6_labels_are_of_every_type(name: str) -> None:
    stated = _stated("Resource", name)
    assert (stated["type"], stated["expression"]) == ("token", f"Resource.{EVERY_TYPE[name].element}")
    assert not EVERY_TYPE[name].is_code


def test_sc6_the_list_is_of_types_that_are_served() -> None:
    assert len(ROWS) > 50
    assert ALLOWED.keys() - {"*"} <= DEFINITIONS.types.keys()


def _observation(**more: Any) -> dict[str, Any]:
    vital = {"coding": [{"system": "http://other.example", "code": "x"}, {"system": CATEGORY, "code": "vital-signs"}]}
    return {"resourceType": "Observation", "status": "final", "category": [{"text": "Vital signs"}, vital], **more}


VITAL = Condition("category", CATEGORY, "vital-signs")


def test_a_resource_meets_what_it_has() -> None:
    assert meets(_observation(), ())
    assert meets(_observation(), (VITAL,))
    assert meets(_observation(), (VITAL, Condition("status", "", "final")))
    assert meets(_observation(meta={"security": [{"system": "urn:a", "code": "R"}]}), (Condition("_security", "urn:a", "R"),))
    encounter = {"resourceType": "Encounter", "class": {"system": "urn:c", "code": "AMB"}}
    assert meets(encounter, (Condition("class", "urn:c", "AMB"),))
    allergy = {"resourceType": "AllergyIntolerance", "category": ["food", "medication"]}
    assert meets(allergy, (Condition("category", "", "medication"), Condition("category", "", "food")))


@pytest.mark.parametrize(
    "tree",
    [
        _observation(category=[]),
        _observation(category=[{"coding": [{"system": "http://other.example", "code": "vital-signs"}]}]),
        _observation(category=[{"coding": [{"code": "vital-signs"}]}]),
        _observation(category=[{"coding": [{"system": CATEGORY, "code": "Vital-Signs"}]}]),
        _observation(category=[{"coding": [{"system": CATEGORY, "code": "laboratory"}]}]),
        _observation(category=[{"text": "vital-signs"}]),
        {"resourceType": "Observation"},
        {"resourceType": "DetectedIssue", "category": [{"coding": [{"system": CATEGORY, "code": "vital-signs"}]}]},
        {"category": [{"coding": [{"system": CATEGORY, "code": "vital-signs"}]}]},
    ],
)
def test_a_resource_does_not_meet_what_it_has_not(tree: dict[str, Any]) -> None:
    assert not meets(tree, (VITAL,))


def test_every_condition_must_be_met() -> None:
    assert not meets(_observation(), (VITAL, Condition("status", "", "preliminary")))
    assert not meets(_observation(status="amended"), (Condition("status", "", "final"),))
