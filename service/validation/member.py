"""Members with primitive values: `name` holds the value, `_name` its id and extensions.

In arrays the two are aligned by index, and `null` fills the place of what is absent.
https://hl7.org/fhir/R4/json.html#primitive
"""

from collections.abc import Callable
from typing import Any

from service.validation.primitive import Rule
from service.validation.run import Run
from service.validation.structure import Member, Node, Shape, is_array

Coded = Callable[[str], tuple[str, str] | None]
Extra = Callable[[Any, str, Run], None]


def value(name: str, rule: Rule, coded: Coded | None, extra: Extra | None = None) -> Member:
    """The member that holds one primitive value."""

    def member(given: Any, path: str, run: Run, _node: Node) -> None:
        if (text := rule(given)) is not None:
            _malformed(given, text, f"{path}.{name}", run)
        elif coded is not None and (refused := coded(given)) is not None:
            run.error("code-invalid", refused[0], f"{path}.{name}", refused[1])
        elif extra is not None:
            extra(given, f"{path}.{name}", run)

    return member


def values(name: str, rule: Rule, coded: Coded | None) -> Member:
    """The member that holds an array of primitive values; a null stands for a value that has only extensions."""
    sibling = "_" + name

    def member(given: Any, path: str, run: Run, node: Node) -> None:
        if not is_array(given, f"{path}.{name}", run):
            return
        for index, item in enumerate(given):
            if item is None and _at(node.get(sibling), index) is not None:
                continue
            if (text := rule(item)) is not None:
                _malformed(item, text, f"{path}.{name}[{index}]", run)
            elif coded is not None and (refused := coded(item)) is not None:
                run.error("code-invalid", refused[0], f"{path}.{name}[{index}]", refused[1])

    return member


def extended(name: str, element: Shape) -> Member:
    """The member `_name` beside one primitive value."""

    def member(given: Any, path: str, run: Run, node: Node) -> None:
        _element(given, f"{path}.{name}", run, element, name in node)

    return member


def extended_list(name: str, element: Shape) -> Member:
    """The member `_name` beside an array of primitive values."""

    def member(given: Any, path: str, run: Run, node: Node) -> None:
        if not is_array(given, f"{path}.{name}", run):
            return
        if all(item is None for item in given):
            run.error("structure", "null-value", f"{path}._{name}", "holds only nulls: leave it out")
            return
        for index, item in enumerate(given):
            if item is not None:
                _element(item, f"{path}.{name}[{index}]", run, element, _at(node.get(name), index) is not None)
            elif name not in node:
                run.error("structure", "null-value", f"{path}.{name}[{index}]", "has neither a value nor extensions: leave it out")

    return member


def _element(given: Any, path: str, run: Run, element: Shape, has_value: bool) -> None:
    if has_value and type(given) is dict and given.keys() == {"id"}:
        element.members["id"](given["id"], path, run, given)
        return
    element.check(given, path, run)


def _at(array: Any, index: int) -> Any:
    return array[index] if isinstance(array, list) and index < len(array) else None


def _malformed(given: Any, text: str, path: str, run: Run) -> None:
    if given is None:
        run.error("structure", "null-value", path, "is null: give it a value, or leave it out")
    elif isinstance(given, list):
        run.error("structure", "not-an-array", path, "is an array, but may occur only once: write its one value without brackets")
    elif isinstance(given, dict):
        run.error("structure", "primitive-expected", path, "is an object, but holds a single value: " + text)
    elif given == "":
        run.error("value", "empty-string", path, "is an empty string: give it content, or leave it out")
    else:
        run.error("value", "primitive-format", path, text)
