"""Where the paths of an expression lead in the JSON of a resource: member names, tests on the way, and the FHIR type at the end.

A choice element has one JSON member per type, so a path may end in several leaves. An extension ends in its value. A path
that the definitions do not know, or that a type filter leaves empty, raises Unsupported.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from service.fhir.definitions import Definitions
from service.fhir.element import Element
from service.search.expression import (
    Correlated,
    Extension,
    HasExtension,
    Having,
    Holding,
    IsNotFalse,
    Member,
    OfType,
    Path,
    Place,
    Resolves,
    Step,
    Unsupported,
)

JsonStep = str | Place | Resolves | Having | Holding | HasExtension | Extension | IsNotFalse


@dataclass(frozen=True, slots=True)
class Leaf:
    """One end of a path. `steps` are JSON members and tests, `type` is the FHIR type found there, `element` its definition.

    `single` says that no step on the way repeats; `choice` that the path did not say which type it wants.
    """

    steps: tuple[JsonStep, ...]
    type: str
    element: Element | None = None
    single: bool = True
    choice: bool = False


def leaves(path: Path, definitions: Definitions) -> list[Leaf]:
    """Every leaf of `path`. Raises Unsupported."""
    if path.root not in definitions.structures:
        raise Unsupported(f"{path.root}, which is no type")
    found = [Leaf((), path.root)]
    for step in path.steps:
        found = [one for leaf in found for one in _advanced(leaf, step, definitions)]
        if not found:
            raise Unsupported(f"{_spelt(step)} of {path.root}, which the definitions do not know")
    return [one for leaf in found for one in _values(leaf, definitions)]


def _spelt(step: Step) -> str:
    """A step that leads nowhere: only members and types can."""
    return f"the type {step.type!r}" if isinstance(step, OfType) else repr(getattr(step, "name", ""))


def _advanced(leaf: Leaf, step: Step, definitions: Definitions) -> Iterator[Leaf]:
    if isinstance(step, Member):
        element = _members(leaf, definitions).get(step.name)
        if element is not None:
            yield from _through(leaf, element)
    elif isinstance(step, OfType):
        if _is(leaf.type, step.type, definitions):
            yield replace(leaf, choice=False)
    elif isinstance(step, Extension):
        yield replace(leaf, steps=(*leaf.steps, "extension", step), type="Extension", single=False)
    elif isinstance(step, IsNotFalse):
        yield Leaf((*leaf.steps, step), "boolean", None, leaf.single, leaf.choice)
    elif isinstance(step, Place):
        yield replace(leaf, steps=(*leaf.steps[:-1], step, *leaf.steps[-1:]), single=False)
    elif not isinstance(step, Correlated):
        yield replace(leaf, steps=(*leaf.steps, step))


def _through(leaf: Leaf, element: Element) -> Iterator[Leaf]:
    single = leaf.single and not element.repeats
    for name, kind in element.properties.items():
        yield Leaf((*leaf.steps, name), kind.code if kind else "", element, single, element.choice)


def _members(leaf: Leaf, definitions: Definitions) -> Mapping[str, Element]:
    element = leaf.element
    if element is not None and leaf.type != "Extension" and (element.same_as or element.elements):
        return definitions.members(element, leaf.type)
    return definitions.structures[leaf.type].elements if leaf.type in definitions.structures else {}


def _is(type: str, wanted: str, definitions: Definitions) -> bool:
    """Whether `type` is `wanted` or derives from it; R4 writes `DateTime` for `dateTime` here and there."""
    name = type
    while name and name.lower() != wanted.lower():
        name = definitions.structures[name].base if name in definitions.structures else ""
    return bool(name)


def _values(leaf: Leaf, definitions: Definitions) -> Iterator[Leaf]:
    if leaf.type != "Extension":
        yield leaf
        return
    value = definitions.structures["Extension"].elements["value"]
    yield from _through(leaf, value)
