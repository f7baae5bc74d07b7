"""The value sets and code systems that are stored here, found by the index in the transaction of whoever asks: a write is seen at once.

Where nothing is stored under a URL, the lists of R4's required bindings answer. The last code systems are kept as they were read, by
their whole text, so that what is kept can never be another than what is stored. https://hl7.org/fhir/R4/valueset.html
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from service.fhir import definitions, document
from service.search.parameter import Registry
from service.search.query import Match, Query, Token, Uri
from service.search.rows import Search
from service.storage.database import Transaction
from service.terminology import code_system
from service.terminology.code_system import CodeSystem
from service.terminology.lookup import Candidate, Codes, Json, Unanswerable, newest

MOST_VERSIONS = 200
"""Resources with one URL."""
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
    _systems: dict[tuple[str, str | None], CodeSystem | None] = field(default_factory=dict)

    def value_set(self, url: str, version: str | None) -> Json | None:
        """The ValueSet that counts (`terminology.lookup.newest`)."""
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
            stored = [_candidate(row) for row in self._rows("CodeSystem", Match("url", (Uri(url),)))]
            found = newest([one for one in stored if one.system.content != "supplement"], version)
            self._systems[key] = found.system if found else None
        return self._systems[key]

    def listed(self, url: str, version: str | None) -> Codes | None:
        """The codes of a required value set of R4. Raises Unanswerable for one that a syntax decides instead of a list."""
        if version not in (None, definitions.VERSION):
            return None
        syntax = self.registry.definitions.value_sets.syntax(url)
        if syntax:
            raise Unanswerable(
                "not-supported", "value-set-syntax", f"{url} is decided by the syntax of its codes ({syntax}) and has no list"
            )
        return self.registry.definitions.codes(url)

    def _stored(self, type: str, match: Match) -> list[Candidate]:
        return [Candidate(document.stored(row.body).tree, row.last_updated) for row in self._rows(type, match)]

    def _rows(self, type: str, match: Match) -> Sequence[Any]:
        found = Search(self.tx, self.registry, Query(type, (match,))).page(MOST_VERSIONS + 1, None)
        if len(found) > MOST_VERSIONS:
            raise Unanswerable("too-costly", "versions", f"more than {MOST_VERSIONS} {type} resources have one url")
        return found


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
