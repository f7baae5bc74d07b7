"""The value sets and code systems that are stored here, found by the index in the transaction of whoever asks: a write is seen at once.

Where nothing is stored under a URL, the lists of R4's required bindings answer. https://hl7.org/fhir/R4/valueset.html
"""

from dataclasses import dataclass, field

from service.fhir import definitions, document
from service.search import rows
from service.search.parameter import Registry
from service.search.query import Match, Query, Token, Uri
from service.storage.database import Transaction
from service.terminology import code_system
from service.terminology.code_system import CodeSystem
from service.terminology.lookup import Candidate, Codes, Json, Unanswerable, newest

MOST_VERSIONS = 200
"""Resources with one URL."""


@dataclass(slots=True)
class Vocabulary:
    """A `terminology.lookup.Lookup` over one transaction. What was read is kept as long as it lives: not beyond the transaction."""

    tx: Transaction
    registry: Registry
    _systems: dict[tuple[str, str | None], CodeSystem | None] = field(default_factory=dict)

    def value_set(self, url: str, version: str | None) -> Json | None:
        """The ValueSet that counts (`terminology.lookup.newest`)."""
        return newest(self._stored("ValueSet", Match("url", (Uri(url),))), version)

    def value_set_by_id(self, id: str) -> Json | None:
        """The ValueSet with that id."""
        found = self._stored("ValueSet", Match("_id", (Token(id),)))
        return found[0].tree if found else None

    def code_system(self, url: str, version: str | None) -> CodeSystem | None:
        """The CodeSystem that counts; a supplement says nothing about which codes there are."""
        key = (url, version)
        if key not in self._systems:
            stored = self._stored("CodeSystem", Match("url", (Uri(url),)))
            tree = newest([one for one in stored if one.tree.get("content") != "supplement"], version)
            self._systems[key] = None if tree is None else code_system.read(tree)
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
        found = rows.page(self.tx, self.registry, Query(type, (match,)), MOST_VERSIONS + 1, None, None)
        if len(found) > MOST_VERSIONS:
            raise Unanswerable("too-costly", "versions", f"more than {MOST_VERSIONS} {type} resources have one url")
        return [Candidate(document.stored(row.body).tree, row.last_updated) for row in found]
