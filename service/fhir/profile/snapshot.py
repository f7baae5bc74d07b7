"""Snapshots: every element of a profile, R4's and its own, in FHIR's order.

An element is followed by its children, and then by its slices with theirs. The members of R4's backbone elements are always
listed, those of a datatype only where the profile says something about one of them. What is said of an element that is sliced holds
for its slices too, and is listed there again.
https://hl7.org/fhir/R4/profiling.html#snapshot
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from service.fhir.definitions import Definitions
from service.fhir.element import Element
from service.fhir.profile.element import Node, Profile
from service.fhir.profile.element_definition import Row, facts, root, row, slice_row

_BY_URL = {"discriminator": [{"type": "value", "path": "url"}], "ordered": False, "rules": "open"}
_BY_TYPE = {"discriminator": [{"type": "type", "path": "$this"}], "ordered": False, "rules": "open"}


def complete(profile: Profile, definitions: Definitions) -> dict[str, Any]:
    """The StructureDefinition of a profile with its snapshot before its differential."""
    rest = {name: value for name, value in profile.tree.items() if name not in ("snapshot", "differential")}
    differential = {"differential": profile.tree["differential"]} if "differential" in profile.tree else {}
    return {**rest, "snapshot": {"element": elements(profile.root, definitions)}, **differential}


def elements(node: Node, definitions: Definitions) -> list[Row]:
    """The elements of the merged tree whose root is `node`."""
    chain = [definitions.structures[node.path]]
    while chain[0].base:
        chain.insert(0, definitions.structures[chain[0].base])
    walk = _Walk(definitions)
    return [root(chain, node), *walk.members(node.id, node.path, chain[-1].elements, [node])]


class _Walk:
    """From elements to rows. `layers` are the nodes of one element, the most general first; none when no profile speaks of it."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions

    def members(self, id: str, path: str, members: Mapping[str, Element], layers: Sequence[Node]) -> Iterator[Row]:
        """The children of an element, each with all that is below it."""
        for element in members.values():
            name = element.name + "[x]" if element.choice else element.name
            inner = [node.children[name] for node in layers if name in node.children]
            yield from self._element(f"{id}.{name}", f"{path}.{name}", element, inner)

    def _element(self, id: str, path: str, element: Element, layers: Sequence[Node]) -> Iterator[Row]:
        made = row(id, path, element, layers)
        names = list(dict.fromkeys(name for node in layers for name in node.slices))
        if names and "slicing" not in made:
            made = row(id, path, element, [*layers, Node(id, path, element, None, {"slicing": _slicing(element)})])
        yield made
        yield from self._below(id, path, element, layers)
        yield from self._slices(id, path, element, layers)

    def _slices(self, id: str, path: str, element: Element, layers: Sequence[Node]) -> Iterator[Row]:
        for name in dict.fromkeys(name for node in layers for name in node.slices):
            joiner = "/" if ":" in id.rpartition(".")[2] else ":"
            own = [*layers, *(node.slices[name] for node in layers if name in node.slices)]
            inner = f"{id}{joiner}{name}"
            yield slice_row(inner, path, element, own)
            yield from self._below(inner, path, element, own)
            yield from self._slices(inner, path, element, [own[-1]])

    def _below(self, id: str, path: str, element: Element, layers: Sequence[Node]) -> Iterator[Row]:
        """The children: always those of a backbone element, else where a profile speaks of one."""
        if element.elements or (layers and layers[-1].children):
            yield from self.members(id, path, self._inner(element, layers), layers)

    def _inner(self, element: Element, layers: Sequence[Node]) -> Mapping[str, Element]:
        codes = [one["code"] for one in facts(layers).get("type", ())]
        if len(codes) == 1 and not element.elements and not element.same_as:
            return self._definitions.members(element, codes[0])
        return self._definitions.members(element)


def _slicing(element: Element) -> Mapping[str, Any]:
    """How slices are told apart that a profile states without saying so."""
    return _BY_TYPE if element.choice else _BY_URL
