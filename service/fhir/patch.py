"""Patches: what changes a resource without replacing it (https://hl7.org/fhir/R4/http.html#patch).

`Patch` is what the record knows; JSON Patch (https://www.rfc-editor.org/rfc/rfc6902) is here, FHIRPath Patch in
`fhirpath_patch`. A patch works on a deep copy. It may not touch what the server keeps: id, resourceType, meta.versionId and
meta.lastUpdated. A patch that cannot be understood is a BadRequest; one that does not fit the resource is Unprocessable.
"""

import copy
from dataclasses import dataclass
from typing import Any, Protocol, Self

import jsonpatch
from jsonpointer import JsonPointer, JsonPointerException

from service.errors import BadRequest, Unprocessable

Json = Any

MOST_OPERATIONS = 100
MOST_COPIED_NODES = 20_000
MOST_VISITED_NODES = 1_000_000

_MEMBERS = {
    "add": ("path", "value"),
    "remove": ("path",),
    "replace": ("path", "value"),
    "move": ("path", "from"),
    "copy": ("path", "from"),
    "test": ("path", "value"),
}
_KEPT_BY_SERVER = (("resourceType",), ("id",), ("meta", "versionId"), ("meta", "lastUpdated"))
_MISFITS = (jsonpatch.JsonPatchException, JsonPointerException, TypeError, KeyError, ValueError, IndexError, AttributeError)


class Patch(Protocol):
    """A change to a resource."""

    def apply(self, tree: Json) -> Json:
        """The changed copy of `tree`; `tree` itself stays. Raises Unprocessable when the patch does not fit."""


@dataclass(frozen=True, slots=True)
class JsonPatch:
    """A JSON Patch whose operations are well formed."""

    operations: tuple[dict[str, Json], ...]

    @classmethod
    def of(cls, tree: Json) -> Self:
        """The patch in a decoded body. BadRequest names the operation that is malformed."""
        if not isinstance(tree, list) or not tree:
            raise _malformed("A JSON Patch is a JSON array of operations, each an object with op and path.")
        require_few(len(tree))
        for index, operation in enumerate(tree):
            _require_well_formed(index, operation)
        return cls(tuple(tree))

    def apply(self, tree: Json) -> Json:
        """The changed copy of `tree`."""
        changed = copy.deepcopy(tree)
        copied = 0
        for index, operation in enumerate(self.operations):
            if operation["op"] == "copy":
                copied += _nodes(JsonPointer(operation["from"]).resolve(changed, None), MOST_COPIED_NODES)
            if copied > MOST_COPIED_NODES:
                raise Unprocessable.of("too-costly", "patch-size", f"The patch copies more than {MOST_COPIED_NODES} values.")
            changed = _applied(index, operation, changed)
        require_kept(tree, changed)
        return changed


def require_few(operations: int) -> None:
    """BadRequest when a patch has more operations than a resource needs."""
    if operations > MOST_OPERATIONS:
        raise BadRequest.of(
            "too-costly", "patch-size", f"A patch may have {MOST_OPERATIONS} operations, this one has {operations}. Send a PUT instead."
        )


def require_affordable(operations: int, tree: Json) -> None:
    """Unprocessable when so many operations would search so large a resource for too long."""
    if operations * _nodes(tree, MOST_VISITED_NODES // operations) > MOST_VISITED_NODES:
        raise Unprocessable.of(
            "too-costly", "patch-size", f"{operations} operations are too many for a resource of this size. Send a PUT or several patches."
        )


def require_kept(before: Json, after: Json) -> None:
    """Unprocessable when a patch changed what the server keeps; a member that only went missing is put back on storing."""
    if not isinstance(after, dict):
        raise Unprocessable.of("invalid", "patch-resource", "The patch leaves no resource. Patch elements below the root.")
    for path in _KEPT_BY_SERVER:
        old, new = _value(before, path), _value(after, path)
        if new != old and not (new is None and path[0] == "meta"):
            raise _protected(path)


def _require_well_formed(index: int, operation: Json) -> None:
    where = f"Operation {index} of the JSON Patch"
    if not isinstance(operation, dict):
        raise _malformed(f"{where} is not an object. Write it as an object with op and path.")
    kind = operation.get("op")
    if not isinstance(kind, str) or kind not in _MEMBERS:
        raise _malformed(f"{where} has no op out of {', '.join(_MEMBERS)}.")
    for member in _MEMBERS[kind]:
        if member not in operation:
            raise _malformed(f"{where} ({kind}) lacks {member}.")
    pointers = [operation[member] for member in ("path", "from") if member in _MEMBERS[kind]]
    for pointer in pointers:
        _require_pointer(where, pointer)
    if kind != "test" and kind != "copy":
        _require_free(pointers)
    if kind == "copy":
        _require_free(pointers[:1])


def _require_pointer(where: str, pointer: Json) -> None:
    if not isinstance(pointer, str):
        raise _malformed(f"{where} has a path that is not a string. Write a JSON Pointer, as in /name/0/family.")
    try:
        JsonPointer(pointer)
    except JsonPointerException:
        raise _malformed(f"{where} has a path that is not a JSON Pointer. Begin with a slash, as in /name/0/family.") from None


def _require_free(pointers: list[str]) -> None:
    for pointer in pointers:
        if (parts := tuple(JsonPointer(pointer).parts)) in _KEPT_BY_SERVER:
            raise _protected(parts)


def _applied(index: int, operation: dict[str, Json], tree: Json) -> Json:
    try:
        return jsonpatch.JsonPatch([operation]).apply(tree, in_place=True)
    except _MISFITS as error:
        kind = operation["op"]
        reason = "the value there is another" if isinstance(error, jsonpatch.JsonPatchTestFailed) else "there is no such place"
        raise Unprocessable.of(
            "processing", f"patch-{kind}", f"Operation {index} of the JSON Patch ({kind} {operation['path'][:200]}) does not fit: {reason}."
        ) from None


def _nodes(tree: Json, most: int) -> int:
    """How many values `tree` holds, itself among them; counting stops beyond `most`."""
    stack, nodes = [tree], 0
    while stack and nodes <= most:
        value = stack.pop()
        nodes += 1
        if isinstance(value, dict):
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
    return nodes


def _value(tree: Json, path: tuple[str, ...]) -> Json:
    for name in path:
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree


def _protected(path: tuple[str, ...]) -> Unprocessable:
    name = ".".join(path)
    return Unprocessable.of(
        "business-rule", "patch-protected", f"{name} is kept by the server and no patch may change it. Leave it out.", name
    )


def _malformed(diagnostics: str) -> BadRequest:
    return BadRequest.of("structure", "patch-syntax", diagnostics)
