"""Whatever is done to an example, the gate answers with issues: it never fails, and never stays silent about what cannot be right."""

import copy
import random
from typing import Any

import pytest
from hypothesis import settings

from service.fhir import definitions, library
from service.fhir.document import Number, stored
from service.paths import resource_path
from service.validation.check import Asked, Gate
from service.validation.profile.hold import Holder

Json = Any
KNOWN = definitions.load("all")
VITAL_SIGNS = "http://hl7.org/fhir/StructureDefinition/vitalsigns?category=vital-signs"
GATE = Gate(KNOWN, Holder(KNOWN, library.load(), VITAL_SIGNS))
EXAMPLES = [stored(path.read_text()).tree for path in sorted((resource_path("fhir_profiles") / "examples" / "valid").glob("*.json"))]
STRANGE: list[Json] = [
    "x",
    "",
    5,
    Number("1.5"),
    True,
    None,
    [],
    {},
    ["a"],
    [{}],
    {"coding": [{"code": "x"}]},
    {"reference": "#a"},
    {"value": Number("3")},
    {"extension": [{"url": "http://other.example/x", "valueString": "y"}]},
    [{"url": "https://clinic.example/fhir/StructureDefinition/dea-schedule"}],
    "2026-11-17",
]
MEMBERS = ["extension", "modifierExtension", "id", "_status", "valueString", "component", "meta", "contained", "identifier"]
Place = tuple[Json, Any]


def places(tree: Json) -> list[Place]:
    """Every place in a tree, as the object or array and the name or index in it."""
    steps = list(tree) if isinstance(tree, dict) else list(range(len(tree))) if isinstance(tree, list) else []
    return [(tree, step) for step in steps] + [found for step in steps for found in places(tree[step])]


def bend(tree: Json, chance: random.Random) -> None:
    """One change at a random place."""
    holder, step = chance.choice(places(tree))
    kind = chance.random()
    if step == "resourceType":
        return
    if kind < 0.35:
        del holder[step]
    elif kind < 0.7:
        holder[step] = copy.deepcopy(chance.choice(STRANGE))
    elif isinstance(holder, dict):
        holder[chance.choice(MEMBERS)] = copy.deepcopy(chance.choice(STRANGE))
    else:
        holder.append(copy.deepcopy(holder[step]))


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 60


@pytest.mark.parametrize("seed", range(4))
def test_the_gate_never_fails(seed: int) -> None:
    chance = random.Random(seed)
    found: set[str] = set()
    for _ in range(settings().max_examples * 5):
        tree = copy.deepcopy(chance.choice(EXAMPLES))
        for _ in range(chance.randint(1, 3)):
            bend(tree, chance)
        issues = GATE.check(tree, asked=Asked(thorough=True))
        found |= {issue.rule for issue in issues}
        assert all(issue.expression for issue in issues if issue.rule != "too-many-issues")
    assert {"slice-minimum", "required-element", "required-binding", "unknown-element", "primitive-format"} <= found
