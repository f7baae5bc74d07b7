"""Which of some resources a caller may be given: for those that come by without being searched for, such as what is included.

The restriction is the same clause and runs through the same compiler as in every search (`search.sight`).
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from service.fhir.document import stored
from service.search.compartment import membership
from service.search.parameter import Registry
from service.search.query import EVERYTHING, NOTHING, Compartment, Match, Query, Token
from service.search.resolve import resolved
from service.search.rows import Search
from service.search.sight import READ, UNLIMITED, Clinics, Confinement, Sight
from service.storage.database import Transaction
from service.storage.versions import Key

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Viewer:
    """The eyes of one caller in one transaction, for one letter of a scope."""

    tx: Transaction
    registry: Registry
    sight: Sight
    letter: str = READ

    def visible(self, keys: Collection[Key]) -> set[Key]:
        """Those of the current resources `keys` that may be seen. What is unrestricted is not looked at, whether it exists or not."""
        found: set[Key] = set()
        for number in {number for number, _ in keys}:
            ids = {id for other, id in keys if other == number}
            found.update((number, id) for id in self._ids(self.registry.definitions.type_name(number), ids))
        return found

    def seen(self, rows: Iterable[Any]) -> Iterator[Any]:
        """Those of the current `rows` (type, fhir_id) that may be seen."""
        for chunk in _chunks(rows):
            visible = self.visible({(row.type, row.fhir_id) for row in chunk})
            yield from (row for row in chunk if (row.type, row.fhir_id) in visible)

    def past(self, rows: Iterable[Any]) -> Iterator[Any]:
        """Those of the versions `rows` whose own content may be seen."""
        name = self.registry.definitions.type_name
        yield from (row for row in rows if row.body is not None and self.holds(name(row.type), row.body))

    def holds(self, type: str, text: str) -> bool:
        """Whether one content, stored JSON that need not be in the index, may be seen."""
        if self.sight.of(self.letter, type) == EVERYTHING:
            return True
        tree = stored(text).tree
        if not self.sight.sees(self.letter, type, tree):
            return False
        confinement = self.sight.confinement(self.letter, type, tree)
        if confinement is not None and not self._is_kept(confinement):
            return False
        clinics = self.sight.clinics(self.letter, type, tree)
        return clinics is None or not clinics.patients or self._is_at(clinics)

    def _is_kept(self, confinement: Confinement) -> bool:
        registry = self.registry
        personal = [
            (type, id) for type, id in confinement.targets if registry.compartment("Patient", type) and type in registry.definitions.types
        ]
        return all(self._is_of(confinement.patient, type, id) for type, id in personal)

    def _is_of(self, patient: str, type: str, id: str) -> bool:
        member = membership(self.registry, Compartment("Patient", patient), type)
        query = Query(type, (Match("_id", (Token(id),)), member))
        return bool(Search(self.tx, self.registry, resolved(self.tx, self.registry, query, UNLIMITED)).res_ids(1))

    def _is_at(self, clinics: Clinics) -> bool:
        named = Match("_id", tuple(map(Token, sorted(clinics.patients))))
        query = Query("Patient", (named, replace(clinics.site, codes=("_id",))))
        return bool(Search(self.tx, self.registry, resolved(self.tx, self.registry, query, UNLIMITED)).res_ids(1))

    def _ids(self, type: str, ids: Collection[str]) -> Collection[str]:
        restriction = self.sight.of(self.letter, type)
        if restriction in (EVERYTHING, NOTHING):
            return ids if restriction == EVERYTHING else ()
        found: set[str] = set()
        for chunk in _chunks(sorted(ids)):
            query = Query(type, (Match("_id", tuple(map(Token, chunk))),))
            found.update(Search(self.tx, self.registry, resolved(self.tx, self.registry, query, self.sight, self.letter)).fhir_ids(_CHUNK))
        return found


def _chunks(items: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(items)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk
