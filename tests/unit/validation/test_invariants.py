"""The hand-written invariants, one by one, and against an independent FHIRPath engine that reads HL7's expressions."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from fhirpathpy import evaluate
from fhirpathpy.models import models

from service.fhir.definitions import load
from service.fhir.document import Number
from service.fhir.element import Constraint, Element
from service.validation.rules import BUILT_IN, RULES, UNCHECKED, predicate
from service.validation.run import Run
from service.validation.scope import Scope
from tests.unit.validation import conformance_cases, invariant_cases

DEFINITIONS = load()
CASES = [*invariant_cases.CASES, *conformance_cases.CASES]
ENGINE_DIFFERS = {
    "ctm-1": "the engine resolves no references",
    "drt-1": "empty where a value is missing, which HL7's validator counts as broken",
    "eld-3": "empty where the text is no number, which HL7's validator counts as broken",
    "eld-19": "the engine searches the pattern anywhere in the text",
    "eld-20": "the engine searches the pattern anywhere in the text",
    "per-1": "the engine does not compare across time zones",
    "que-7": "the engine tells FHIR's boolean from FHIRPath's",
    "que-13": "empty where a value is missing, which HL7's validator counts as broken",
    "ras-1": "empty where a value is missing, which HL7's validator counts as broken",
    "rng-2": "the engine does not compare quantities",
    "tst-7": "empty where a value is missing, which HL7's validator counts as broken",
    "tst-8": "as tst-7",
    "tst-9": "as tst-7",
    "vsd-9": "empty where a value is missing, which HL7's validator counts as broken",
}


def constraints() -> list[tuple[str, Constraint]]:
    """Every constraint of the definitions with its path."""
    found: list[tuple[str, Constraint]] = []
    for name, structure in DEFINITIONS.structures.items():
        found += [(name, constraint) for constraint in structure.constraints]
        found += nested_constraints(structure.elements)
    return found


def nested_constraints(elements: Mapping[str, Element]) -> list[tuple[str, Constraint]]:
    found = [(element.path, constraint) for element in elements.values() for constraint in element.constraints]
    for element in elements.values():
        found += nested_constraints(element.elements)
    return found


def placed(path: str, key: str) -> tuple[Constraint, Mapping[str, Element]]:
    """The constraint of a case and the elements that it speaks of."""
    if "." not in path:
        structure = DEFINITIONS.structures[path]
        return next(c for c in structure.constraints if c.key == key), structure.elements
    element = DEFINITIONS.element(path)
    assert element is not None
    members = DEFINITIONS.members(element, "Range" if element.choice else None)
    return next(c for c in element.constraints if c.key == key), members


def test_every_constraint_of_r4_is_checked_or_explained() -> None:
    keys = {constraint.key for _, constraint in constraints()}
    named = {key.rpartition(":")[2] for key in RULES}
    assert keys == named | BUILT_IN.keys() | UNCHECKED.keys()


def test_every_rule_has_a_case() -> None:
    tested = {f"{path}:{key}" if f"{path}:{key}" in RULES else key for path, key, *_ in CASES}
    assert tested == RULES.keys()


@pytest.mark.parametrize(("path", "key", "broken", "kept", "around"), [(*case[:4], case[4] if len(case) > 4 else None) for case in CASES])
def test_an_invariant_tells_broken_from_kept(path: str, key: str, broken: Any, kept: Any, around: Any) -> None:
    constraint, members = placed(path, key)
    holds = predicate(constraint, path, Scope(DEFINITIONS, members))
    assert holds is not None
    assert not holds(broken, Run(around or broken))
    assert holds(kept, Run(around or kept))


@pytest.mark.parametrize(
    ("path", "key", "broken", "kept", "around"),
    [(*case[:4], case[4] if len(case) > 4 else None) for case in CASES if case[1] not in ENGINE_DIFFERS],
)
def test_an_independent_engine_agrees(path: str, key: str, broken: Any, kept: Any, around: Any) -> None:
    constraint, _ = placed(path, key)
    assert evaluated(constraint, path, broken, around) == [False]
    assert evaluated(constraint, path, kept, around) == [True]


def evaluated(constraint: Constraint, path: str, fragment: Any, around: Any) -> list[Any]:
    """What fhirpathpy makes of the constraint's expression."""
    is_resource = path in DEFINITIONS.all_types
    node = {"resourceType": path, **fragment} if is_resource else dict(fragment)
    source = {"expression": constraint.expression} | ({} if is_resource else {"base": path})
    surroundings = around or node
    context = {"resource": surroundings, "rootResource": surroundings, "context": node, "ucum": invariant_cases.UCUM}
    functions = {"hasValue": {"fn": has_value}}
    return evaluate(node, source, context, models["r4"], {"userInvocationTable": functions, "traceFn": lambda *_: None})


def has_value(collection: list[Any]) -> bool:
    """FHIRPath's hasValue(), which the engine leaves to its caller."""
    return len(collection) == 1 and not isinstance(getattr(collection[0], "data", collection[0]), dict)


@pytest.mark.parametrize(("path", "key", "broken", "kept"), [case[:4] for case in CASES])
def test_an_invariant_never_fails_on_malformed_content(path: str, key: str, broken: Any, kept: Any) -> None:
    constraint, members = placed(path, key)
    holds = predicate(constraint, path, Scope(DEFINITIONS, members))
    assert holds is not None
    for fragment in (broken, kept):
        for malformed in bent(fragment):
            assert holds(malformed, Run(malformed)) in {True, False}


HOSTILE: list[Any] = [None, "", "a", 1, -1, True, [], {}, [None], [[]], [{}], [1, "a"], {"a": []}, Number("1E3"), Number("-1.5")]


def bent(fragment: Any) -> Iterator[Any]:
    """The fragment with each place in it replaced by each hostile value."""
    pairs = list(fragment.items() if isinstance(fragment, dict) else enumerate(fragment) if isinstance(fragment, list) else ())
    for key, value in pairs:
        for replacement in [*HOSTILE, *bent(value)]:
            copied = fragment.copy()
            copied[key] = replacement
            yield copied
