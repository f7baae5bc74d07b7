"""Whatever the gate accepts, fhir.resources (R4B) accepts too, but for the differences listed here.

Valid resources are bent at random places. The oracle is another implementation of the same specification; it checks less
(no bindings, no invariants, no empty arrays), so only this direction can hold.
"""

import contextlib
import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from service.fhir.definitions import load
from service.fhir.document import Limits, Number, decode, encode
from service.validation.check import Gate
from tests.unit.validation.resources import VALID, Tree

GATE = Gate(load())
VISIT = Path(__file__).resolve().parents[1] / "data" / "example-visit.json"
NIGHTLY = 20_000

DIFFERENCES = {
    r":60(\.\d+)?(Z|[+-]|$)": "R4 allows leap seconds; Python's datetime does not know them",
}

VALUES: list[Any] = [
    *(None, "", " ", "a", "A b", "final", "entered-in-error", "en", "2026", "2026-02-30", "2026-02-28", "2026-02-28T10:00:00Z"),
    *("10:00:00", "http://x.example/a", "Patient/1", "#o", "urn:uuid:c757873d-ec9a-4326-a141-556f43239520", "YWJj", "x" * 70, "\u0000"),
    *(True, False, 0, 1, -1, 2**31, Number("1.10"), Number("1E3"), [], {}, [None], [""], ["a"], {"text": "a"}, {"value": 1}),
    *({"reference": "Patient/1"}, {"start": "2026"}, [{"text": "a"}], {"id": "a"}),
    *({"extension": [{"url": "a:b", "valueString": "c"}]}, [{"url": "a:b", "valueCode": "c"}]),
]
NAMES = [
    *("id", "extension", "modifierExtension", "text", "status", "code", "value", "valueString", "valueInteger", "valueQuantity"),
    *("valueDateTime", "_valueString", "_status", "reference", "identifier", "display", "system", "period", "start", "foo"),
    *("contained", "language", "note"),
]


def visit() -> list[Tree]:
    """The resources of the example visit, one of each shape."""
    tree = decode(VISIT.read_bytes(), Limits()).tree
    by_shape = {(entry["resource"]["resourceType"], tuple(entry["resource"])): entry["resource"] for entry in tree["entry"]}
    return list(by_shape.values())


SOURCES = [build() for build in VALID.values()] + visit()
Place = tuple[Any, Any]


def places(node: Any) -> Iterator[Place]:
    """Every (container, key) below a node."""
    pairs = list(node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ())
    for key, value in pairs:
        yield node, key
        yield from places(value)


def bend(tree: Tree, draw: st.DrawFn) -> None:
    """Changes one place of the tree."""
    found = list(places(tree))
    container, key = found[draw(st.integers(0, len(found) - 1))]
    action = draw(st.sampled_from(["drop", "replace", "replace", "wrap", "unwrap", "repeat", "rename", "add", "copy", "stringify"]))
    value = container[key]
    if action == "drop":
        del container[key]
    elif action == "replace":
        container[key] = copy.deepcopy(draw(st.sampled_from(VALUES)))
    elif action == "wrap":
        container[key] = [value]
    elif action == "unwrap" and isinstance(value, list) and value:
        container[key] = value[0]
    elif action == "repeat" and isinstance(value, list):
        value.extend(copy.deepcopy(value))
    elif action == "rename" and isinstance(container, dict):
        container[draw(st.sampled_from([*NAMES, "_" + key]))] = container.pop(key)
    elif action == "add" and isinstance(value, dict):
        value[draw(st.sampled_from(NAMES))] = copy.deepcopy(draw(st.sampled_from(VALUES)))
    elif action == "copy":
        donor, place = found[draw(st.integers(0, len(found) - 1))]
        container[key] = copy.deepcopy(donor[place])
    elif action == "stringify":
        container[key] = str(value)


@st.composite
def bent(draw: st.DrawFn) -> Tree:
    """A valid resource with one to three places changed."""
    tree = copy.deepcopy(draw(st.sampled_from(SOURCES)))
    for _ in range(draw(st.integers(1, 3))):
        bend(tree, draw)
    return tree


def agrees(tree: Tree) -> None:
    """Asserts that the oracle accepts the tree, if the gate does."""
    if any(issue.severity == "error" for issue in GATE.check(tree)):
        return
    text = encode(tree)
    explained = any(re.search(pattern, text) for pattern in DIFFERENCES)
    with contextlib.suppress(*[ValidationError] if explained else []):
        get_fhir_model_class(tree["resourceType"]).model_validate_json(text)


@pytest.mark.parametrize("tree", SOURCES, ids=lambda tree: tree["resourceType"])
def test_both_accept_what_is_valid(tree: Tree) -> None:
    assert [issue for issue in GATE.check(tree) if issue.severity == "error"] == []
    agrees(tree)


@settings(max_examples=300, deadline=None)
@given(bent())
def test_the_oracle_accepts_what_the_gate_accepts(tree: Tree) -> None:
    agrees(tree)


@pytest.mark.nightly
@settings(max_examples=NIGHTLY, deadline=None)
@given(bent())
def test_the_oracle_accepts_what_the_gate_accepts_at_length(tree: Tree) -> None:
    agrees(tree)
