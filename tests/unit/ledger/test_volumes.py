"""CS-04: where a mass and a volume are stated together, they are one amount."""

from typing import Any

import pytest

from service.ledger.rules import volumes
from tests.unit.ledger.scene import FakeScene, changed, example

VIAL, SYRINGE, DRAW = "Medication/medication-12", "Medication/medication-15", "MedicationDispense/medicationdispense-79"
RECEIPT, COUNT, GIVEN = (
    "SupplyDelivery/supplydelivery-14",
    "Observation/observation-80",
    "MedicationAdministration/medicationadministration-81",
)
WASTE = "Observation/observation-101"


def said(scene: FakeScene) -> list[str]:
    found = [issue for written in scene.writes for issue in scene.findings(volumes.RULES, written)]
    assert {(issue.rule, issue.severity) for issue in found} <= {("cs-04", "error")}
    return [issue.diagnostics for issue in found]


def of(scene: FakeScene, reference: str) -> dict[str, Any]:
    return dict(scene.get(reference) or {})


def extended(value: Any, code: str = "mL") -> list[dict[str, Any]]:
    return [{"url": volumes.VOLUME, "valueQuantity": {"value": value, "code": code}}]


def component(value: Any) -> list[dict[str, Any]]:
    coding = {"system": "https://clinic.example/fhir/CodeSystem/ketamine-clinic", "code": "cs-volume"}
    return [{"code": {"coding": [coding]}, "valueQuantity": {"value": value, "code": "mL"}}]


def test_the_example_visit_agrees_and_costs_no_question() -> None:
    scene = example()
    assert said(scene) == []
    assert scene.asked == []


@pytest.mark.parametrize(
    ("reference", "path", "right", "wrong"),
    [
        pytest.param(RECEIPT, "suppliedItem.extension", 10, 10.1, id="received"),
        pytest.param(DRAW, "extension", 1, 1.01, id="drawn"),
        pytest.param(GIVEN, "dosage.extension", 32.2, 32.4, id="given"),
        pytest.param(COUNT, "component", 9, 9.1, id="counted"),
        pytest.param(WASTE, "component.0.valueQuantity.value", 17.8, 17.6, id="wasted"),
    ],
)
def test_a_volume_is_held_against_the_strength_of_its_source(reference: str, path: str, right: float, wrong: float) -> None:
    for value, refused in ((right, False), (wrong, True)):
        scene = example()
        stated: Any = component(value) if path == "component" else extended(value) if path.endswith("extension") else value
        scene.put(changed(of(scene, reference), path, stated))
        assert [reference in text for text in said(scene)] == [True] * refused


@pytest.mark.parametrize(("wasted", "refused"), [(17.71, False), (17.9, False), (17.69, True), (17.91, True)])
def test_a_reading_may_be_off_by_the_tolerance(wasted: float, refused: bool) -> None:
    scene = example()
    scene.put(changed(of(scene, WASTE), "valueQuantity.value", wasted))
    assert len(said(scene)) == refused


@pytest.mark.parametrize(
    ("quantity", "words"),
    [
        ({"code": "mL"}, "number with a unit"),
        ({"value": 17.8, "code": "mg"}, "do not measure the same"),
        ({"value": 17.8, "code": "ml?"}, "no unit of UCUM"),
        ({"value": "17.8", "code": "mL"}, "number with a unit"),
        ({"value": 10**300, "code": "mL"}, "larger than a clinic holds"),
    ],
    ids=["empty", "mass", "nonsense", "text", "huge"],
)
def test_a_volume_that_is_none_is_refused(quantity: dict[str, Any], words: str) -> None:
    scene = example()
    scene.put(changed(of(scene, WASTE), "component.0.valueQuantity", quantity))
    assert [words in text for text in said(scene)] == [True]


def test_what_was_never_diluted_is_as_strong_as_the_vial() -> None:
    scene = example()
    scene.put(changed(of(scene, WASTE), "component.0.valueQuantity.value", 0.356))
    assert said(scene) == []


def test_a_syringe_is_found_by_what_was_given_from_its_draw_or_by_its_vial() -> None:
    scene = example()
    waste = scene.put(changed(of(scene, WASTE), "partOf", [{"reference": DRAW}]))
    assert scene.findings(volumes.RULES, waste) == []
    assert scene.asked == [("MedicationAdministration", DRAW)]
    for n in (81, 82, 83):
        scene.remove(f"MedicationAdministration/medicationadministration-{n}")
    assert scene.findings(volumes.RULES, waste) == []
    assert scene.asked[-1] == ("Medication", VIAL)


def test_a_syringe_of_two_vials_is_as_strong_as_both_together() -> None:
    """150 mg of one and 50 mg of the other in 50 mL are 4 mg/mL."""
    scene = example()
    filled = [
        {"itemReference": {"reference": VIAL}, "isActive": True, "strength": _strength(150)},
        {"itemReference": {"reference": "Medication/another"}, "isActive": True, "strength": _strength(50)},
        {"itemCodeableConcept": {"text": "Sodium chloride 0.9 %"}, "isActive": False},
    ]
    scene.put({**of(scene, VIAL), "id": "another"})
    scene.put(changed(of(scene, SYRINGE), "ingredient", filled))
    scene.put(changed(of(scene, GIVEN), "dosage.extension", extended(8.05)))
    scene.put(changed(of(scene, WASTE), "component.0.valueQuantity.value", 4.45))
    assert said(scene) == []
    scene.put(changed(of(scene, GIVEN), "dosage.extension", extended(10.7)))
    assert ["42.8 mg" in text for text in said(scene)] == [True]


def test_without_a_strength_a_volume_says_nothing() -> None:
    scene = example()
    scene.put(changed(of(scene, SYRINGE), "ingredient.0.strength", None))
    assert ["with a unit" in text for text in said(scene)] == [True]
    scene.put(changed(of(scene, SYRINGE), "ingredient", None))
    assert ["states no strength" in text for text in said(scene)] == [True]


def _strength(value: int) -> dict[str, Any]:
    return {"numerator": {"value": value, "code": "mg"}, "denominator": {"value": 50, "code": "mL"}}
