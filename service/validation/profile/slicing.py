"""How slices are told apart: discriminators, compiled to tests of one value.

    value, pattern   the fixed values, patterns and required bindings that the slice states along the path
    exists           whether the slice makes the element mandatory, or forbids it
    type             the types that the slice allows there
    profile          the profiles that the slice names there

A slice without any of these is told by whether the value satisfies all its rules.
https://hl7.org/fhir/R4/profiling.html#discriminator
"""

from collections.abc import Callable, Iterator
from typing import Any

from service.fhir.profile.element import Node, Slicing
from service.validation.profile.checks import Matches
from service.validation.profile.compare import contains, dug, equals
from service.validation.profile.item import Item
from service.validation.profile.path import Step, Steps, Test, along, either, every, having, reach, steps
from service.validation.run import Run

Json = Any


class Telling:
    """Compiles discriminators. `roots` gives the profile trees of a canonical URL, `conforms` whether a value meets one,
    `in_value_set` whether it is in a value set."""

    def __init__(
        self,
        roots: Callable[[str], Node | None],
        conforms: Callable[[Item, str, Run], bool],
        in_value_set: Callable[[Json, str, Run], bool],
    ) -> None:
        self._roots = roots
        self._conforms = conforms
        self._in_value_set = in_value_set

    def matches(self, node: Node, slicing: Slicing, otherwise: Matches) -> Matches:
        """The test whether a value belongs to the slice `node`; `otherwise` decides where no discriminator says anything."""
        tests = [test for one in slicing.discriminators if (test := self._test(node, one.type, steps(one.path)))]
        if not tests:
            return otherwise
        if len(tests) == 1:
            return tests[0]
        if len(tests) == 2:
            first, second = tests
            return lambda item, run: first(item, run) and second(item, run)
        return lambda item, run: all(test(item, run) for test in tests)

    def _test(self, node: Node, kind: str, way: Steps) -> Matches | None:
        if kind in ("value", "pattern"):
            return self._value(node, way)
        if kind == "exists":
            return self._exists(node, way)
        return self._type(node, way) if kind == "type" else self._profile(node, way)

    def _value(self, node: Node, way: Steps) -> Matches | None:
        test = self._stating(node, way)
        return (lambda item, run: test(item.value, run)) if test else None

    def _stating(self, node: Node, way: Steps) -> Test | None:
        """What is fixed along the way: at the end of it, inside a pattern above it, or in slices on it."""
        tests = list(self._stated(node, way))
        if way:
            step, further = way[0], way[1:]
            tests += [along((step,), inner) for kid in self._below(node, step) if (inner := self._of_kid(kid, further))]
        return every(tests) if tests else None

    def _of_kid(self, kid: Node, further: Steps) -> Test | None:
        """What an element states; where it says nothing itself, its slices do: those that must be there, or any."""
        own = self._stating(kid, further)
        if own is not None:
            return own
        parts = [(part.minimum or 0, test) for part in kid.slices.values() if (test := self._stating(part, further))]
        needed = [test for minimum, test in parts if minimum] or [test for _, test in parts]
        return either(needed) if needed else None

    def _stated(self, node: Node, way: Steps) -> Iterator[Test]:
        names = [step.argument for step in way]
        if all(step.call == "name" for step in way):
            for stated, fits in ((node.fixed, equals), (node.pattern, contains)):
                for expected in dug(stated.value, names) if stated else ():
                    yield along(way, having(fits, expected))
        if not way and node.binding and node.binding[0] == "required":
            value_set = node.binding[1]
            yield lambda value, run: self._in_value_set(value, value_set, run)
        if not way and not (node.fixed or node.pattern):
            for kid in node.children.values():
                if (inner := self._of_kid(kid, ())) is not None:
                    yield along((Step("name", kid.name.removesuffix("[x]")),), inner)

    def _exists(self, node: Node, way: Steps) -> Matches | None:
        for kid in self._at(node, way):
            if kid.minimum:
                return lambda item, run: any(True for _ in reach(item, way, run))
            if kid.maximum == 0:
                return lambda item, run: not any(True for _ in reach(item, way, run))
        return None

    def _type(self, node: Node, way: Steps) -> Matches | None:
        resolves = bool(way) and way[-1].call == "resolve"
        kids = list(self._at(node, way[:-1] if resolves else way))
        rules = [rule for kid in kids for rule in kid.types]
        if resolves:
            codes = {name for rule in rules for target in rule.targets if (name := self._type_of(target))}
        else:
            codes = {rule.code for rule in rules} or {kid.type_name for kid in kids if kid.type_name}
        if not codes:
            return None
        return lambda item, run: any(one.kind in codes for one in reach(item, way, run))

    def _type_of(self, canonical: str) -> str | None:
        root = self._roots(canonical)
        return root.path if root else canonical.partition("|")[0].rpartition("/")[2]

    def _profile(self, node: Node, way: Steps) -> Matches | None:
        resolves = bool(way) and way[-1].call == "resolve"
        rules = [rule for kid in self._at(node, way[:-1] if resolves else way) for rule in kid.types]
        wanted = [url for rule in rules for url in (rule.targets if resolves else rule.profiles)]
        if not wanted:
            return None
        return lambda item, run: any(self._conforms(one, url, run) for one in reach(item, way, run) for url in wanted)

    def _at(self, node: Node, way: Steps) -> Iterator[Node]:
        """The nodes that a path leads to, slices left aside."""
        if not way:
            yield node
            return
        for kid in self._below(node, way[0]):
            yield from self._at(kid, way[1:])

    def _below(self, node: Node, step: Step) -> Iterator[Node]:
        """The nodes one step below: in the profile itself, and in the profiles of the node's types."""
        if step.call == "ofType":
            yield from [part for part in node.slices.values() if part.type_name == step.argument] or [node]
            return
        urls = [url for rule in node.types for url in (rule.targets if step.call == "resolve" else rule.profiles)]
        roots = [root for url in urls if (root := self._roots(url))]
        if step.call == "resolve":
            yield from roots
        elif step.call == "extension":
            yield from (part for place in (node, *roots) for part in _extensions(place, step.argument))
        else:
            for place in (node, *roots):
                kid = place.children.get(step.argument) or place.children.get(step.argument + "[x]")
                if kid is not None:
                    yield kid
            if step.argument == "url" and node.type_name == "Extension" and not any(root.children.get("url") for root in roots):
                yield from (_named_by_url(node, url) for url in urls)


def _named_by_url(node: Node, url: str) -> Node:
    """The url of an extension whose definition is not known: it is that of the definition."""
    return Node(f"{node.id}.url", f"{node.path}.url", None, "uri", {"fixedUri": url.partition("|")[0]})


def _extensions(node: Node, url: str) -> Iterator[Node]:
    """The slices of a node's extensions that are the one with that URL."""
    sliced = node.children.get("extension")
    for part in sliced.slices.values() if sliced else ():
        if any(url in rule.profiles for rule in part.types):
            yield part
