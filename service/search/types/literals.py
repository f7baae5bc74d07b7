"""What a reference means to the index: rows (id, type number) for resources here, (URL, 0) for everything else.

An absolute URL under the service's own base is local. A reference to one version is found both as that version
(`id/_history/n`) and as the resource. A canonical URL with a version is found with and without it.
https://hl7.org/fhir/R4/search.html#reference, https://hl7.org/fhir/R4/references.html#canonical
"""

from collections.abc import Callable, Mapping
from functools import lru_cache

from service.fhir import reference
from service.search.keys import text_key

EXTERNAL = 0
Targets = tuple[tuple[str, int], ...]


class Literals:
    """Reads references for one FHIR base. Thread-safe; remembers the last few thousand, because patients repeat."""

    def __init__(self, base_url: str, numbers: Mapping[str, int]) -> None:
        self.base_url = base_url
        self.numbers = numbers
        self.targets: Callable[[str], Targets] = lru_cache(maxsize=8192)(self._targets)

    def local(self, text: str) -> reference.Literal | None:
        """The resource here that `text` points to; None when it points elsewhere."""
        literal = reference.parse(text)
        if literal and literal.type in self.numbers and literal.is_local(self.base_url):
            return literal
        return None

    def _targets(self, text: str) -> Targets:
        if not text or text[0] == "#":
            return ()
        literal = self.local(text)
        if literal is None:
            return canonical(text)
        number = self.numbers[literal.type]
        if literal.version:
            return ((literal.id, number), (versioned(literal.id, literal.version), number))
        return ((literal.id, number),)


def versioned(id: str, version: str) -> str:
    """The key of one version of a resource; no id holds a slash."""
    return f"{id}/_history/{version}"


def canonical(text: str) -> Targets:
    """The rows of a URL elsewhere: as written, and without version and fragment."""
    bare = text.split("|", 1)[0].split("#", 1)[0]
    rows = [(text_key(text), EXTERNAL)]
    if bare and bare != text:
        rows.append((text_key(bare), EXTERNAL))
    return tuple(rows)
