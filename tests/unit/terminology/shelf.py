"""Value sets and code systems without a database, and small ones to try things with."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from service.terminology import code_system
from service.terminology.code_system import CodeSystem
from service.terminology.lookup import Candidate, newest
from service.terminology.shelf import is_about

Json = Any
SYSTEM = "https://clinic.example/fhir/CodeSystem/s"
SETS = "https://clinic.example/fhir/ValueSet"


@dataclass
class Shelf:
    """A lookup over resources at hand."""

    resources: list[Json] = field(default_factory=list)
    compiled: dict[str, Any] = field(default_factory=dict)
    read: dict[int, CodeSystem] = field(default_factory=dict)

    def value_set(self, url: str, version: str | None) -> Json | None:
        """The ValueSet with that URL."""
        return self._newest("ValueSet", url, version)

    def code_system(self, url: str, version: str | None) -> CodeSystem | None:
        """The CodeSystem with that URL."""
        tree = self._newest("CodeSystem", url, version)
        if tree is not None and id(tree) not in self.read:
            self.read[id(tree)] = code_system.read(tree)
        return None if tree is None else self.read[id(tree)]

    def all_of(self, url: str) -> str | None:
        """The code system with that `valueSet`."""
        systems = (one for one in self.resources if one["resourceType"] == "CodeSystem" and one.get("valueSet") == url)
        return next((one["url"] for one in systems), None)

    def supplements(self, url: str) -> Sequence[Json]:
        """The supplements of a code system."""
        return [one for one in self.resources if one.get("content") == "supplement" and one["supplements"].partition("|")[0] == url]

    def concept_map(self, url: str, version: str | None) -> Json | None:
        """The ConceptMap with that URL."""
        return self._newest("ConceptMap", url, version)

    def concept_maps(self, system: str, reverse: bool) -> Sequence[Json]:
        """The ConceptMaps about codes of the system."""
        return [one for one in self.resources if one["resourceType"] == "ConceptMap" and is_about(one, system, reverse)]

    def _newest(self, type: str, url: str, version: str | None) -> Json | None:
        found = [one for one in self.resources if one["resourceType"] == type and one["url"] == url and one.get("content") != "supplement"]
        chosen = newest([Candidate(one, number) for number, one in enumerate(found)], version)
        return chosen.tree if chosen else None


def system(*concepts: Json, url: str = SYSTEM, **members: Json) -> Json:
    """A CodeSystem."""
    return {"resourceType": "CodeSystem", "url": url, "status": "active", "content": "complete", "concept": list(concepts), **members}


def concept(code: str, *within: Json, **properties: str) -> Json:
    """A concept with those nested in it and properties of type code."""
    tree: Json = {"code": code, "display": f"The {code}"}
    if within:
        tree["concept"] = list(within)
    if properties:
        tree["property"] = [{"code": name, "valueCode": value} for name, value in properties.items()]
    return tree


def value_set(name: str, *include: Json, **compose: Json) -> Json:
    """A ValueSet at `SETS/name`."""
    return {"resourceType": "ValueSet", "url": f"{SETS}/{name}", "status": "active", "compose": {"include": list(include), **compose}}


def codes(*listed: str, of: str = SYSTEM) -> Json:
    """An include of those codes."""
    return {"system": of, "concept": [{"code": code} for code in listed]}


def where(name: str, op: str, value: str, *, of: str = SYSTEM) -> Json:
    """An include with one filter."""
    return {"system": of, "filter": [{"property": name, "op": op, "value": value}]}
