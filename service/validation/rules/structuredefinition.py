"""Invariants of StructureDefinition (https://hl7.org/fhir/R4/structuredefinition.html#invs)."""

import re
from collections.abc import Callable
from typing import Any

from service.validation.invariant import Rule, contextual, custom, either, every, is_one_of, no, objects, some, when
from service.validation.run import Run
from service.validation.structure import Node

CORE = "http://hl7.org/fhir/StructureDefinition"
_SYSTEM_TYPE = r"http://hl7\.org/fhirpath/System\.[A-Z][A-Za-z]+"
_DIFFERENTIAL_TYPE = re.compile(rf"[a-zA-Z0-9]+|{_SYSTEM_TYPE}")
_BINDING = frozenset({"valueSet", "_valueSet", "description", "_description"})
_SNAPSHOT_TYPE = re.compile(rf"[a-zA-Z0-9.]+|{_SYSTEM_TYPE}")


def elements(node: Node, *views: str) -> list[Node]:
    """The element definitions of the views (snapshot, differential)."""
    return [element for view in views for holder in objects(node.get(view)) for element in objects(holder.get("element"))]


def _path(element: Node) -> str:
    return str(element.get("path", ""))


def _is_root(element: Node) -> bool:
    return "." not in _path(element)


def _first(found: list[Node], holds: Callable[[Node], bool]) -> bool:
    return not found or holds(found[0])


def _distinct(values: list[Any]) -> bool:
    return len(values) == len(set(map(str, values)))


def _all(view: str, holds: Callable[[Node], bool]) -> Rule:
    return custom(lambda node: all(map(holds, elements(node, view))))


def _members(holds: Callable[[Node], bool]) -> Rule:
    return custom(lambda node: all(map(holds, objects(node.get("element")))))


def _has_default(element: Node) -> bool:
    return any(name.startswith(("defaultValue", "_defaultValue")) for name in element)


def _snapshot_rooted(node: Node, run: Run) -> bool:
    found = objects(node.get("element"))
    kind, own = run.resource.get("kind"), run.resource.get("type")
    prefix = _path(found[0]) + "." if found else ""
    return (kind == "logical" or _first(found, lambda root: _path(root) == own)) and all(_path(e).startswith(prefix) for e in found[1:])


def _differential_rooted(node: Node, run: Run) -> bool:
    found = objects(node.get("element"))
    kind, own = run.resource.get("kind"), str(run.resource.get("type", ""))
    prefix = re.sub(r"\..*", "", _path(found[0])) + "." if found else ""
    return (kind == "logical" or _first(found, lambda root: _path(root).startswith(own))) and all(
        _path(e).startswith(prefix) for e in found[1:]
    )


def _root_is_bare(node: Node) -> bool:
    roots = filter(_is_root, elements(node, "snapshot", "differential"))
    return all({"label", "_label", "code", "requirements", "_requirements"}.isdisjoint(root) for root in roots)


def _core_types(node: Node) -> bool:
    return all(
        pattern.fullmatch(str(kind.get("code", "x")))
        for view, pattern in (("differential", _DIFFERENTIAL_TYPE), ("snapshot", _SNAPSHOT_TYPE))
        for element in elements(node, view)
        for kind in objects(element.get("type"))
    )


def _untyped_root(view: str) -> Rule:
    return custom(lambda node: _first(elements(node, view), lambda root: not _is_root(root) or "type" not in root))


_NOT_LOGICAL = custom(lambda node: node.get("kind") != "logical")
_IN_CORE = custom(lambda node: str(node.get("url")).startswith(CORE))
_IDENTIFIED = [_all(view, lambda element: "id" in element) for view in ("snapshot", "differential")]

RULES: dict[str, Rule] = {
    "sdf-1": either(
        is_one_of("derivation", "constraint"), custom(lambda node: _distinct([_path(element) for element in elements(node, "snapshot")]))
    ),
    "sdf-2": some("name", "uri"),
    "sdf-3": _members(lambda element: {"definition", "min", "max"} <= {name.removeprefix("_") for name in element}),
    "sdf-4": either(is_one_of("abstract", True), some("baseDefinition")),
    "sdf-5": either(custom(lambda node: node.get("type") != "Extension"), is_one_of("derivation", "specialization"), some("context")),
    "sdf-6": some("snapshot", "differential"),
    "sdf-8": contextual(_snapshot_rooted),
    "sdf-8a": contextual(_differential_rooted),
    "sdf-8b": _members(lambda element: "base" in element),
    "sdf-9": custom(_root_is_bare),
    "sdf-10": either(no("binding"), custom(lambda node: any(not _BINDING.isdisjoint(bound) for bound in objects(node.get("binding"))))),
    "sdf-11": when(
        _NOT_LOGICAL, custom(lambda node: _first(elements(node, "snapshot"), lambda root: _path(root) == str(node.get("type", ""))))
    ),
    "sdf-14": every(*_IDENTIFIED),
    "sdf-15": when(_NOT_LOGICAL, custom(lambda node: _first(elements(node, "snapshot"), lambda root: "type" not in root))),
    "sdf-15a": when(_NOT_LOGICAL, _untyped_root("differential")),
    "sdf-16": custom(lambda node: _distinct([element["id"] for element in elements(node, "snapshot") if "id" in element])),
    "sdf-17": custom(lambda node: _distinct([element["id"] for element in elements(node, "differential") if "id" in element])),
    "sdf-18": when(some("contextInvariant"), is_one_of("type", "Extension")),
    "sdf-19": when(_IN_CORE, custom(_core_types)),
    "sdf-20": _members(lambda element: not _is_root(element) or "slicing" not in element),
    "sdf-21": either(
        is_one_of("derivation", "specialization"), custom(lambda node: not any(map(_has_default, elements(node, "differential"))))
    ),
    "sdf-22": when(_IN_CORE, custom(lambda node: not any(map(_has_default, elements(node, "snapshot", "differential"))))),
    "sdf-23": custom(
        lambda node: all("sliceName" not in element for element in elements(node, "snapshot", "differential") if _is_root(element))
    ),
}
