"""Values as profiles see them: each with its place, its FHIR type and, for a primitive, its id and extensions."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from service.fhir.element import Element

Json = Any
NOTHING: Mapping[str, Json] = {}


class Item(NamedTuple):
    """One value. `extra` is the object beside a primitive, `kind` the FHIR type where it is known, `path` indexed."""

    value: Json
    extra: Mapping[str, Json] | None
    path: str
    kind: str | None

    @property
    def content(self) -> Mapping[str, Json]:
        """What stands inside: the members of an object, or the id and extensions of a primitive."""
        return self.value if isinstance(self.value, dict) else self.extra or NOTHING


def of_resource(resource: Mapping[str, Json], path: str) -> Item:
    """A whole resource."""
    return Item(resource, None, path, str(resource.get("resourceType")))


class Access:
    """How the values of one element are read from the JSON object that holds it."""

    __slots__ = ("members", "only", "repeats")

    def __init__(self, element: Element) -> None:
        self.repeats = element.repeats
        names = [(name, "_" + name, kind.code if kind else None) for name, kind in element.properties.items()]
        self.only = names[0] if len(names) == 1 else None
        self.members = {member: row for row in names for member in row[:2] if member}

    def items(self, node: Mapping[str, Json], path: str) -> Sequence[Item]:
        """The values in `node`, which stands at `path`."""
        if self.only is not None:
            return self._of(self.only, node, path)
        given = dict.fromkeys(self.members[member] for member in node if member in self.members)
        return [item for names in given for item in self._of(names, node, path)]

    def _of(self, names: tuple[str, str, str | None], node: Mapping[str, Json], path: str) -> Sequence[Item]:
        name, beside, kind = names
        value, extra = node.get(name), node.get(beside)
        if value is None and extra is None:
            return ()
        if self.repeats:
            return _listed(value, extra, f"{path}.{name}", kind)
        if kind == "Resource":
            kind = _type_of(value)
        return (Item(value, extra, f"{path}.{name}", kind),)


def _listed(value: Json, extra: Json, path: str, kind: str | None) -> Sequence[Item]:
    values, extras = value or (), extra or ()
    if extras:
        pairs = [(_at(values, index), _at(extras, index)) for index in range(max(len(values), len(extras)))]
        return [Item(one, other, f"{path}[{index}]", kind) for index, (one, other) in enumerate(pairs)]
    if kind == "Resource":
        return [Item(one, None, f"{path}[{index}]", _type_of(one)) for index, one in enumerate(values)]
    return [Item(one, None, f"{path}[{index}]", kind) for index, one in enumerate(values)]


def _at(array: Json, index: int) -> Json:
    return array[index] if index < len(array) else None


def _type_of(resource: Json) -> str:
    return str(resource.get("resourceType")) if isinstance(resource, dict) else ""
