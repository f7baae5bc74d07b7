"""References between the entries of one write: a fullUrl or a condition becomes the address of the resource it stands for.

https://hl7.org/fhir/R4/http.html#trules and https://hl7.org/fhir/R4/bundle.html#references: placeholders are replaced in
references, in elements of type uri and url, and in links of the narrative; a relative reference in an entry whose fullUrl is an
absolute URL is relative to that URL.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.errors import PreconditionFailed
from service.fhir import reference, rewrite
from service.fhir.document import Document
from service.fhir.rewrite import Path
from service.records.condition import Condition, normal

_NARRATIVE = re.compile(r'"div"|\\u')


@dataclass(frozen=True, slots=True)
class Links:
    """`places`: fullUrl -> `Type/id`; `conditional`: condition -> the addresses that match."""

    places: Mapping[str, str]
    conditional: Mapping[Condition, Sequence[str]]

    def applied(self, document: Document, full_url: str | None) -> Document:
        """`document` with every reference resolved that this write knows. PreconditionFailed for a condition that is not met by one."""
        if not self.places and not self.conditional:
            return document
        base = _base(full_url)
        found: dict[Path, str] = {}
        for path, text in reference.replaceable(document.tree):
            place = self.places.get(text) or (self.places.get(base + text) if base else None) or self._matched(path, text)
            if place:
                found[path] = place
        for path, div in reference.narratives(document.tree) if _NARRATIVE.search(document.text) else ():
            found[path] = reference.relinked(div, dict(self.places))
        return rewrite.replaced(document, found)

    def _matched(self, path: Path, text: str) -> str | None:
        asked = reference.conditional(text) if path[-1] == "reference" and "?" in text else None
        if not asked:
            return None
        matches = self.conditional.get(normal(*asked), ())
        if len(matches) != 1:
            count = "no resource" if not matches else "more than one resource"
            raise PreconditionFailed.of(
                "processing", "reference-condition", f"The reference {text[:80]!r} matches {count}. It must match one."
            )
        return matches[0]


def _base(full_url: str | None) -> str | None:
    literal = reference.parse(full_url) if full_url else None
    return literal.base if literal else None
