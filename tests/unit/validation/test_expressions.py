"""Compiled invariants answer what the FHIRPath engine answers, on every example and on bent ones."""

import copy
import random
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import pytest

from service.fhir import definitions, library
from service.fhir.document import stored
from service.fhir.profile.element import Node, ProfileConstraint
from service.fhir.profile.merge import Profiles
from service.paths import resource_path
from service.validation.check import Gate
from service.validation.profile import fhirpath
from service.validation.profile.expression.compile import compiled
from service.validation.profile.expression.logic import Beyond, Undecided, truth
from service.validation.profile.item import Item, of_resource
from service.validation.profile.path import reach, steps
from service.validation.run import Run

Json = Any
KNOWN = definitions.load("all")
PROFILES = Profiles(KNOWN, library.load())
BASE = Gate(KNOWN)
FOLDER = resource_path("fhir_profiles") / "examples"
ENGINE_DECIDES = {
    "kic-91": "arithmetic",
    "provenance-1": "types of what is referred to",
    "sdcqr-2": "repeat",
    "us-core-1": "types of a value",
    "us-core-16": "arithmetic",
    "us-core-17": "arithmetic",
    "us-core-18": "arithmetic",
    "us-core-19": "arithmetic",
    "vs-1": "read by its sentence",
}
"""Rules of the clinic and of US Core that are beyond what is compiled."""
DIFFERS = {
    "kic-10": "the engine does not compare dates across precisions",
    "kic-21": "as kic-10",
}


def constraints() -> Iterator[tuple[str, Node, ProfileConstraint]]:
    """Every invariant of the clinic's and US Core's profiles, with the type and the element that it is on."""
    for package in ("clinic", "us-core"):
        for found in PROFILES.library.all("StructureDefinition", package):
            if found.tree.get("derivation") == "constraint" and (profile := PROFILES.find(found.tree["url"])):
                for node in profile.root.walk():
                    for one in node.constraints:
                        yield profile.type, node, one


ALL = {(type, node.path, one.expression): (node, one) for type, node, one in constraints()}


@lru_cache(maxsize=1)
def resources() -> list[Json]:
    """The examples, valid and invalid, and some with a part taken out; all of them well-formed."""
    chance = random.Random(7)
    found = []
    for path in sorted(FOLDER.glob("*/*.json")):
        tree = stored(path.read_text()).tree
        found.append(tree)
        for _ in range(2):
            bent = copy.deepcopy(tree)
            holder, step = chance.choice(places(bent))
            if step != "resourceType":
                del holder[step]
            if not any(issue.code in ("structure", "invalid", "value") for issue in BASE.check(bent)):
                found.append(bent)
    return found


def places(tree: Json) -> list[tuple[Json, Any]]:
    inside = list(tree) if isinstance(tree, dict) else list(range(len(tree))) if isinstance(tree, list) else []
    return [(tree, step) for step in inside] + [found for step in inside for found in places(tree[step])]


def items(type: str, path: str) -> Iterator[tuple[Item, Json]]:
    """The values at a path in every resource of a type."""
    way = steps(path.partition(".")[2].replace("[x]", ""))
    for tree in resources():
        if tree["resourceType"] == type:
            for item in reach(of_resource(tree, type), way, Run(tree)):
                yield item, tree


def engine(one: ProfileConstraint, node: Node, item: Item, run: Run) -> bool:
    functions = fhirpath._functions(run, lambda *_: True, lambda *_: True)
    value = item.value if item.value is not None else item.extra
    found = fhirpath._evaluated(fhirpath._parsed(one.expression), value, node.spoken_type, run, functions)
    return truth(found) is True


@pytest.mark.parametrize(("type", "path", "expression"), ALL)
def test_what_is_compiled_answers_as_the_engine_does(type: str, path: str, expression: str) -> None:
    node, one = ALL[type, path, expression]
    try:
        quick = compiled(fhirpath._parsed(expression))
    except Beyond:
        assert one.key in ENGINE_DECIDES
        return
    for item, tree in items(type, path):
        run = Run(tree)
        try:
            answer = truth(quick((item.value if item.value is not None else item.extra,), run)) is True
        except (Beyond, Undecided):
            continue
        try:
            expected = engine(one, node, item, run)
        except KeyError:  # what the engine raises for an extension without url
            continue
        assert answer == expected or one.key in DIFFERS, (tree.get("id"), item.path)


def test_most_invariants_are_compiled_and_tried() -> None:
    tried = {one.key for (type, path, _), (_, one) in ALL.items() if any(True for _ in items(type, path))}
    assert len({one.key for _, one in ALL.values()}) > 60
    assert len(tried) > 50


def test_a_comparison_with_the_resource_looks_at_it_once() -> None:
    """Else a thousand components compared with a thousand would be a million looks."""
    quick = compiled(fhirpath._parsed("component.where(value > %resource.component.where(code = 'top').value).exists()"))
    tree = {"component": [{"code": "low", "value": 1}] * 1000 + [{"code": "top", "value": 5}]}
    run = Run(tree)
    assert quick((tree,), run) == (False,)
    assert list(run.remembered.values()) == [[5]]
