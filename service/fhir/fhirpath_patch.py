"""FHIRPath Patch: a Parameters resource whose operations add, insert, delete, replace and move elements.

https://hl7.org/fhir/R4/fhirpatch.html. The definitions tell what repeats and which types a choice has, so `add` appends to
lists and `value` becomes `valueQuantity`. Paths follow the small grammar of `patch_path`.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from service.errors import BadRequest, Unprocessable
from service.fhir.definitions import Definitions
from service.fhir.patch import require_affordable, require_few, require_kept
from service.fhir.patch_path import Name, Step, parse
from service.fhir.place import Atlas, Members, Place, member_of

Json = Any

_NEEDS = {
    "add": ("path", "name", "value"),
    "insert": ("path", "index", "value"),
    "delete": ("path",),
    "replace": ("path", "value"),
    "move": ("path", "source", "destination"),
}
_TEXT, _WHOLE = ("type", "path", "name"), ("index", "source", "destination")


@dataclass(frozen=True, slots=True)
class Value:
    """A value as a Parameters part carries it: `tree` under value[x] (`suffix` is the x), or `parts` of an element without a type."""

    tree: Json
    suffix: str = ""
    parts: tuple[Json, ...] | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, well formed: its place in the Parameters, what it does, where, and with what."""

    place: int
    type: str
    path: str
    steps: tuple[Step, ...]
    name: str = ""
    value: Value | None = None
    index: int = 0
    source: int = 0
    destination: int = 0

    def misfit(self, reason: str) -> Unprocessable:
        """The error of an operation that does not fit the resource."""
        told = f"Operation {self.place} of the FHIRPath Patch ({self.type} {self.path[:200]}) does not fit: {reason}."
        return Unprocessable.of("processing", f"patch-{self.type}", told, f"Parameters.parameter[{self.place}]")


@dataclass(frozen=True, slots=True)
class FhirpathPatch:
    """A FHIRPath Patch whose operations are well formed."""

    operations: tuple[Operation, ...]
    atlas: Atlas

    @classmethod
    def of(cls, tree: Json, definitions: Definitions) -> Self:
        """The patch in a Parameters resource. BadRequest names the operation that is malformed."""
        parameters = tree.get("parameter") if isinstance(tree, dict) and tree.get("resourceType") == "Parameters" else None
        if not isinstance(parameters, list) or not parameters:
            raise _malformed(None, "A FHIRPath Patch is a Parameters resource with one parameter named operation for each change.")
        require_few(len(parameters))
        return cls(tuple(_operation(*numbered) for numbered in enumerate(parameters)), Atlas(definitions))

    def apply(self, tree: Json) -> Json:
        """The changed copy of `tree`. Raises Unprocessable when an operation does not fit it."""
        require_affordable(len(self.operations), tree)
        changed = copy.deepcopy(tree)
        for operation in self.operations:
            _APPLY[operation.type](self.atlas, changed, operation)
        require_kept(tree, changed)
        return changed


def _add(atlas: Atlas, tree: Json, operation: Operation) -> None:
    steps = _below_root(tree, operation.steps)
    place = _single(atlas, tree, operation) if steps else None
    owner = place.inside(create=True) if place else tree
    members = atlas.members(place) if place else atlas.of_resource(tree)
    element = members.get(operation.name)
    if element is None or owner is None:
        raise operation.misfit(f"there is no element {operation.name} to add")
    member, _ = member_of(owner, element)
    value = _built(atlas, operation, element.name, members)
    if element.repeats:
        _append(owner, member, value)
    elif member in owner:
        raise operation.misfit(f"{operation.name} is there already and does not repeat; use replace")
    else:
        owner[_member(operation, element.name, element.choice)] = value


def _insert(atlas: Atlas, tree: Json, operation: Operation) -> None:
    owner, member, values, members = _list(atlas, tree, operation, create=True)
    if operation.index > len(values):
        raise operation.misfit(f"the list has {len(values)} elements, so {operation.index} is beyond its end")
    values.insert(operation.index, _built(atlas, operation, member, members))
    if isinstance(sibling := owner.get("_" + member), list):
        sibling.insert(operation.index, None)


def _delete(atlas: Atlas, tree: Json, operation: Operation) -> None:
    places = atlas.walk(tree, _below_root(tree, operation.steps))
    if len(places) > 1:
        raise operation.misfit(f"the path names {len(places)} elements; name one")
    for place in places:
        place.delete()


def _replace(atlas: Atlas, tree: Json, operation: Operation) -> None:
    place = _single(atlas, tree, operation)
    value = _built_below(operation, atlas.members(place))
    place.put(_member(operation, place.element.name, place.element.choice), value)


def _move(atlas: Atlas, tree: Json, operation: Operation) -> None:
    owner, member, values, _ = _list(atlas, tree, operation)
    if max(operation.source, operation.destination) >= len(values):
        raise operation.misfit(f"the list has {len(values)} elements")
    values.insert(operation.destination, values.pop(operation.source))
    sibling = owner.get("_" + member)
    if isinstance(sibling, list) and len(sibling) == len(values):
        sibling.insert(operation.destination, sibling.pop(operation.source))


_APPLY = {"add": _add, "insert": _insert, "delete": _delete, "replace": _replace, "move": _move}


def _single(atlas: Atlas, tree: Json, operation: Operation) -> Place:
    places = atlas.walk(tree, _below_root(tree, operation.steps))
    if len(places) != 1:
        raise operation.misfit(f"the path names {len(places)} elements; name exactly one")
    return places[0]


def _list(atlas: Atlas, tree: Json, operation: Operation, create: bool = False) -> tuple[dict[str, Json], str, list[Json], Members]:
    """The list that the path names: its owner, its member, its values, and the definitions beside it."""
    steps = _below_root(tree, operation.steps)
    last = steps[-1] if steps else None
    if not isinstance(last, Name):
        raise operation.misfit("the path does not end in the name of a list")
    owners = atlas.walk(tree, steps[:-1])
    if steps[:-1] and len(owners) != 1:
        raise operation.misfit(f"the list is in {len(owners)} elements; name exactly one")
    owner = owners[0].inside(create) if owners else tree
    members = atlas.members(owners[0]) if owners else atlas.of_resource(tree)
    element = members.get(last.name)
    if element is None or not element.repeats or owner is None:
        raise operation.misfit(f"{last.name} is not a list")
    values = owner.setdefault(last.name, []) if create else owner.get(last.name, [])
    return owner, last.name, values, members


def _below_root(tree: Json, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    first = steps[0]
    at_root = isinstance(first, Name) and first.name in (tree["resourceType"], "DomainResource", "Resource")
    return steps[1:] if at_root else steps


def _append(owner: dict[str, Json], member: str, value: Json) -> None:
    owner.setdefault(member, []).append(value)
    if isinstance(sibling := owner.get("_" + member), list):
        sibling.append(None)


def _member(operation: Operation, name: str, choice: bool) -> str:
    """The JSON member of a value: a choice carries the name of its type."""
    return name + operation.value.suffix if choice and operation.value else name


def _built(atlas: Atlas, operation: Operation, name: str, members: Members) -> Json:
    """The JSON of the operation's value for the element `name`, one of `members`."""
    element = members.get(name)
    below = atlas.definitions.members(element) if element else {}
    return _built_below(operation, below)


def _built_below(operation: Operation, members: Members) -> Json:
    assert operation.value is not None
    if operation.value.parts is None:
        return operation.value.tree
    return _object(operation, operation.value.parts, members)


def _object(operation: Operation, parts: tuple[Json, ...], members: Members) -> Json:
    """The object that nested parts describe: each part is one member, by its name."""
    built: dict[str, Json] = {}
    for part in parts:
        name = part.get("name") if isinstance(part, dict) else None
        element = members.get(name) if isinstance(name, str) else None
        if element is None:
            raise operation.misfit(f"there is no element {str(name)[:64]} in the value")
        value = _value(operation.place, part)
        tree = value.tree if value.parts is None else _object(operation, value.parts, element.elements)
        if element.repeats:
            built.setdefault(element.name, []).append(tree)
        else:
            built[element.name + (value.suffix if element.choice else "")] = tree
    return built


def _operation(place: int, parameter: Json) -> Operation:
    if not isinstance(parameter, dict) or parameter.get("name") != "operation" or not isinstance(parameter.get("part"), list):
        raise _malformed(place, "Name the parameter operation and give it parts: type, path and what the type needs.")
    parts: dict[str, Json] = {
        part["name"]: part for part in parameter["part"] if isinstance(part, dict) and isinstance(part.get("name"), str)
    }
    texts = {name: _text(place, parts, name) for name in _TEXT if name in parts}
    kind = texts.get("type", "")
    if kind not in _NEEDS:
        raise _malformed(place, f"The part type is one of {', '.join(_NEEDS)}.")
    for need in _NEEDS[kind]:
        if need not in parts:
            raise _malformed(place, f"The operation {kind} needs the part {need}.")
    numbers = {name: _whole(place, parts, name) for name in _WHOLE if name in _NEEDS[kind]}
    value = _value(place, parts["value"]) if "value" in _NEEDS[kind] else None
    path = texts["path"]
    return Operation(place, kind, path, parse(path), texts.get("name", ""), value, **numbers)


def _text(place: int, parts: Mapping[str, Json], name: str) -> str:
    found = next((value for key, value in parts[name].items() if key in ("valueString", "valueCode")), None)
    if not isinstance(found, str):
        raise _malformed(place, f"The part {name} carries a valueString (type: a valueCode).")
    return found


def _whole(place: int, parts: Mapping[str, Json], name: str) -> int:
    found = next((parts[name][key] for key in ("valueInteger", "valueUnsignedInt", "valuePositiveInt") if key in parts[name]), None)
    if not isinstance(found, int) or isinstance(found, bool) or found < 0:
        raise _malformed(place, f"The part {name} carries a valueInteger that is not negative.")
    return found


def _value(place: int, part: Mapping[str, Json]) -> Value:
    carried = [name for name in part if name.startswith("value") and len(name) > len("value")]
    if len(carried) == 1:
        return Value(part[carried[0]], carried[0][len("value") :])
    if isinstance(part.get("part"), list):
        return Value(None, parts=tuple(part["part"]))
    if "resource" in part:
        return Value(part["resource"])
    raise _malformed(place, "The part value carries exactly one value[x], or parts for an element without a type of its own.")


def _malformed(place: int | None, diagnostics: str) -> BadRequest:
    expression = "Parameters" if place is None else f"Parameters.parameter[{place}]"
    return BadRequest.of("structure", "patch-syntax", f"{expression}: {diagnostics}", expression)
