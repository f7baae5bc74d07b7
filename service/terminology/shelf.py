"""A `Lookup` over the library of definitions: R4's value sets and code systems, those of profiles that came with the service, the clinic's
own, and what an administrator put into the package directory. It never changes while the service runs, so what is read of it is kept.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from service.fhir.library import Library
from service.terminology import code_system
from service.terminology.code_system import CodeSystem
from service.terminology.lookup import Json


class Shelf:
    """The library's answers. `near` is the package that the questions come from: of several definitions its own counts."""

    def __init__(self, library: Library, near: str | None = None) -> None:
        self.library = library
        self.near = near
        self.compiled: dict[str, Any] = {}
        self._systems: dict[tuple[str, str | None], CodeSystem] = {}
        self._index: _Index | None = None

    def value_set(self, url: str, version: str | None) -> Json | None:
        """The ValueSet."""
        found = self.library.find("ValueSet", url, version, self.near)
        return found.tree if found else None

    def code_system(self, url: str, version: str | None) -> CodeSystem | None:
        """The CodeSystem; a supplement says nothing about which codes there are."""
        key = (url, version)
        known = self._systems.get(key)
        if known is None:
            found = self.library.find("CodeSystem", url, version, self.near)
            if found is None or found.tree.get("content") == "supplement":
                return None  # what is not here is not kept: clients ask for whatever they like
            known = self._systems[key] = code_system.read(found.tree)
        return known

    def all_of(self, url: str) -> str | None:
        """The code system that has `url` as its `valueSet`."""
        return self._indexed().all_of.get(url)

    def supplements(self, url: str) -> Sequence[Json]:
        """The supplements of a code system, by URL."""
        return self._indexed().supplements.get(url, ())

    def concept_map(self, url: str, version: str | None) -> Json | None:
        """The ConceptMap."""
        found = self.library.find("ConceptMap", url, version, self.near)
        return found.tree if found else None

    def concept_maps(self, system: str, reverse: bool) -> Sequence[Json]:
        """The ConceptMaps that map codes of the system, by URL; those that map to it, when `reverse`."""
        trees = (self.concept_map(url, None) for url in self.library.urls("ConceptMap"))
        return [tree for tree in trees if tree and is_about(tree, system, reverse)]

    def _indexed(self) -> "_Index":
        if self._index is None:
            self._index = _Index(self.library)
        return self._index


def is_about(tree: Json, system: str, reverse: bool) -> bool:
    """Whether a ConceptMap maps codes of the code system; whether it maps to it, when `reverse`."""
    side = "target" if reverse else "source"
    return any(group.get(side) == system for group in tree.get("group") or ())


class _Index:
    """What is asked of code systems other than by their URL. All of them are parsed for it, once."""

    def __init__(self, library: Library) -> None:
        self.all_of: dict[str, str] = {}
        self.supplements: Mapping[str, Sequence[Json]] = {}
        supplements: dict[str, list[Json]] = {}
        for url in library.urls("CodeSystem"):
            found = library.find("CodeSystem", url)
            tree = found.tree if found else {}
            if tree.get("content") == "supplement":
                supplements.setdefault(str(tree.get("supplements")).partition("|")[0], []).append(tree)
            elif tree.get("valueSet"):
                self.all_of.setdefault(tree["valueSet"].partition("|")[0], url)
        self.supplements = supplements
