"""The registry: every search parameter of every served type, from R4 and from the clinic's own SearchParameter resources.

Immutable to its users and thread-safe; a type is compiled when it is first asked for. What cannot be searched is listed in
`refusals` with the reason, and asking for it is answered with that reason: nothing is ignored.
https://hl7.org/fhir/R4/searchparameter-registry.html
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from service.fhir import compartment
from service.fhir import compartment
from service.fhir.definitions import Definitions
from service.paths import resource_path
from service.search import extract
from service.search.keys import parameter_key
from service.search.main_date import MISSING
from service.search.memory import Memory
from service.search.type_plan import IDENTIFIER, ROOTS, TypePlan, type_plan
from service.search.types.literals import Literals
from service.search.types.protocol import Json, Reading, Rows, SearchParameter

__all__ = ["Registry", "SearchParameter"]

OTHER_REFERENCE = "*reference"
"""Literal references that no parameter covers."""

_CORE = "http://hl7.org/fhir/SearchParameter/"


@dataclass(frozen=True, slots=True)
class Extracted:
    """The index rows of one resource, and what its main date spans; MISSING twice when it has none."""

    rows: Rows
    lo: int
    hi: int


class Registry:
    """Search parameters for one FHIR base and one clinic's time zone. `statements` remembers the SQL of the last searches' shapes."""

    def __init__(self, definitions: Definitions, base_url: str, time_zone: str = "UTC", folder: Path | None = None) -> None:
        self.definitions = definitions
        numbers = {name: definitions.type_number(name) for name in definitions.all_types}
        self.reading = Reading(ZoneInfo(time_zone), Literals(base_url, numbers))
        self._rows = tuple(_read(folder or resource_path("fhir_profiles")))
        self.compartments = compartment.load()
        self.compartments = compartment.load(folder)
        self.statements = Memory()
        self._require_distinct()
        self._plan = cache(self._planned)
        self.other_key = cache(lambda type: parameter_key(type, OTHER_REFERENCE))

    def parameter(self, type: str, code: str) -> SearchParameter | None:
        """The parameter `code` of `type`, refused or not; None when there is none."""
        return self._plan(type).parameters.get(code)

    def for_type(self, type: str) -> Mapping[str, SearchParameter]:
        """The parameters of `type` that can be searched, by code."""
        parameters = self._plan(type).parameters
        return MappingProxyType({code: parameter for code, parameter in parameters.items() if not parameter.refusal})

    def refusals(self) -> Mapping[tuple[str, str], str]:
        """Why some parameters of the served types cannot be searched, by (type, code)."""
        plans = {name: self._plan(name).parameters for name in self.definitions.types}
        return {
            (name, code): parameter.refusal
            for name, parameters in plans.items()
            for code, parameter in parameters.items()
            if parameter.refusal
        }

    def extract(self, type: str, tree: Json, created: int | None = None) -> Extracted:  # noqa: ARG002 - for computed parameters
        """What a resource puts into the index. `created`: the stamp of its first version (microseconds), for computed parameters."""
        plan, rows = self._plan(type), Rows()
        extract.walk(tree, plan.tree, rows)
        self._add_others(type, rows)
        dates = [date for date in rows.date if date[0] == plan.main_key]
        return Extracted(rows, min((date[2] for date in dates), default=MISSING), max((date[3] for date in dates), default=MISSING))

    def references(self, type: str, code: str, tree: Json) -> set[tuple[str, int]]:
        """What the reference parameter `code` of a resource points to: (id, type number) of resources here."""
        rows = Rows()
        extract.walk(tree, self._plan(type).references[code], rows)
        return {(id, number) for _, id, number in rows.reference if number and "/" not in id}

    def reference_codes(self, type: str) -> tuple[str, ...]:
        """The reference parameters of `type` that can be searched."""
        return tuple(code for code, parameter in self.for_type(type).items() if parameter.kind == "reference")

    def compartment(self, kind: str, type: str) -> tuple[str, ...]:
        """The parameters that put a resource of `type` into a compartment of `kind`; `_id` for what it is about, () for no part in it."""
        return self.compartments.get(kind, {}).get(type, ())

    def compartment(self, kind: str, type: str) -> tuple[str, ...]:
        """The parameters that put a resource of `type` into a compartment of `kind`; `_id` for what it is about, () for no part in it."""
        return self.compartments.get(kind, {}).get(type, ())

    def referring_keys(self, type: str) -> tuple[int, ...]:
        """The index parameters under which a reference to a resource of `type` may stand."""
        keys = {self.other_key(name) for name in self.definitions.types}
        for name in self.definitions.types:
            for parameter in self.for_type(name).values():
                if parameter.kind == "reference" and (not parameter.targets or type in parameter.targets):
                    keys.update(parameter.keys)
        return tuple(sorted(keys))

    def _add_others(self, type: str, rows: Rows) -> None:
        known = {(id, number) for _, id, number in rows.reference} if rows.literals else set()
        for literal in rows.literals:
            for id, number in self.reading.literals.targets(literal):
                if number and (id, number) not in known:
                    rows.reference.add((self.other_key(type), id, number))

    def _planned(self, type: str) -> TypePlan:
        bases = (type, *ROOTS)
        rows = [row for row in self._rows if any(base in bases for base in row["base"])]
        return type_plan(type, rows, self.definitions, self.reading)

    def _require_distinct(self) -> None:
        """Refuse two parameters with one key. Raises ValueError that names them."""
        seen: dict[int, str] = {}
        for name in self.definitions.all_types:
            codes = [row["code"] for row in self._rows if name in row["base"] or any(root in row["base"] for root in ROOTS)]
            for code in (*codes, *(code + IDENTIFIER for code in codes), OTHER_REFERENCE):
                stated = f"{name}.{code}"
                if seen.setdefault(parameter_key(name, code), stated) != stated:
                    raise ValueError(f"the search parameters {stated} and {seen[parameter_key(name, code)]} have the same key; rename one")


def _read(folder: Path) -> Iterator[Mapping[str, Any]]:
    """The rows of R4, then those of the clinic, which win where both define a code."""
    listed = json.loads((folder / "r4" / "search-parameters.json").read_text(encoding="utf-8"))
    yield from ({"url": _CORE + row["id"], **row} for row in listed)
    for path in sorted((folder / "clinic").glob("*.json")):
        resource = json.loads(path.read_text(encoding="utf-8"))
        if resource.get("resourceType") == "SearchParameter":
            yield resource
