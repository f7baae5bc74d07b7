"""Places in a resource: where an element is, so that it can be replaced, deleted or filled.

JSON keeps a repeating element in an array and the extensions of a primitive in a sibling member with an underscore
(https://hl7.org/fhir/R4/json.html#primitive); a place knows both, and changes them together.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from service.fhir.definitions import Definitions
from service.fhir.element import Element
from service.fhir.patch_path import Name, OfType, Pick, Step, Where

Json = Any
Members = Mapping[str, Element]


@dataclass(frozen=True, slots=True)
class Place:
    """An element in its resource: the object that holds it, the JSON member, the position in an array, and its definition.

    `type` is the code of its type, where the element may have several.
    """

    owner: dict[str, Json]
    member: str
    index: int | None
    element: Element
    type: str | None

    @property
    def value(self) -> Json:
        """What stands there."""
        found = self.owner.get(self.member)
        if self.index is None:
            return found
        return found[self.index] if isinstance(found, list) and self.index < len(found) else None

    def put(self, member: str, value: Json) -> None:
        """Set the element to `value` under the member name `member`, where it stood; extensions of the old primitive go."""
        if self.index is None:
            own = (self.member, "_" + self.member)
            first = next(name for name in self.owner if name in own)
            kept = [
                (member, value) if name == first else (name, old) for name, old in self.owner.items() if name == first or name not in own
            ]
            self.owner.clear()
            self.owner.update(kept)
        else:
            self.owner[self.member][self.index] = value
            self._forget_extensions(None)

    def delete(self) -> None:
        """Remove the element with its extensions, and the array with its last element."""
        if self.index is None:
            self.owner.pop(self.member, None)
            self.owner.pop("_" + self.member, None)
            return
        del self.owner[self.member][self.index]
        self._forget_extensions(self.index)
        if not self.owner[self.member]:
            self.owner.pop(self.member)
            self.owner.pop("_" + self.member, None)

    def inside(self, create: bool = False) -> dict[str, Json] | None:
        """The object that holds the element's own members: itself, or for a primitive its underscore sibling."""
        if isinstance(self.value, dict):
            return self.value
        sibling = self.owner.get("_" + self.member)
        if self.index is None:
            if sibling is None and create:
                sibling = self.owner["_" + self.member] = {}
            return sibling if isinstance(sibling, dict) else None
        if sibling is None and create:
            sibling = self.owner["_" + self.member] = [None] * len(self.owner[self.member])
        if not isinstance(sibling, list) or self.index >= len(sibling):
            return None
        if sibling[self.index] is None and create:
            sibling[self.index] = {}
        return sibling[self.index] if isinstance(sibling[self.index], dict) else None

    def _forget_extensions(self, removed: int | None) -> None:
        sibling = self.owner.get("_" + self.member)
        if not isinstance(sibling, list) or self.index is None or self.index >= len(sibling):
            return
        if removed is None:
            sibling[self.index] = None
        else:
            del sibling[removed]
        if not any(sibling):
            self.owner.pop("_" + self.member)


def member_of(value: Mapping[str, Json], element: Element) -> tuple[str, str | None]:
    """The JSON member of `value` that carries `element`, and the type it has there; for an absent choice its bare name."""
    for member, kind in element.properties.items():
        if member in value or "_" + member in value:
            return member, kind.code if kind and element.choice else None
    return element.name, None


@dataclass(frozen=True, slots=True)
class Atlas:
    """Finds places in resources by the definitions."""

    definitions: Definitions

    def members(self, place: Place) -> Members:
        """The definitions of the members of what stands at `place`."""
        value = place.value
        if isinstance(value, dict) and isinstance(value.get("resourceType"), str):
            return self.of_resource(value)
        return self.definitions.members(place.element, place.type)

    def of_resource(self, resource: Mapping[str, Json]) -> Members:
        """The definitions of the members of a resource."""
        structure = self.definitions.structures.get(resource["resourceType"])
        return structure.elements if structure else {}

    def step(self, value: dict[str, Json] | None, members: Members, name: str) -> Iterator[Place]:
        """The places of the member `name` in the object `value`."""
        element = members.get(name) or next((one for one in members.values() if name in one.properties), None)
        if element is None or value is None:
            return
        member, type = member_of(value, element)
        found = value.get(member, value.get("_" + member))
        if isinstance(found, list):
            for index in range(len(found)):
                yield Place(value, member, index, element, type)
        elif found is not None:
            yield Place(value, member, None, element, type)

    def walk(self, resource: dict[str, Json], steps: tuple[Step, ...]) -> list[Place]:
        """The places that `steps` lead to; the first step is a member of the resource."""
        places: list[Place] | None = None
        for step in steps:
            places = list(self._entered(resource, places, step.name)) if isinstance(step, Name) else self._kept(places or [], step)
        return places or []

    def _entered(self, resource: dict[str, Json], places: list[Place] | None, name: str) -> Iterator[Place]:
        if places is None:
            yield from self.step(resource, self.of_resource(resource), name)
            return
        for place in places:
            yield from self.step(place.inside(), self.members(place), name)

    def _kept(self, places: list[Place], step: Pick | Where | OfType) -> list[Place]:
        match step:
            case Pick(index):
                return places[index:][:1] if index >= 0 else places[-1:]
            case OfType(type):
                return [place for place in places if (place.type or place.element.types[0].code).lower() == type.lower()]
            case Where(tests):
                return [place for place in places if all(self._holds(place, *test) for test in tests)]

    def _holds(self, place: Place, names: tuple[str, ...], literal: Json) -> bool:
        found = [place]
        for name in names:
            found = [below for one in found for below in self.step(one.inside(), self.members(one), name)]
        return any(_equal(one.value, literal) for one in found)


def _equal(value: Json, literal: Json) -> bool:
    return isinstance(value, bool) == isinstance(literal, bool) and bool(value == literal)
