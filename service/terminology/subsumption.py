"""Which codes lie above and below which. Several parents are followed, and a circle ends where it began.

https://hl7.org/fhir/R4/codesystem.html#subsumption
"""

from collections.abc import Mapping

from service.terminology.code_system import CodeSystem, Concept
from service.terminology.lookup import Unanswerable

NONE = frozenset({"grouped-by", "part-of"})
"""What a hierarchy may mean that subsumes nothing."""


def below(system: CodeSystem, code: str) -> tuple[Concept, ...]:
    """The concept and all its descendants, itself first. Raises Unanswerable."""
    return _closure(system, code, system.children)


def above(system: CodeSystem, code: str) -> tuple[Concept, ...]:
    """The concept and all its ancestors, itself first. Raises Unanswerable."""
    return _closure(system, code, system.parents)


def subsumes(system: CodeSystem, first: str, second: str) -> str:
    """How `first` relates to `second`: equivalent, subsumes, subsumed-by or not-subsumed. Raises Unanswerable.

    https://hl7.org/fhir/R4/valueset-concept-subsumption-outcome.html
    """
    of_first, of_second = require(system, first), require(system, second)
    higher, lower = of_second in below(system, first), of_first in below(system, second)
    if higher and lower:
        return "equivalent"
    if higher:
        return "subsumes"
    return "subsumed-by" if lower else "not-subsumed"


def require(system: CodeSystem, code: str) -> Concept:
    """The concept. Raises Unanswerable when the system that is stored here does not have it."""
    concept = system.concept(code)
    if concept is None:
        known = "has no code" if system.content == "complete" else f"is a {system.content} here, without the code"
        raise Unanswerable("not-found", "unknown-code", f"the code system {system.url} {known} {code[:80]!r}")
    return concept


def _closure(system: CodeSystem, code: str, links: Mapping[str, tuple[str, ...]]) -> tuple[Concept, ...]:
    if system.meaning in NONE:
        raise Unanswerable(
            "not-supported", "no-subsumption", f"the hierarchy of {system.url} is stated as {system.meaning}, which subsumes nothing"
        )
    first = system.key(require(system, code).code)
    found, waiting = {first: None}, [first]
    while waiting:
        fresh = [key for key in links.get(waiting.pop(), ()) if key not in found]
        found.update(dict.fromkeys(fresh))
        waiting.extend(fresh)
    return tuple(system.concepts[key] for key in found)
