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
from service.validation.profile.known import KNOWN, known
from service.validation.run import Run

Tree = dict[str, Any]
PRESSURE = Path(resource_path("fhir_profiles")) / "examples/valid/infusion-blood-pressure--bp-baseline.json"
LOCAL = "https://clinic.example/fhir/CodeSystem/ketamine-clinic"
SCORE = "(value.ofType(integer) | value.ofType(Quantity).value).all($this <= {0})"
OF_OBSERVATIONS = [
    *(text for text in KNOWN if "$this as dateTime" not in text),
    f"code.coding.where(system = '{LOCAL}' and code = 'moaas').exists() implies {SCORE.format(5)}",
    (
        f"code.coding.where((system = '{LOCAL}' and code = 'moaas') or (system = 'http://loinc.org' and code = '44261-6')).exists()"
        f" implies {SCORE.format(5)}"
    ),
]


def pressure(**changes: Any) -> Tree:
    tree: Tree = json.loads(PRESSURE.read_text(), parse_float=Decimal)
    return {name: value for name, value in {**tree, **changes}.items() if value is not None}


def part(code: str, number: Any) -> Tree:
    value = {} if number is None else {"valueQuantity": {"value": number, "code": "mm[Hg]"}}
    return {"code": {"coding": [{"system": "http://loinc.org", "code": code}]}, **value}


def parts(systolic: Any, diastolic: Any) -> Tree:
    return pressure(component=[part("8480-6", systolic), part("8462-4", diastolic)])


def score(system: str, code: str, **value: Any) -> Tree:
    return pressure(component=None, code={"coding": [{"code": "x"}, {"system": system, "code": code}]}, **value)


OBSERVATIONS = [
    score(LOCAL, "moaas", valueInteger=5),
    score(LOCAL, "moaas", valueInteger=6),
    score(LOCAL, "moaas", valueQuantity={"value": Decimal("5.5"), "system": "http://other.example"}),
    score(LOCAL, "moaas", valueQuantity={"value": 5, "system": "http://unitsofmeasure.org"}),
    score(LOCAL, "moaas", valueQuantity={"unit": "none"}),
    score(LOCAL, "moaas"),
    score(LOCAL, "44261-6", valueInteger=27),
    score("http://loinc.org", "44261-6", valueQuantity={"value": 27}),
    score("http://loinc.org", "44261-6", valueQuantity={"value": 5}),
    score("http://loinc.org", "93373-9", valueInteger=1),
    score("http://loinc.org", "93373-9", valueCodeableConcept={"text": "low"}),
    score("http://loinc.org", "93373-9"),
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
    assert known(expression) is not None
    by_hand = [answer(expression, tree) for tree in OBSERVATIONS]
    monkeypatch.setattr(fhirpath, "known", lambda _: None)
    assert by_hand == [answer(expression, tree) for tree in OBSERVATIONS]
    assert set(by_hand) == {True, False}


def test_the_invariants_of_vital_signs_and_scores_are_known() -> None:
    folder = resource_path("fhir_profiles") / "clinic"
    found: dict[str, bool] = {}
    for name in ("infusion-blood-pressure", "monitoring-scale", "mood-assessment"):
        rows = json.loads((folder / f"StructureDefinition-{name}.json").read_text())["differential"]["element"]
        found |= {one["key"]: known(one["expression"]) is not None for row in rows for one in row.get("constraint", ())}
    assert found == {f"kiv-{number}": True for number in range(1, 16)}
