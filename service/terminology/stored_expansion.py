"""`ValueSet.expansion` as it is stored: its codes, and whether they are all.

https://hl7.org/fhir/R4/valueset-definitions.html#ValueSet.expansion
"""

from collections.abc import Iterator

from service.terminology.lookup import Json

_UNCLOSED = "http://hl7.org/fhir/StructureDefinition/valueset-unclosed"


def rows(expansion: Json) -> Iterator[Json]:
    """Every row that has a code and its system, nested ones included, in the order of the resource."""
    return (row for row in _every(expansion) if row.get("code") and row.get("system"))


def is_partial(expansion: Json) -> bool:
    """Whether it says that it is not all of the value set: a page of it, fewer rows than its total, or not closed."""
    unclosed = any(one.get("url") == _UNCLOSED and one.get("valueBoolean") is not False for one in expansion.get("extension") or ())
    return bool(unclosed or expansion.get("offset") or (expansion.get("total") or 0) > sum(1 for _ in _every(expansion)))


def _every(expansion: Json) -> Iterator[Json]:
    waiting = list(reversed(expansion.get("contains") or ()))
    while waiting:
        row = waiting.pop()
        yield row
        waiting.extend(reversed(row.get("contains") or ()))
