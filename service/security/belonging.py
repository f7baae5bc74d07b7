"""To whose record a resource belongs, read from its content alone: R4's compartment of a Patient, without the index.

This is the second opinion on what the search says (`security.access`): it shares neither index nor compiler with it. A resource belongs to
`Patient/p` when an element of one of the compartment's parameters refers to it; `Patient/p` belongs to itself.
https://hl7.org/fhir/R4/compartmentdefinition-patient.html
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from service.fhir import compartment, reference
from service.fhir.compartment import ITSELF
from service.paths import resource_path
from service.search import stated

PATIENT = "Patient"
Steps = tuple[str, ...]

_FILTER = re.compile(r"\.where\((?:[^()]|\([^()]*\))*\)|\.as\([A-Za-z]+\)")
_UNIVERSAL = ("Resource", "DomainResource")


@dataclass(frozen=True, slots=True)
class Belonging:
    """The compartments of patients: `codes` are the parameters by type, `paths` the elements by type."""

    base_url: str
    codes: Mapping[str, tuple[str, ...]]
    paths: Mapping[str, tuple[Steps, ...]]

    def patients(self, type: str, tree: Mapping[str, Any]) -> set[str]:
        """The ids of the patients whose records the resource belongs to."""
        found = {literal.id for path in self.paths.get(type, ()) for literal in self._literals(tree, path) if literal.type == PATIENT}
        if type == PATIENT and isinstance(tree.get("id"), str):
            found.add(tree["id"])
        return found

    def referred(self, tree: Mapping[str, Any], path: Steps) -> list[tuple[str, str]]:
        """The (type, id) of the resources here that an element refers to."""
        return [(literal.type, literal.id) for literal in self._literals(tree, path)]

    def _literals(self, tree: Any, path: Steps) -> Iterator[reference.Literal]:
        for value in _values(tree, path):
            text = value.get("reference") if isinstance(value, Mapping) else None
            literal = reference.parse(text) if isinstance(text, str) else None
            if literal is not None and literal.is_local(self.base_url):
                yield literal


@lru_cache(maxsize=4)
def load(base_url: str) -> Belonging:
    """The compartments of R4, for references below `base_url`."""
    codes = compartment.load()[PATIENT]
    expressions = {
        (base, row["code"]): row.get("expression", "") for row in stated.read(resource_path("fhir_profiles")) for base in row["base"]
    }
    paths = {type: tuple(dict.fromkeys(_paths(type, listed, expressions))) for type, listed in codes.items()}
    return Belonging(base_url, codes, paths)


def _paths(type: str, codes: tuple[str, ...], expressions: Mapping[tuple[str, str], str]) -> Iterator[Steps]:
    for code in codes:
        if code == ITSELF:
            continue
        expression = expressions.get((type, code)) or ""
        for part in expression.split("|"):
            root, *steps = _FILTER.sub("", part).strip(" ()").split(".")
            if root == type and steps:
                yield tuple(steps)


def _values(value: Any, path: Steps) -> Iterator[Any]:
    if isinstance(value, list):
        for one in value:
            yield from _values(one, path)
    elif not path:
        yield value
    elif isinstance(value, Mapping) and path[0] in value:
        yield from _values(value[path[0]], path[1:])
