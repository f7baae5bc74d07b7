"""The value sets and code systems that are known: those of the library, and those that are stored, found by the index in the transaction
of whoever asks, so that a write is seen at once.

The library answers first: R4's own, those of the profiles that came with the service, and the packages of an administrator. What clients
store adds to it and takes nothing's place, so that nobody changes for all what a standard URL means. Of a code system the fuller
definition counts: a stored one with its concepts before one of the library that only names it. The last code systems are kept as
they were read, by their whole text, so that what is kept can never be another than what is stored.
https://hl7.org/fhir/R4/valueset.html
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from service.fhir import document
from service.search.parameter import Registry
from service.search.query import Match, Query, Target, Token, Uri
from service.search.rows import Search
from service.storage.database import Transaction
from service.terminology import code_system
from service.terminology.code_system import CodeSystem
from service.terminology.lookup import Candidate, Json, Unanswerable, newest
from service.terminology.shelf import is_about

MOST_VERSIONS = 200
"""Resources with one URL."""
_SUPPLEMENT = "supplement"
_FULLNESS = ("complete", "fragment", "example")
_KEPT = 16
_LONGEST_KEPT = 1_000_000
"""Code systems that a process keeps, and the characters that one of them may have."""


@dataclass(frozen=True)
class _Read(Candidate):
    """A code system among those with its URL."""

    system: CodeSystem


@dataclass(slots=True)
class Vocabulary:
    """A `terminology.lookup.Lookup` over one transaction. What was read is kept as long as it lives: not beyond the transaction."""

    tx: Transaction
    registry: Registry
    compiled: dict[str, Any] = field(default_factory=dict)
    _systems: dict[tuple[str, str | None], CodeSystem | None] = field(default_factory=dict)

    def value_set(self, url: str, version: str | None) -> Json | None:
        """The ValueSet that counts (`terminology.lookup.newest`)."""
        known = self.registry.shelf.value_set(url, version)
        if known is not None:
            return known
        found = newest(self._stored("ValueSet", Match("url", (Uri(url),))), version)
        return found.tree if found else None

    def value_set_by_id(self, id: str) -> Json | None:
        """The ValueSet with that id."""
        found = self._stored("ValueSet", Match("_id", (Token(id),)))
        return found[0].tree if found else None

    def code_system(self, url: str, version: str | None) -> CodeSystem | None:
        """The CodeSystem that counts; a supplement says nothing about which codes there are."""
        key = (url, version)
        if key not in self._systems:
            known = self.registry.shelf.code_system(url, version)
            found = [known] if known and not _emptiness(known) else [known, self._code_system(url, version)]
            self._systems[key] = min((one for one in found if one), key=_emptiness, default=None)
        return self._systems[key]

    def all_of(self, url: str) -> str | None:
        """The code system that has `url` as its `valueSet`."""
        known = self.registry.shelf.all_of(url)
        if known is not None or "value-set" not in self.registry.for_type("CodeSystem"):
            return known
        found = _counting(self._rows("CodeSystem", Match("value-set", (Uri(url),))), None)
        return found.url if found else None

    def supplements(self, url: str) -> Sequence[Json]:
        """The CodeSystem resources that are supplements of the code system, stored ones first."""
        stored = (one.tree for one in self._stored("CodeSystem", Match("supplements", (Target(url=url),))))
        usable = [tree for tree in stored if tree.get("content") == _SUPPLEMENT and tree.get("status") != "entered-in-error"]
        known = {tree.get("url") for tree in usable}
        others = (tree for tree in self.registry.shelf.supplements(url) if tree.get("url") not in known)
        return [*sorted(usable, key=lambda tree: (str(tree.get("url")), str(tree.get("version")))), *others]

    def concept_map(self, url: str, version: str | None) -> Json | None:
        """The ConceptMap that counts."""
        known = self.registry.shelf.concept_map(url, version)
        if known is not None:
            return known
        found = newest(self._stored("ConceptMap", Match("url", (Uri(url),))), version)
        return found.tree if found else None

    def concept_maps(self, system: str, reverse: bool) -> Sequence[Json]:
        """The ConceptMaps that map codes of the system, by URL; those that map to it, when `reverse`."""
        side = "target-system" if reverse else "source-system"
        stored = self._stored("ConceptMap", Match(side, (Uri(system),)))
        urls = {one.tree["url"] for one in stored if one.tree.get("url")}
        nameless = [one.tree for one in stored if not one.tree.get("url") and newest([one], None)]
        urls.update(tree["url"] for tree in self.registry.shelf.concept_maps(system, reverse))
        named = (self.concept_map(url, None) for url in sorted(urls))
        return [*(tree for tree in named if tree and is_about(tree, system, reverse)), *nameless]

    def _code_system(self, url: str, version: str | None) -> CodeSystem | None:
        return _counting(self._rows("CodeSystem", Match("url", (Uri(url),))), version)

    def _stored(self, type: str, match: Match) -> list[Candidate]:
        return [Candidate(document.stored(row.body).tree, row.last_updated) for row in self._rows(type, match)]

    def _rows(self, type: str, match: Match) -> Sequence[Any]:
        found = Search(self.tx, self.registry, Query(type, (match,))).page(MOST_VERSIONS + 1, None)
        if len(found) > MOST_VERSIONS:
            raise Unanswerable("too-costly", "versions", f"more than {MOST_VERSIONS} {type} resources have one url")
        return found


def _counting(rows: Sequence[Any], version: str | None) -> CodeSystem | None:
    found = newest([one for one in map(_candidate, rows) if one.system.content != _SUPPLEMENT], version)
    return found.system if found else None


def _emptiness(system: CodeSystem) -> int:
    return _FULLNESS.index(system.content) if system.content in _FULLNESS else len(_FULLNESS)


def _candidate(row: Any) -> _Read:
    head, system = _read(row.body)
    return _Read(head, row.last_updated, system)


def _read(text: str) -> tuple[Json, CodeSystem]:
    """What decides whether a CodeSystem resource counts, and what it says."""
    return _kept(text) if len(text) <= _LONGEST_KEPT else _fresh(text)


def _fresh(text: str) -> tuple[Json, CodeSystem]:
    tree = document.stored(text).tree
    return {"status": tree.get("status"), "version": tree.get("version")}, code_system.read(tree)


_kept = lru_cache(maxsize=_KEPT)(_fresh)
