"""The names that an invariant may speak of at one element."""

from collections.abc import Mapping

from service.fhir.definitions import Definitions
from service.fhir.element import Element


class Scope:
    """Element names to JSON member names, below one structure or element."""

    __slots__ = ("_definitions", "_elements")

    def __init__(self, definitions: Definitions, elements: Mapping[str, Element]) -> None:
        self._definitions = definitions
        self._elements = elements

    def names(self, *elements: str) -> frozenset[str]:
        """The JSON members of the elements: all types of a choice, each also as `_name`. Raises KeyError for a wrong name."""
        found = [name for element in elements for name in self._elements[element].properties]
        return frozenset(found) | frozenset("_" + name for name in found)

    def inside(self, element: str) -> "Scope":
        """The scope of the members of an element."""
        return Scope(self._definitions, self._definitions.members(self._elements[element]))
