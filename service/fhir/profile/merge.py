"""Differential over differential: StructureDefinitions to the merged trees of their profiles.

https://hl7.org/fhir/R4/profiling.html#snapshot
"""

from collections.abc import Mapping, Sequence
from threading import RLock
from typing import Any

from service.fhir.definitions import Definitions
from service.fhir.element import Element
from service.fhir.library import Found, Library
from service.fhir.profile.differential import rebased, spelled_out
from service.fhir.profile.element import Node, Profile, constraints

Json = Any
CORE = "http://hl7.org/fhir/StructureDefinition/"
_DEEPEST = 20
_BESIDE = frozenset({"id", "path", "sliceName", "constraint"})


class ProfileError(ValueError):
    """A profile that cannot be understood; the text says why."""


class Profiles:
    """The profiles of a library, merged when first asked for. Safe to share between threads."""

    def __init__(self, definitions: Definitions, library: Library) -> None:
        self.definitions = definitions
        self.library = library
        self._merged: dict[tuple[str, str], Profile] = {}
        self._lock = RLock()

    def find(self, canonical: str, near: str | None = None) -> Profile | None:
        """The profile with that URL (`|version` allowed); None when there is none, or when it is R4's own type.

        `near` is the package that the question comes from. Raises ProfileError for one that makes no sense.
        """
        found = self.library.find("StructureDefinition", canonical, near=near)
        if found is None or found.tree.get("derivation") != "constraint":
            return None
        return self._profile(found, 0)

    def known(self, type: str) -> tuple[str, ...]:
        """The URLs of the profiles of a resource type, sorted."""
        found = ((url, self.library.find("StructureDefinition", url)) for url in self.library.urls("StructureDefinition"))
        return tuple(url for url, one in found if one and one.tree.get("type") == type and one.tree.get("derivation") == "constraint")

    def _profile(self, found: Found, depth: int) -> Profile:
        key = (f"{found.tree['url']}|{found.tree.get('version')}", found.package)
        if key not in self._merged:
            with self._lock:
                self._merged[key] = self._read(found, depth)
        return self._merged[key]

    def _read(self, found: Found, depth: int) -> Profile:
        tree = found.tree
        if depth > _DEEPEST:
            raise ProfileError(f"{tree['url']} is based on more than {_DEEPEST} profiles, or on itself")
        name, base = str(tree.get("type")), str(tree.get("baseDefinition"))
        root, bases = Node(name, name, None, name), tuple[str, ...]()
        if name not in self.definitions.structures:
            raise ProfileError(f"{tree['url']} constrains {name}, which is no R4 type")
        above = self.library.find("StructureDefinition", base, near=found.package) if base != CORE + name else None
        is_based = above is not None or base == CORE + name
        is_whole = "snapshot" in tree and not (is_based and "differential" in tree)
        if not is_based and not is_whole:
            raise ProfileError(f"{tree['url']} is based on {base}, which is not known here")
        if above is not None and not is_whole:
            parent = self._profile(above, depth + 1)
            root, bases = parent.root.copy(), (parent.url, *parent.bases)
        try:
            for row in _rows(rebased(tree) if is_whole else tree):
                _state(self._place(root, row, tree["url"]), row, tree["url"])
        except (KeyError, TypeError, AttributeError) as error:
            raise ProfileError(f"{tree['url']} is not a profile that can be read: {error!r}") from error
        return Profile(tree["url"], tree.get("version"), name, found.package, bases, root, tree)

    def _place(self, root: Node, row: Mapping[str, Json], source: str) -> Node:
        """The node that an ElementDefinition is about; made, with those on the way, where it is not there yet."""
        steps = str(row.get("id") or _id(row)).split(".")
        node = root
        for step in steps[1:]:
            name, _, sliced = step.partition(":")
            node = self._child(node, name, source)
            for part in _slices(sliced):
                node = node.slices.setdefault(part, _sliced(node, part))
        return node

    def _child(self, node: Node, name: str, source: str) -> Node:
        members = self._members(node)
        element = members.get(name.removesuffix("[x]"))
        if element is not None:
            key = element.name + "[x]" if element.choice else element.name
            return node.children.setdefault(key, self._made(node, key, element))
        for choice in members.values():
            if choice.choice and name in choice.properties:
                parent = self._child(node, choice.name, source)
                kind = choice.properties[name]
                made = parent.slices.setdefault(name, _sliced(parent, name))
                made.facts.setdefault("type", [{"code": kind.code}] if kind else [])
                made.type_name = kind.code if kind else None
                return made
        raise ProfileError(f"{source} speaks of {node.id}.{name}, and {node.path} has no such element")

    def _members(self, node: Node) -> Mapping[str, Element]:
        """The elements that may stand inside a node."""
        codes = [rule.code for rule in node.types if rule.code in self.definitions.structures]
        if node.base is None or (len(codes) == 1 and not node.base.elements):
            return self.definitions.structures[codes[0] if node.base else node.path].elements
        if node.base.types and node.base.types[0].code == "Resource" and not codes:
            return self.definitions.structures["Resource"].elements
        return self.definitions.members(node.base)

    def _made(self, parent: Node, name: str, element: Element) -> Node:
        only = element.types[0].code if len(element.types) == 1 else None
        return Node(f"{parent.id}.{name}", f"{parent.path}.{name}", element, only)


def _sliced(node: Node, name: str) -> Node:
    """A slice of an element. A slice of a slice is named after both (`a/b`)."""
    joiner = "/" if ":" in node.id.rpartition(".")[2] else ":"
    return Node(f"{node.id}{joiner}{name}", node.path, node.base, node.type_name)


def _slices(name: str) -> list[str]:
    return name.split("/") if name else []


def _rows(tree: Mapping[str, Json]) -> Sequence[Mapping[str, Json]]:
    """The differential, each element with an id, and under its own name as far as the snapshot tells it."""
    rows = [{"id": _id(row), **row} for row in tree.get("differential", {}).get("element", ())]
    try:
        return list(spelled_out({**tree, "differential": {"element": rows}}))
    except ValueError:
        return rows


def _id(row: Mapping[str, Json]) -> str:
    """The id of an element definition that has none: its path, with the slice that it names itself."""
    return f"{row['path']}:{row['sliceName']}" if "sliceName" in row else str(row["path"])


def _state(node: Node, row: Mapping[str, Json], source: str) -> None:
    """Takes over what one differential says of the element."""
    said = {name: value for name, value in row.items() if name not in _BESIDE}
    if any(name.startswith("fixed") for name in said):
        _forget(node, "pattern", "fixed")
    if any(name.startswith("pattern") for name in said):
        _forget(node, "pattern")
    if "slicing" in said and "slicing" in node.facts:
        said["slicing"] = {**node.facts["slicing"], **said["slicing"]}
    if "binding" in said and "valueSet" in node.facts.get("binding", {}):
        said["binding"] = {"valueSet": node.facts["binding"]["valueSet"], **said["binding"]}
    node.facts.update(said)
    if len(node.types) == 1:
        node.type_name = node.types[0].code
    known = {(one.key, one.expression) for one in node.constraints}
    node.constraints.extend(one for one in constraints(row, source) if (one.key, one.expression) not in known)


def _forget(node: Node, *kinds: str) -> None:
    for name in [one for one in node.facts if one.startswith(kinds)]:
        del node.facts[name]
