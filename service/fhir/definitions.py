"""The facts of FHIR R4 4.0.1 that the service runs on, and which resource types it serves. Immutable, read once.

Structures and value sets are read from the tables under `fhir_profiles/` and parsed when first asked for, so that start-up
costs milliseconds. https://hl7.org/fhir/R4/resourcelist.html
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from service.fhir.element import Element, Structure, structure
from service.paths import resource_path

VERSION = "4.0.1"
INTERACTIONS = ("read", "vread", "update", "patch", "delete", "history-instance", "history-type", "create", "search-type")

_NOT_YET = frozenset({"Subscription"})  # stored, they would promise deliveries that nothing makes


@dataclass(frozen=True, slots=True)
class ResourceType:
    """A type that the service serves, and the interactions it offers on it (codes of type-restful-interaction)."""

    name: str
    interactions: frozenset[str] = frozenset(INTERACTIONS)


class Structures(Mapping[str, Structure]):
    """Every R4 resource type and datatype by name, each parsed when first asked for."""

    def __init__(self, path: Path) -> None:
        lines = path.read_text(encoding="utf-8").splitlines()
        self._lines = {line[len('{"name":"') : line.index('"', len('{"name":"'))]: line for line in lines}
        self._parsed: dict[str, Structure] = {}

    def __getitem__(self, name: str) -> Structure:
        if name not in self._parsed:
            self._parsed[name] = structure(json.loads(self._lines[name]), self)
        return self._parsed[name]

    def __contains__(self, name: object) -> bool:
        return name in self._lines

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)


class ValueSets:
    """The value sets of required bindings: code lists, or the name of the syntax that decides."""

    def __init__(self, path: Path) -> None:
        rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
        self._rows: Mapping[str, Mapping[str, Any]] = {row["url"]: row for row in rows}
        self._expanded: dict[str, frozenset[tuple[str, str]]] = {}

    def codes(self, url: str) -> frozenset[tuple[str, str]] | None:
        """The (system, code) pairs; None when the set is not stored or not a list."""
        url = url.split("|")[0]
        if url not in self._expanded:
            listed = self._rows.get(url, {}).get("codes")
            if listed is None:
                return None
            self._expanded[url] = frozenset((system, code) for system, codes in listed.items() for code in codes)
        return self._expanded[url]

    def syntax(self, url: str) -> str | None:
        """mime-type, language, currency or ucum; None when the set is a list or not stored."""
        syntax = self._rows.get(url.split("|")[0], {}).get("syntax")
        return str(syntax) if syntax else None


@dataclass(frozen=True, slots=True)
class Definitions:
    """The index. `types` are the served resource types; `all_types` every concrete R4 resource type, sorted."""

    types: Mapping[str, ResourceType]
    all_types: tuple[str, ...]
    structures: Structures
    value_sets: ValueSets
    _numbers: Mapping[str, int]

    def type_number(self, name: str) -> int:
        """The storage key of a resource type: its 1-based place in `all_types`. Raises KeyError for anything else."""
        return self._numbers[name]

    def type_name(self, number: int) -> str:
        """The resource type of a storage key."""
        return self.all_types[number - 1]

    def codes(self, value_set_url: str) -> frozenset[tuple[str, str]] | None:
        """The (system, code) pairs of a required value set; None when it is not a stored list."""
        return self.value_sets.codes(value_set_url)

    def element(self, path: str) -> Element | None:
        """The element at a path such as `Observation.component.value` or `Encounter.period.start`; None when there is none.

        Steps into datatypes (through the first type of an element that may have several) and follows content references.
        """
        first, *names = path.removesuffix("[x]").split(".")
        found: Element | None = None
        members = self.structures[first].elements if first in self.structures else {}
        for name in names:
            found = members.get(name)
            if found is None:
                return None
            members = self.members(found)
        return found

    def members(self, element: Element, code: str | None = None) -> Mapping[str, Element]:
        """The members of an element: its own, those it shares, or those of its type (`code` picks among several)."""
        if element.same_as:
            shared = self.element(element.same_as)
            return self.members(shared) if shared else {}
        if element.elements or not element.types:
            return element.elements
        return self.structures[code or element.types[0].code].elements

    def summary_elements(self, name: str) -> frozenset[str]:
        """The top-level JSON members of a resource type that `_summary=true` keeps (https://hl7.org/fhir/R4/search.html#summary).

        Elements marked as summary, and mandatory ones, so that the result can be valid.
        """
        elements = self.structures[name].elements.values()
        return frozenset(name for element in elements if element.summary or element.minimum for name in element.properties)


def load(resource_types: str = "", folder: Path | None = None) -> Definitions:
    """Reads the tables. `resource_types` is the setting RESOURCE_TYPES: further R4 types, comma-separated, or `all`.

    Raises ValueError that names an unknown type, or one that no setting can switch on.
    """
    folder = folder or resource_path("fhir_profiles")
    all_types = tuple(json.loads((folder / "r4" / "resource-types.json").read_text(encoding="utf-8")))
    return Definitions(
        types=MappingProxyType(_served(folder, all_types, resource_types)),
        all_types=all_types,
        structures=Structures(folder / "r4" / "structures.ndjson"),
        value_sets=ValueSets(folder / "r4" / "value-sets.ndjson"),
        _numbers=MappingProxyType({name: number for number, name in enumerate(all_types, start=1)}),
    )


def _served(folder: Path, all_types: tuple[str, ...], setting: str) -> dict[str, ResourceType]:
    listed = json.loads((folder / "resource-types.json").read_text(encoding="utf-8"))
    extra = [name.strip() for name in setting.split(",") if name.strip()]
    if extra == ["all"]:
        extra = [name for name in all_types if name not in _NOT_YET]
    for name in extra:
        if name not in all_types:
            raise ValueError(f"RESOURCE_TYPES names {name!r}, which is no R4 resource type")
        if name in _NOT_YET:
            raise ValueError(f"RESOURCE_TYPES names {name!r}, which this version does not support")
    served = {name: ResourceType(name) for name in extra}
    served |= {name: ResourceType(name, frozenset(row.get("interactions", INTERACTIONS))) for name, row in listed.items()}
    return dict(sorted(served.items()))
