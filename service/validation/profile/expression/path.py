"""Elements along a path, read from plain JSON."""

from collections.abc import Mapping
from typing import Any

from service.validation.profile.expression.logic import Beyond, Expression, Values
from service.validation.run import Run

Json = Any


def named(name: str, exactly: bool = False) -> Expression:
    """The element `name` of each node; `exactly`: no choice of that name is meant."""
    beside = "_" + name

    def step(focus: Values, _run: Run) -> Values:
        found: list[Json] = []
        for node in focus:
            if type(node) is not dict:
                if name in ("extension", "id"):
                    raise Beyond(name)
            elif name in node or beside in node:
                _take(node.get(name), node.get(beside), found)
            elif not exactly:
                _choose(node, name, found)
        return found

    return step


def _take(value: Json, extra: Json, found: list[Json]) -> None:
    """The values of an element; one that has only extensions is there too."""
    if isinstance(value, list):
        beside = extra or ()
        found.extend(one if one is not None else beside[index] for index, one in enumerate(value))
    else:
        found.append(extra if value is None else value)


def _choose(node: Mapping[str, Json], name: str, found: list[Json]) -> None:
    size = len(name)
    for member, value in node.items():
        plain = member.removeprefix("_")
        if plain.startswith(name) and plain[size : size + 1].isupper() and (plain == member or plain not in node):
            _take(value, None, found)
