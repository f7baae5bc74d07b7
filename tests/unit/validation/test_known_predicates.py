"""Hand-written predicates answer what the FHIRPath that they stand for answers."""

import copy
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from service.fhir.profile.element import ProfileConstraint
from service.paths import resource_path
from service.validation.profile import fhirpath
from service.validation.profile.item import of_resource
from service.validation.profile.known import KNOWN
from service.validation.run import Run

Tree = dict[str, Any]
PRESSURE = Path(resource_path("fhir_profiles")) / "examples/valid/infusion-blood-pressure--bp-baseline.json"
OF_OBSERVATIONS = [text for text in KNOWN if "$this as dateTime" not in text]


def pressure(**changes: Any) -> Tree:
    tree: Tree = json.loads(PRESSURE.read_text(), parse_float=Decimal)
    return {name: value for name, value in {**tree, **changes}.items() if value is not None}


def part(code: str, number: Any) -> Tree:
    value = {} if number is None else {"valueQuantity": {"value": number, "code": "mm[Hg]"}}
    return {"code": {"coding": [{"system": "http://loinc.org", "code": code}]}, **value}


def parts(systolic: Any, diastolic: Any) -> Tree:
    return pressure(component=[part("8480-6", systolic), part("8462-4", diastolic)])


OBSERVATIONS = [
    pressure(),
    pressure(effectiveDateTime="2026-11-17"),
    pressure(effectiveDateTime="2026"),
    pressure(effectiveDateTime="2026-11-17T09:40:00Z"),
    pressure(effectiveDateTime=None, effectivePeriod={"start": "2026-11-17"}),
    pressure(effectiveDateTime=None),
    pressure(performer=None),
    pressure(device=None),
    pressure(performer=None, device=None),
    pressure(component=None),
    pressure(component=None, valueQuantity={"value": 1}),
    pressure(component=None, dataAbsentReason={"text": "none"}),
    parts(124, 78),
    parts(78, 124),
    parts(80, 80),
    parts(Decimal("80.1"), 80),
    parts(None, 80),
    parts(80, None),
    parts(None, None),
    pressure(component=[part("8480-6", 100), part("8462-4", 90), part("8462-4", 101)]),
    pressure(component=[{**part("8480-6", 70), "code": {"text": "systolic"}}, part("8462-4", 90)]),
    pressure(
        component=[{**part("8480-6", 70), "code": {"coding": [{"system": "http://other.example", "code": "8480-6"}]}}, part("8462-4", 90)]
    ),
]


def answer(expression: str, tree: Mapping[str, Any]) -> bool:
    rule = ProfileConstraint("x-1", "error", expression, "", "here")
    holds = fhirpath.predicate(rule, "Observation", lambda *_: True, lambda *_: True)
    return holds(of_resource(tree, "Observation"), Run(copy.deepcopy(dict(tree)), False))


@pytest.mark.parametrize("expression", OF_OBSERVATIONS)
def test_a_predicate_answers_what_its_expression_answers(expression: str, monkeypatch: pytest.MonkeyPatch) -> None:
    by_hand = [answer(expression, tree) for tree in OBSERVATIONS]
    monkeypatch.setattr(fhirpath, "KNOWN", {})
    assert by_hand == [answer(expression, tree) for tree in OBSERVATIONS]
    assert set(by_hand) == {True, False}


def test_the_invariants_of_vital_signs_are_known() -> None:
    keys = set()
    for file in sorted((resource_path("fhir_profiles") / "clinic").glob("StructureDefinition-infusion-blood-pressure.json")):
        rows = json.loads(file.read_text())["differential"]["element"]
        keys |= {one["key"] for row in rows for one in row.get("constraint", ()) if one["expression"] in KNOWN}
    assert keys == {"kiv-1", "kiv-2", "kiv-3"}
