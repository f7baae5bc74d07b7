"""Whose a resource is: the patients of its compartment, read from the resource itself.

The parameters that say so are those of the compartment's definition, extracted as the index does. Of a stored text only the members are
decoded that lead to them. https://hl7.org/fhir/R4/compartmentdefinition-patient.html
"""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypedDict
from weakref import WeakKeyDictionary

import msgspec

from service.fhir.compartment import ITSELF
from service.search.extract import Node
from service.search.parameter import Registry
from service.search.types.protocol import Json, Rows

PATIENT = "Patient"

_NAMED = re.compile(r"Patient/([A-Za-z0-9.-]+)")
_readers: WeakKeyDictionary[Registry, Callable[[str], "_Reader"]] = WeakKeyDictionary()


def patients(registry: Registry, type: str, resource: str | Json) -> frozenset[str]:
    """The ids of the patients that a resource of `type` belongs to, by its stored text or its tree. Some types belong to nobody."""
    reader = _of(registry.defined)(type)
    if reader.node is None:
        return frozenset()
    tree = reader.decoded(resource) if isinstance(resource, str) else resource
    rows = Rows()
    _walk(tree, reader.node, rows)
    found = {id for _, id, number in rows.reference if number == reader.number and "/" not in id}
    if reader.is_itself and isinstance(tree.get("id"), str):
        found.add(tree["id"])
    return frozenset(found)


def adds_none(type: str, text: str, known: Collection[str]) -> bool:
    """Whether a stored text surely belongs to nobody but those `known`, without reading it: it names no other patient.

    A text with escapes that could spell a reference is not sure.
    """
    if type == PATIENT or "\\u" in text or "\\/" in text:
        return False
    return all(id in known for id in _NAMED.findall(text))


@dataclass(frozen=True, slots=True)
class _Reader:
    """How the patients of one type are read. `node` None: it has no part in a compartment."""

    node: Node | None
    decoded: Callable[[str], Json]
    number: int
    is_itself: bool


def _of(registry: Registry) -> Callable[[str], _Reader]:
    if registry not in _readers:
        _readers[registry] = lru_cache(maxsize=None)(lambda type: _reader(registry, type))
    return _readers[registry]


def _reader(registry: Registry, type: str) -> _Reader:
    codes = registry.compartment(PATIENT, type)
    node = registry.belonging(PATIENT, type).tree if codes else None
    shape = _mapping({"id": Any, **_members(node)}) if node else dict[str, Any]
    return _Reader(node, msgspec.json.Decoder(shape).decode, registry.definitions.type_number(PATIENT), ITSELF in codes)


def _members(node: Node) -> dict[str, Any]:
    """The type of what leads to the leaves below `node`, member by member; where a test has to look, everything."""
    return {name: _shape(below) for name, below in node.children.items()} | dict.fromkeys(node.places, Any)


def _shape(node: Node) -> Any:
    if node.actions or node.tested or node.steps:
        return Any
    below = _mapping(_members(node))
    return list[below | None] | below | None  # type: ignore[valid-type]


def _mapping(members: dict[str, Any]) -> Any:
    """A JSON object of which only `members` are decoded; any may be absent."""
    make: Any = TypedDict
    return make("Members", members, total=False)


def _walk(value: Json, node: Node, rows: Rows) -> None:
    """Read `value`, which stands at `node`, into `rows`: as `extract.walk`, but only along the tree."""
    if type(value) is list:
        for one in value:
            _walk(one, node, rows)
        return
    for action in node.actions if value is not None else ():
        action(value, rows)
    if type(value) is dict:
        for below in _below(value, node):
            _walk(*below, rows)


def _below(value: dict[str, Any], node: Node) -> Iterable[tuple[Json, Node]]:
    yield from ((value, below) for test, below in node.tested if test(value))
    yield from ((value[name], below) for name, below in node.children.items() if name in value)
    for name, places in node.places.items():
        listed = value.get(name)
        yield from ((listed[at], below) for at, below in places.items() if isinstance(listed, list) and at < len(listed))
