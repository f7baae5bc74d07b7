"""Discriminator paths: restricted FHIRPath (https://hl7.org/fhir/R4/profiling.html#discriminator).

`$this`, element names, `extension('url')`, `resolve()`, `ofType(X)` and `as(X)`; nothing else is known.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from service.fhir.profile.merge import ProfileError
from service.validation.primitive import PRIMITIVES
from service.validation.profile.item import Item, of_resource
from service.validation.run import Run
from service.validation.target import target_type

Json = Any
_STEP = re.compile(
    r"\$this|(?P<call>extension|resolve|ofType|as)\((?P<argument>'[^']*'|[A-Za-z.]*)\)|(?P<name>[A-Za-z][A-Za-z0-9]*)(?:\[x\])?"
)


class Step(NamedTuple):
    """`call` is name, extension, resolve or ofType; `argument` the name, URL or type."""

    call: str
    argument: str = ""


Steps = tuple[Step, ...]
Test = Callable[[Json, Run], bool]
"""A test of a JSON value, quicker than one of an Item: it needs neither place nor type."""


def steps(text: str) -> Steps:
    """A discriminator path, parsed. Raises ProfileError for one that is not restricted FHIRPath."""
    found: list[Step] = []
    place = 0
    while place < len(text):
        match = _STEP.match(text, place)
        if match is None or (match.end() < len(text) and text[match.end()] != "."):
            raise ProfileError(f"the discriminator {text!r} is not in the restricted FHIRPath of R4")
        place = match.end() + 1
        if match["name"]:
            found.append(Step("name", match["name"]))
        elif match["call"]:
            found.append(Step("ofType" if match["call"] == "as" else match["call"], match["argument"].strip("'").removeprefix("FHIR.")))
    return tuple(found)


def reach(item: Item, way: Sequence[Step], run: Run) -> Iterator[Item]:
    """The items that a path leads to from `item`."""
    if not way:
        yield item
        return
    for one in _TAKEN[way[0].call](item, way[0].argument, run):
        yield from reach(one, way[1:], run)


def _named(item: Item, name: str, _run: Run) -> Iterator[Item]:
    node = item.content
    if name in node or "_" + name in node:
        yield from _values(node.get(name), node.get("_" + name), f"{item.path}.{name}", None)
        return
    for member, value in node.items():
        if member.startswith(name) and member[len(name) : len(name) + 1].isupper():
            yield from _values(value, node.get("_" + member), f"{item.path}.{member}", _kind(member[len(name) :]))


def _kind(suffix: str) -> str:
    """The type that the name of a choice ends with: primitives begin with a small letter."""
    small = suffix[0].lower() + suffix[1:]
    return small if small in PRIMITIVES else suffix


def _values(value: Json, extra: Json, path: str, kind: str | None) -> Iterator[Item]:
    if isinstance(value, list):
        for index, one in enumerate(value):
            beside = extra[index] if isinstance(extra, list) and index < len(extra) else None
            yield _typed(one, beside, f"{path}[{index}]", kind)
    else:
        yield _typed(value, extra if isinstance(extra, Mapping) else None, path, kind)


def _typed(value: Json, extra: Json, path: str, kind: str | None) -> Item:
    if kind is None and isinstance(value, dict) and "resourceType" in value:
        kind = str(value["resourceType"])
    return Item(value, extra, path, kind)


def _extended(item: Item, url: str, _run: Run) -> Iterator[Item]:
    for index, one in enumerate(item.content.get("extension", ())):
        if one.get("url") == url:
            yield Item(one, None, f"{item.path}.extension[{index}]", "Extension")


def _resolved(item: Item, _argument: str, run: Run) -> Iterator[Item]:
    reference = item.value.get("reference") if isinstance(item.value, dict) else item.value
    target = run.target(reference) if isinstance(reference, str) else None
    if target is not None:
        yield of_resource(target, item.path)
    elif isinstance(reference, str) and (name := target_type(reference, run)):
        yield Item({"resourceType": name}, None, item.path, name)


def _of_type(item: Item, name: str, _run: Run) -> Iterator[Item]:
    if item.kind in (None, name):
        yield item


_TAKEN: dict[str, Callable[[Item, str, Run], Iterator[Item]]] = {
    "name": _named,
    "extension": _extended,
    "resolve": _resolved,
    "ofType": _of_type,
}


def along(way: Steps, inner: Test) -> Test:
    """Whether any of the values that a path leads to passes `inner`."""
    for step in reversed(way):
        inner = _further(step, inner)
    return inner


def _further(step: Step, inner: Test) -> Test:
    if step.call == "name":
        return _at_name(step.argument, inner)
    if step.call == "ofType":
        return inner

    def test(value: Json, run: Run) -> bool:
        return any(inner(one.value, run) for one in _TAKEN[step.call](Item(value, None, "", None), step.argument, run))

    return test


def _at_name(name: str, inner: Test) -> Test:
    def test(value: Json, run: Run) -> bool:
        if type(value) is not dict:
            return False
        found = value.get(name)
        if found is None:
            return any(inner(one.value, run) for one in _named(Item(value, None, "", None), name, run))
        if type(found) is not list:
            return inner(found, run)
        for one in found:  # noqa: SIM110 a generator costs as much as the tests
            if inner(one, run):
                return True
        return False

    return test


def having(fits: Callable[[Json, Json], bool], expected: Json) -> Test:
    """Whether a value is, or has, what is expected."""
    if isinstance(expected, str):
        return lambda value, _run: bool(value == expected)
    return lambda value, _run: fits(value, expected)


def either(tests: Sequence[Test]) -> Test:
    """Any of the tests."""
    return tests[0] if len(tests) == 1 else lambda value, run: any(test(value, run) for test in tests)


def every(tests: Sequence[Test]) -> Test:
    """All of the tests."""
    return tests[0] if len(tests) == 1 else lambda value, run: all(test(value, run) for test in tests)
