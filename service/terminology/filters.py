"""`ValueSet.compose.include.filter`: the concepts of a code system that satisfy a rule. Every operator of R4.

    = in not-in regex exists                         about a property, or the code or the display itself
    is-a descendent-of is-not-a generalizes          about the place of the concept in the hierarchy

Properties are compared as text, as they are written; `parent` and `child` mean the direct ones, nested ones included. A concept without
the property satisfies `not-in`, and `exists` with `false`. https://hl7.org/fhir/R4/valueset-filter-operator.html
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from service.terminology import subsumption
from service.terminology.code_system import CHILD, PARENT, CodeSystem, Concept
from service.terminology.lookup import Unanswerable
from service.terminology.pattern import Pattern

Json = Any
_CODE = frozenset({"concept", "code"})
_HIERARCHY = _CODE | {PARENT, "subsumedBy"}
_LINKS = frozenset({PARENT, CHILD, "subsumedBy"})
_ABSENCES = frozenset({"not-in", "exists"})
"""Operators that may be satisfied by what is not there."""
_ALWAYS = _CODE | {"display", PARENT, CHILD}


def selected(system: CodeSystem, filters: Sequence[Json]) -> Mapping[str, Concept]:
    """The concepts that satisfy every filter, by key. Raises Unanswerable."""
    found: Mapping[str, Concept] = system.concepts
    for one in filters:
        operator, name, value = str(one.get("op")), str(one.get("property")), str(one.get("value"))
        if system.content != "complete" and (operator == "is-not-a" or (operator in _ABSENCES and name in _LINKS)):
            raise Unanswerable(
                "not-supported",
                "code-system-content",
                f"only a part of {system.url} is stored here: '{operator}' needs all of its hierarchy",
            )
        if operator in _PLACES:
            found = _placed(system, operator, name, value, found)
        elif operator in _TESTS:
            test = _TESTS[operator](_known(system, name, value))
            found = {key: concept for key, concept in found.items() if test(_values(system, concept, name))}
        else:
            raise Unanswerable("not-supported", "filter", f"{operator[:40]!r} is no operator of a filter in R4")
    return found


def _placed(system: CodeSystem, operator: str, name: str, value: str, found: Mapping[str, Concept]) -> dict[str, Concept]:
    if name not in _HIERARCHY:
        raise Unanswerable("not-supported", "filter", f"'{operator}' is about the hierarchy: its property is 'concept', not {name[:80]!r}")
    places = {system.key(concept.code) for concept in _PLACES[operator](system, value)}
    if operator == "descendent-of":
        places.discard(system.key(value))
    if operator == "is-not-a":
        return {key: concept for key, concept in found.items() if key not in places}
    return {key: concept for key, concept in found.items() if key in places}


_PLACES: Mapping[str, Callable[[CodeSystem, str], tuple[Concept, ...]]] = {
    "is-a": subsumption.below,
    "descendent-of": subsumption.below,
    "is-not-a": subsumption.below,
    "generalizes": subsumption.above,
}


class _Asked:
    """The value of a filter about a property: as text, and as codes in the form in which they are the same."""

    def __init__(self, system: CodeSystem, name: str, value: str) -> None:
        self.text = value
        self._folds = name in _CODE | {PARENT, CHILD} and not system.case_sensitive

    def one(self) -> frozenset[str]:
        return frozenset({self._key(self.text)})

    def several(self) -> frozenset[str]:
        return frozenset(self._key(part.strip()) for part in self.text.split(","))

    def exists(self) -> bool:
        if self.text not in ("true", "false"):
            raise Unanswerable("invalid", "filter", f"the filter 'exists' takes true or false, not {self.text[:40]!r}")
        return self.text == "true"

    def _key(self, text: str) -> str:
        return text.casefold() if self._folds else text


Test = Callable[[Sequence[str]], bool]


def _equal(asked: _Asked) -> Test:
    wanted = asked.one()
    return lambda values: not wanted.isdisjoint(values)


def _among(asked: _Asked) -> Test:
    wanted = asked.several()
    return lambda values: not wanted.isdisjoint(values)


def _not_among(asked: _Asked) -> Test:
    return asked.several().isdisjoint


def _matching(asked: _Asked) -> Test:
    pattern = Pattern(asked.text)
    return lambda values: any(map(pattern.matches, values))


def _existing(asked: _Asked) -> Test:
    wanted = asked.exists()
    return lambda values: bool(values) is wanted


_TESTS: Mapping[str, Callable[[_Asked], Test]] = {
    "=": _equal,
    "in": _among,
    "not-in": _not_among,
    "regex": _matching,
    "exists": _existing,
}


def _known(system: CodeSystem, name: str, value: str) -> _Asked:
    if name not in _ALWAYS and name not in system.properties:
        listed = ", ".join(sorted(_ALWAYS | system.properties))
        raise Unanswerable("invalid", "filter", f"the concepts of {system.url} have no property {name[:80]!r}; they have: {listed}")
    return _Asked(system, name, value)


def _values(system: CodeSystem, concept: Concept, name: str) -> Sequence[str]:
    key = system.key(concept.code)
    if name in _CODE:
        return (key,)
    if name == "display":
        return (concept.display,) if concept.display else ()
    if name == PARENT:
        return system.parents.get(key, ())
    return system.children.get(key, ()) if name == CHILD else concept.properties.get(name, ())
