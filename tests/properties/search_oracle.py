"""A naive search: plain Python over plain resources, slow and obvious. It shares nothing with the service.

Every resource is tested against every clause, and references are followed by going through everything.

    Question(type, clauses, sort, includes, compartment)     of one type, or of `types`
    Clause = (name as in a URL, text as in a URL) | Filter(tree)
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cmp_to_key
from typing import Any

from tests.properties import search_matching as matching
from tests.properties import search_terminology as terminology
from tests.properties.search_filters import Filter, filtered
from tests.properties.search_spans import ZONE
from tests.properties.search_values import VALUES, Pointer

__all__ = ["BASE", "ZONE", "Clause", "Question", "expected", "holds", "included", "order", "search"]

BASE = matching.BASE

Json = Any
Clause = tuple[str, str] | Filter
Sort = tuple[str, bool]
"""(parameter, descending)"""
Include = tuple[str, str]
"""(`_include` or `_revinclude`, perhaps with `:iterate`; its text)"""

COMPARTMENTS = {
    "Patient": {
        "AdverseEvent": ("subject",),
        "Condition": ("patient", "asserter"),
        "Encounter": ("patient",),
        "List": ("subject",),
        "MedicationAdministration": ("patient", "performer", "subject"),
        "Observation": ("subject", "performer"),
        "Patient": ("link",),
        "RiskAssessment": ("subject",),
    },
    "Encounter": {
        "Condition": ("encounter",),
        "Encounter": (),
        "MedicationAdministration": ("context",),
        "Observation": ("encounter",),
    },
}
"""https://hl7.org/fhir/R4/compartmentdefinition-patient.html, https://hl7.org/fhir/R4/compartmentdefinition-encounter.html, as far as the
samples refer. Whose compartment it is belongs to it."""


@dataclass(frozen=True)
class Question:
    """What is asked. `types` is `_type` of a search below the base or of a whole compartment."""

    type: str | None
    clauses: tuple[Clause, ...] = ()
    sort: tuple[Sort, ...] = ()
    includes: tuple[Include, ...] = ()
    compartment: tuple[str, str] | None = None
    types: tuple[str, ...] = ()

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """As decoded names and values of a URL."""
        found = [("_filter", clause.text) if isinstance(clause, Filter) else clause for clause in self.clauses]
        if self.types:
            found.append(("_type", ",".join(self.types)))
        if self.sort:
            found.append(("_sort", ",".join(("-" if descending else "") + name for name, descending in self.sort)))
        return [*found, *self.includes]


def key(resource: Json) -> str:
    """`Type/id`."""
    return f"{resource['resourceType']}/{resource['id']}"


def search(everything: list[Json], question: Question) -> list[Json]:
    """The matches, in no order."""
    types = (question.type,) if question.type else question.types
    return [
        one
        for one in everything
        if one["resourceType"] in types
        and _belongs(one, question.compartment)
        and all(holds(everything, one, clause) for clause in question.clauses)
    ]


def expected(everything: list[Json], question: Question) -> set[str]:
    """The `Type/id` of the matches."""
    return {key(one) for one in search(everything, question)}


def _belongs(resource: Json, compartment: tuple[str, str] | None) -> bool:
    if compartment is None:
        return True
    kind, id = compartment
    if f"{kind}/{id}" == key(resource):
        return True
    codes = COMPARTMENTS[kind].get(resource["resourceType"], ())
    return any(matching.key(pointer.literal) == f"{kind}/{id}" for code in codes for pointer in values(resource, code))


def values(resource: Json, code: str) -> list[Any]:
    """Every value of a parameter."""
    return VALUES[resource["resourceType"]][code][1](resource)


def holds(everything: list[Json], resource: Json, clause: Clause) -> bool:
    """Whether the resource satisfies the clause."""
    if isinstance(clause, Filter):
        return filtered(clause.tree, lambda one: holds(everything, resource, one))
    name, text = clause
    if name.startswith("_has:"):
        return _referred_to(everything, resource, name, text)
    if name == "_list":
        return any(_lists(one, resource, text) for one in everything if one["resourceType"] == "List")
    head, _, rest = name.partition(".")
    code, _, modifier = head.partition(":")
    if rest:
        led = {matching.key(pointer.literal) for pointer in values(resource, code)}
        there = [one for one in everything if modifier in ("", one["resourceType"]) and key(one) in led]
        return any(_ends(everything, one, (rest, text)) for one in there)
    if modifier == "missing":
        return (not values(resource, code)) == (text == "true")
    return _matches(everything, resource, (code, modifier or None), text)


def _ends(everything: list[Json], resource: Json, clause: tuple[str, str]) -> bool:
    """Whether the clause means anything to the resource's type, and holds."""
    head = clause[0].partition(".")[0].partition(":")[0]
    known = head in VALUES.get(resource["resourceType"], ()) or head in ("_has", "_list")
    return known and holds(everything, resource, clause)


def _referred_to(everything: list[Json], resource: Json, name: str, text: str) -> bool:
    """`_has:Type:parameter:rest`."""
    _, type, code, rest = name.split(":", 3)
    referring = [one for one in everything if one["resourceType"] == type and holds(everything, one, (rest, text))]
    return any(matching.key(pointer.literal) == key(resource) for one in referring for pointer in values(one, code))


def _lists(listed: Json, resource: Json, id: str) -> bool:
    items = [entry for entry in listed.get("entry", ()) if not entry.get("deleted")]
    return listed["id"] == id and any(matching.key(entry["item"].get("reference", "")) == key(resource) for entry in items)


def _matches(everything: list[Json], resource: Json, parameter: tuple[str, str | None], text: str) -> bool:
    code, modifier = parameter
    kind, _ = VALUES[resource["resourceType"]][code]
    test = _test(everything, kind, modifier)
    found = any(test(one, asked) for one in values(resource, code) for asked in matching.split(text, ","))
    return not found if modifier in ("not", "not-in") else found


def _test(everything: list[Json], kind: str, modifier: str | None) -> Callable[[Any, str], bool]:
    """One value of the resource against one that is asked for."""
    if kind in ("token", "code"):
        return _token_test(everything, kind, modifier)
    if kind == "reference":
        return _reference_test(everything, modifier)
    tests: dict[str, Callable[[Any, str], bool]] = {
        "date": matching.by_moment,
        "number": matching.by_plain_number,
        "quantity": matching.by_quantity,
        "string": lambda one, asked: matching.by_string(one, asked, modifier),
        "uri": lambda one, asked: matching.by_uri(one, asked, modifier),
        "composite": matching.by_composite,
    }
    return tests[kind]


def _token_test(everything: list[Json], kind: str, modifier: str | None) -> Callable[[Any, str], bool]:
    if modifier in ("in", "not-in"):
        return lambda one, asked: (one.system, one.code) in terminology.value_set(everything, matching.unescaped(asked))
    if modifier in ("above", "below"):
        reach = terminology.above if modifier == "above" else terminology.below
        return lambda one, asked: one.code in reach(everything, *matching.fields(asked)) and one.system == matching.fields(asked)[0]
    if modifier == "text":
        return lambda one, asked: any(matching.by_string(text, asked, None) for text in one.texts)
    if modifier == "of-type":
        return matching.by_type
    return lambda one, asked: matching.by_token(one, asked, implied=kind == "code")


def _reference_test(everything: list[Json], modifier: str | None) -> Callable[[Pointer, str], bool]:
    if modifier == "identifier":
        return lambda one, asked: any(matching.by_token(token, asked, implied=False) for token in one.identifier)
    if modifier in ("above", "below"):
        # `:below` finds what refers to the place or to a part of it; `:above` what refers to the place or to a whole that it belongs to.
        return lambda one, asked: matching.key(one.literal) in terminology.parts(everything, matching.key(asked), modifier == "below")
    return lambda one, asked: matching.by_reference(one, asked, modifier)


def included(everything: list[Json], matches: Iterable[Json], includes: Iterable[Include]) -> set[str]:
    """The `Type/id` of what the includes add to the matches."""
    found = {key(one): one for one in matches}
    begun = set(found)
    by_key = {key(one): one for one in everything}
    fresh, first = dict(found), True
    while fresh:
        added = {}
        for name, text in includes:
            if first or name.endswith(":iterate"):
                added.update({one: by_key[one] for one in _step(everything, fresh, name.startswith("_rev"), text) if one in by_key})
        fresh = {one: resource for one, resource in added.items() if one not in found}
        found.update(fresh)
        first = False
    return set(found) - begun


def _step(everything: list[Json], sources: dict[str, Json], reverse: bool, text: str) -> Iterator[str]:
    source, code, target = (*text.split(":"), "")[:3]
    if reverse:
        for one in everything:
            if source in ("*", one["resourceType"]) and set(_pointed(one, code)) & set(sources):
                wanted = [other for other in _pointed(one, code) if other in sources]
                if any(target in ("", other.split("/")[0]) for other in wanted):
                    yield key(one)
        return
    for one in sources.values():
        if source in ("*", one["resourceType"]):
            yield from (other for other in _pointed(one, code) if target in ("", other.split("/")[0]))


def _pointed(resource: Json, code: str) -> list[str]:
    """The `Type/id` that a reference parameter, or any for `*`, points to."""
    known = VALUES[resource["resourceType"]]
    codes = [name for name, (kind, _) in known.items() if kind == "reference"] if code == "*" else [code]
    return [matching.key(pointer.literal) for one in codes if one in known for pointer in values(resource, one)]


def order(everything: list[Json], sort: Iterable[Sort]) -> list[Json]:
    """The resources by several keys; what has no value comes last either way."""
    keys = list(sort)

    def compared(one: Json, other: Json) -> int:
        for name, descending in keys:
            mine, theirs = sort_key(one, name, descending), sort_key(other, name, descending)
            if mine == theirs:
                continue
            if mine is None or theirs is None:
                return 1 if mine is None else -1
            return (1 if mine > theirs else -1) * (-1 if descending else 1)
        return 0

    return sorted(everything, key=cmp_to_key(compared))


def sort_key(resource: Json, name: str, descending: bool) -> Any:
    """What the resource sorts by: the least of its values, or the greatest when descending; None when it has none."""
    plain = [_plain(VALUES[resource["resourceType"]][name][0], one) for one in values(resource, name)]
    if not plain:
        return None
    return max(plain) if descending else min(plain)


def _plain(kind: str, value: Any) -> Any:
    """Dates by their beginning, numbers by their least (none is least of all), text folded."""
    if kind == "date":
        return value[0]
    if kind in ("token", "code"):
        return value.code
    if kind == "number":
        return (value.low is not None, value.low or 0)
    return matching.folded(value) if kind == "string" else value
