"""Extractors: the leaves of all parameters of a type, merged into one tree that a resource is walked along once.

The walk visits what the resource holds, not what the parameters ask for, and notes every literal reference on its way.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from service.search.element_paths import JsonStep
from service.search.expression import Extension, HasExtension, Having, Holding, IsNotFalse, Place, Resolves
from service.search.types.literals import Literals
from service.search.types.protocol import Action, Json, Rows

Test = Callable[[Any], bool]


@dataclass(slots=True)
class Node:
    """A place in a resource: what to read there, what to look at below, and under which tests. Changed only while it is built."""

    actions: list[Action] = field(default_factory=list)
    children: dict[str, "Node"] = field(default_factory=dict)
    tested: list[tuple[Test, "Node"]] = field(default_factory=list)
    steps: dict[JsonStep, "Node"] = field(default_factory=dict)
    places: dict[str, dict[int, "Node"]] = field(default_factory=dict)


_NOTHING = Node()


def add(root: Node, steps: Iterable[JsonStep], action: Action, literals: Literals) -> None:
    """Grow the tree by one leaf."""
    node, place = root, None
    for step in steps:
        if isinstance(step, Place):
            place = step
        elif isinstance(step, str):
            node, place = _below(node, step, place), None
        elif isinstance(step, IsNotFalse):
            raise TypeError("a condition is no step: see `not_false`")
        else:
            node = _tested(node, step, literals)
    node.actions.append(action)


def _below(node: Node, name: str, place: Place | None) -> Node:
    if place is None:
        return node.children.setdefault(name, Node())
    node.children.setdefault(name, Node())
    return node.places.setdefault(name, {}).setdefault(place.index, Node())


def _tested(node: Node, step: JsonStep, literals: Literals) -> Node:
    if step not in node.steps:
        node.steps[step] = Node()
        node.tested.append((_test(step, literals), node.steps[step]))
    return node.steps[step]


def _test(step: JsonStep, literals: Literals) -> Test:
    if isinstance(step, Extension):
        url = step.url
        return lambda value: bool(value.get("url") == url)
    if isinstance(step, Having):
        member, wanted = step.member, step.value
        return lambda value: bool(value.get(member) == wanted)
    if isinstance(step, Holding):
        path, members = step.path, step.members
        return lambda value: any(all(one.get(name) == text for name, text in members) for one in _reached(value, path))
    if isinstance(step, HasExtension):
        url = step.url
        return lambda value: any(one.get("url") == url for one in value.get("extension", ()))
    assert isinstance(step, Resolves)
    type = step.type
    return lambda value: _points_to(type, value, literals)


def _reached(value: Json, path: tuple[str, ...]) -> list[Json]:
    """The elements at `path` below `value`."""
    found = [value]
    for name in path:
        below = [one.get(name) for one in found if type(one) is dict]
        found = [one for member in below for one in (member if type(member) is list else [member])]
    return [one for one in found if type(one) is dict]


def _points_to(type: str, value: Json, literals: Literals) -> bool:
    """By the literal reference; a reference that states only its type says it too."""
    literal = literals.local(value["reference"]) if isinstance(value.get("reference"), str) else None
    return bool((literal.type if literal else value.get("type")) == type)


def not_false(names: tuple[str, ...], action: Action) -> Action:
    """`x.exists() and x != false` at the parent of the choice element whose JSON members are `names`."""
    return lambda value, rows: action(any(value.get(name, False) is not False for name in names), rows)


def walk(value: Json, node: Node, rows: Rows) -> None:
    """Read `value`, which stands at `node`, into `rows`."""
    if type(value) is list:
        for one in value:
            if one is not None:
                walk(one, node, rows)
        return
    for action in node.actions:
        action(value, rows)
    if type(value) is not dict:
        return
    for test, below in node.tested:
        if test(value):
            walk(value, below, rows)
    children = node.children
    for name, member in value.items():
        kind = type(member)
        if name in children:
            walk(member, children[name], rows)
        elif kind is dict or kind is list:
            walk(member, _NOTHING, rows)
        elif name == "reference" and kind is str:
            rows.literals.add(member)
    if node.places:
        _walk_places(value, node, rows)


def _walk_places(value: Json, node: Node, rows: Rows) -> None:
    for name, places in node.places.items():
        listed = value.get(name)
        for index, below in places.items():
            if isinstance(listed, list) and index < len(listed):
                walk(listed[index], below, rows)
