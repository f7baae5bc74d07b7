"""The vocabulary that invariants are written in.

Every constraint of error severity in R4 has a hand-written equivalent under `rules/`, keyed by the constraint's key, or by
`path:key` where R4 uses a key twice. An equivalent is a `Rule`: given the scope of the element it constrains, it returns a
predicate over the JSON object. An element exists when its member or the member of its extensions is present.
A comparison of dates or quantities that cannot be decided (other precision, other unit) holds: only what is certainly wrong
is refused.
"""

from collections.abc import Callable, Hashable, Iterable
from typing import Any

from service.validation.scope import Scope
from service.validation.structure import Node, Predicate

Rule = Callable[[Scope], Predicate]


def some(*elements: str) -> Rule:
    """At least one of the elements exists."""

    def build(scope: Scope) -> Predicate:
        names = scope.names(*elements)
        return lambda node, _: not names.isdisjoint(node)

    return build


def no(*elements: str) -> Rule:
    """None of the elements exists."""

    def build(scope: Scope) -> Predicate:
        names = scope.names(*elements)
        return lambda node, _: names.isdisjoint(node)

    return build


def both(*elements: str) -> Rule:
    """All of the elements exist."""
    return every(*(some(element) for element in elements))


def at_most_one(*elements: str) -> Rule:
    """No two of the elements exist."""
    return _count(elements, lambda count: count <= 1)


def exactly_one(*elements: str) -> Rule:
    """One of the elements exists, and only one."""
    return _count(elements, lambda count: count == 1)


def all_or_none(*elements: str) -> Rule:
    """The elements exist together or not at all."""
    return _count(elements, lambda count: count in {0, len(elements)})


def _count(elements: Iterable[str], fits: Callable[[int], bool]) -> Rule:
    def build(scope: Scope) -> Predicate:
        groups = [scope.names(element) for element in elements]
        return lambda node, _: fits(sum(not names.isdisjoint(node) for names in groups))

    return build


def every(*rules: Rule) -> Rule:
    """All of the rules hold."""

    def build(scope: Scope) -> Predicate:
        built = [rule(scope) for rule in rules]
        return lambda node, run: all(holds(node, run) for holds in built)

    return build


def either(*rules: Rule) -> Rule:
    """One of the rules holds, or more."""

    def build(scope: Scope) -> Predicate:
        built = [rule(scope) for rule in rules]
        return lambda node, run: any(holds(node, run) for holds in built)

    return build


def when(condition: Rule, then: Rule) -> Rule:
    """If the condition holds, so does the other rule."""

    def build(scope: Scope) -> Predicate:
        applies, holds = condition(scope), then(scope)
        return lambda node, run: not applies(node, run) or holds(node, run)

    return build


def is_one_of(element: str, *values: Hashable) -> Rule:
    """The element has one of the values. False when it has none."""
    allowed = frozenset(values)
    return custom(lambda node: _hashable(node.get(element)) in allowed)


def is_not(element: str, *values: Hashable) -> Rule:
    """The element has none of the values. True when it has no value."""
    refused = frozenset(values)
    return custom(lambda node: _hashable(node.get(element)) not in refused)


def coded(element: str, system: str, *codes: str) -> Rule:
    """The CodeableConcept holds a coding of that system with one of the codes."""
    return custom(lambda node: any(c.get("system") == system and c.get("code") in codes for c in codings(node.get(element))))


def custom(holds: Callable[[Node], bool]) -> Rule:
    """A rule on the object alone."""
    return lambda _scope: lambda node, _run: holds(node)


def contextual(holds: Predicate) -> Rule:
    """A rule that looks at the resources around the object too."""
    return lambda _scope: holds


def each(element: str, rule: Rule) -> Rule:
    """Every object in a repeating element satisfies the rule."""

    def build(scope: Scope) -> Predicate:
        holds = rule(scope.inside(element))
        return lambda node, run: all(holds(item, run) for item in objects(node.get(element)))

    return build


def distinct(values: Callable[[Node], Iterable[Hashable]]) -> Rule:
    """The values taken from the object are all different."""

    def holds(node: Node) -> bool:
        found = list(values(node))
        return len(found) == len(set(found))

    return custom(holds)


def objects(value: Any) -> list[Node]:
    """The objects in a JSON value: of an array, or the one that it is. Anything malformed is left out: others report it."""
    if isinstance(value, dict):
        return [value]
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def strings(value: Any) -> list[str]:
    """The strings in a JSON value: of an array, or the one that it is."""
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def codings(concept: Any) -> list[Node]:
    """The codings of a CodeableConcept."""
    return objects(concept.get("coding")) if isinstance(concept, dict) else []


def _hashable(value: Any) -> Hashable:
    return value if isinstance(value, Hashable) else None
