"""Shapes: what an object of one type may hold, compiled from the definitions to closures.

A shape knows its members by JSON name. A member is a function (value, path of the object, run, object) that reports
what is wrong with the value. Shapes are compiled when first met and shared by all threads; compiling one twice is harmless.
https://hl7.org/fhir/R4/json.html says how elements become JSON.
"""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from service.validation.run import Run

Node = Mapping[str, Any]
Member = Callable[[Any, str, Run, Node], None]
Predicate = Callable[[Node, Run], bool]


class Invariant:
    """A compiled constraint: `holds(node, run)` is false when it is broken."""

    __slots__ = ("holds", "key", "sentence", "severity")

    def __init__(self, key: str, severity: str, sentence: str, holds: Predicate) -> None:
        self.key, self.severity, self.sentence, self.holds = key, severity, sentence, holds

    def check(self, node: Node, path: str, run: Run) -> None:
        """Reports the constraint on `path` when it is broken."""
        if not self.holds(node, run):
            report = run.error if self.severity == "error" else run.warning
            report("invariant", self.key, path, f"breaks the invariant {self.key}: {self.sentence}")


class Shape:
    """The members, mandatory members, choices and invariants of one type or nested element."""

    __slots__ = ("choices", "invariants", "is_resource", "members", "name", "required")

    def __init__(self, name: str, is_resource: bool = False) -> None:
        self.name = name
        self.is_resource = is_resource
        self.members: dict[str, Member] = {}
        self.required: list[tuple[str, frozenset[str]]] = []
        self.choices: list[tuple[str, frozenset[str]]] = []
        self.invariants: list[Invariant] = []

    def check(self, node: Any, path: str, run: Run) -> None:
        """Reports everything that is wrong with `node`, an object of this type at `path`."""
        if type(node) is not dict:
            run.error("structure", *_not_object(node, path, self.name))
            return
        if not node or (len(node) == 1 and not self.is_resource and "id" in node):
            run.error("invariant" if node else "structure", "ele-1" if node else "empty-object", path, _EMPTY_OBJECT)
            return
        members = self.members
        for name, value in node.items():
            member = members.get(name)
            if member is None:
                self.unknown(name, path, run)
            else:
                member(value, path, run, node)
        for title, names in self.required:
            if names.isdisjoint(node):
                run.error("required", "required-element", f"{path}.{title}", f"is missing: {self.name} must have it")
        for title, names in self.choices:
            self.choose(title, names, node, path, run)
        for invariant in self.invariants:
            if not invariant.holds(node, run):
                invariant.check(node, path, run)

    def choose(self, title: str, names: frozenset[str], node: Node, path: str, run: Run) -> None:
        """Reports a choice element that is given with more than one type."""
        given = {name.removeprefix("_") for name in names.intersection(node)}
        if len(given) > 1:
            text = f"may have one type only, and {', '.join(sorted(given))} are given; keep one of them"
            run.error("structure", "choice-type", f"{path}.{title}", text)

    def unknown(self, name: str, path: str, run: Run) -> None:
        """Reports a member that the type does not have."""
        place = f"{path}.{name[:64]}"
        for title, names in self.choices:
            if name.removeprefix("_").startswith(title):
                options = ", ".join(sorted(option for option in names if option[0] != "_"))
                run.error("structure", "unknown-element", place, f"is no element of {self.name}; {title}[x] may be one of {options}")
                return
        close = get_close_matches(name[:64], self.members, 1)
        mend = f"did you mean {close[0]}?" if close else "remove it, or carry it in an extension"
        run.error("structure", "unknown-element", place, f"is no element of {self.name}; {mend}")


_EMPTY_OBJECT = "is empty: give it content, or leave it out"


def _not_object(value: Any, path: str, name: str) -> tuple[str, str, str]:
    if value is None:
        return "null-value", path, "is null: give it a value, or leave it out"
    if isinstance(value, list):
        return "not-an-array", path, "is an array, but may occur only once: write its one value without brackets"
    return "object-expected", path, f"must be a JSON object ({name})"


def nested(name: str, shape: Shape, extras: tuple[Callable[[Any, str, Run], None], ...] = ()) -> Member:
    """The member for an object that may occur once; `extras` look at it when it is an object."""

    def member(value: Any, path: str, run: Run, _node: Node) -> None:
        place = f"{path}.{name}"
        shape.check(value, place, run)
        if extras and type(value) is dict:
            for extra in extras:
                extra(value, place, run)

    return member


def nested_list(name: str, shape: Shape, extras: tuple[Callable[[Any, str, Run], None], ...] = ()) -> Member:
    """The member for an array of objects."""

    def member(value: Any, path: str, run: Run, _node: Node) -> None:
        place = f"{path}.{name}"
        if not is_array(value, place, run):
            return
        for index, item in enumerate(value):
            at = f"{place}[{index}]"
            shape.check(item, at, run)
            if extras and type(item) is dict:
                for extra in extras:
                    extra(item, at, run)

    return member


def is_array(value: Any, place: str, run: Run) -> bool:
    """Whether the value is an array with something in it; reports it otherwise."""
    if type(value) is not list:
        run.error("structure", "array-expected", place, "may repeat: write an array, also for a single value")
        return False
    if not value:
        run.error("structure", "empty-array", place, "is an empty array: give it content, or leave it out")
        return False
    return True
