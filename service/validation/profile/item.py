"""Values as profiles see them: each with its place, its FHIR type and, for a primitive, its id and extensions."""

from collections.abc import Mapping
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

    __slots__ = ("names", "repeats")

    def __init__(self, element: Element) -> None:
        self.repeats = element.repeats
        self.names = tuple((name, "_" + name, kind.code if kind else None) for name, kind in element.properties.items())

    def items(self, node: Mapping[str, Json], path: str) -> list[Item]:
        """The values in `node`, which stands at `path`."""
        found: list[Item] = []
        for name, beside, kind in self.names:
            value, extra = node.get(name), node.get(beside)
            if value is None and extra is None:
                continue
            if self.repeats:
                found += _listed(value, extra, f"{path}.{name}", kind)
            else:
                found.append(_item(value, extra, f"{path}.{name}", kind))
        return found


def _listed(value: Json, extra: Json, path: str, kind: str | None) -> list[Item]:
    values, extras = value or (), extra or ()
    if not extras:
        return [_item(one, None, f"{path}[{index}]", kind) for index, one in enumerate(values)]
    pairs = [(_at(values, index), _at(extras, index)) for index in range(max(len(values), len(extras)))]
    return [_item(one, other, f"{path}[{index}]", kind) for index, (one, other) in enumerate(pairs)]


def _at(array: Json, index: int) -> Json:
    return array[index] if index < len(array) else None


def _item(value: Json, extra: Json, path: str, kind: str | None) -> Item:
    if kind == "Resource" and isinstance(value, dict):
        kind = str(value.get("resourceType"))
    return Item(value, extra, path, kind)
