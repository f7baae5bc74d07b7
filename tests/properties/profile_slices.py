"""Which values are in which slice, told without the service's validator: from what a slice fixes at its discriminators."""

import re
from collections.abc import Iterator
from typing import Any

from service.fhir.profile.element import Discriminator, Node, Slicing
from tests.properties.profile_samples import LIBRARY, PROFILES

Json = Any
_STEP = re.compile(r"extension\('([^']+)'\)|([^.]+)")
_BY_URL = Slicing((Discriminator("value", "url"),))
_BY_TYPE = Slicing((Discriminator("type", "$this"),))


def slicing(node: Node) -> Slicing | None:
    """How the slices of an element are told apart; None where nothing says so."""
    if node.slicing is not None and node.slicing.discriminators:
        return node.slicing
    if node.name in ("extension", "modifierExtension"):
        return _BY_URL
    return _BY_TYPE if node.name.endswith("[x]") else None


def belongs(node: Node, how: Slicing, value: Json, kind: str | None) -> bool | None:
    """Whether a value is in the slice `node`; None where this module cannot tell."""
    answers = [_belongs(node, one, value, kind) for one in how.discriminators]
    if not answers or None in answers:
        return None
    return all(answers)


def telling(node: Node, how: Slicing) -> set[str]:
    """The ids of the elements of a slice on which it depends whether a value is in it."""
    found = {node.id}
    for one in how.discriminators:
        at = [node]
        for step in _steps(one.path):
            at = [kid for each in at for kid in _below(each, step)]
            found |= {each.id for each in at} | {each.id.rpartition(".")[0] for each in at}
    return found


def _belongs(node: Node, one: Discriminator, value: Json, kind: str | None) -> bool | None:
    way = list(_steps(one.path))
    if one.type == "type":
        return _of_type(node, way, value, kind)
    if one.type not in ("value", "pattern"):
        return None
    wanted = list(_wanted(node, way))
    if not wanted:
        return None
    found = list(_found(value, way))
    return all(any(holds(one, part) for one in found) for part in wanted)


def _of_type(node: Node, way: list[tuple[str, str]], value: Json, kind: str | None) -> bool | None:
    at = [node]
    for step in way:
        at = [kid for each in at for kid in _below(each, step)]
    codes = {rule.code for each in at for rule in each.types}
    if not codes:
        return None
    if not way:
        return kind in codes
    names = {way[-1][1] + code[0].upper() + code[1:] for code in codes}
    return len(way) == 1 and any(name in value for name in names)


def holds(value: Json, part: Json) -> bool:
    """Whether a value has all that a pattern has."""
    if isinstance(part, dict):
        return isinstance(value, dict) and all(name in value and holds(value[name], part[name]) for name in part)
    if isinstance(part, list):
        return isinstance(value, list) and all(any(holds(one, each) for one in value) for each in part)
    return bool(value == part)


def _wanted(node: Node, way: list[tuple[str, str]]) -> Iterator[Json]:
    """What the slice fixes at the end of the way, or above it."""
    for rule in (node.fixed, node.pattern):
        if rule is not None and all(kind == "name" for kind, _ in way):
            yield from _dug(rule.value, [name for _, name in way])
    if not way and node.name == "url":
        return
    if way == [("name", "url")]:
        yield from (url for rule in node.types for url in rule.profiles)
    if way:
        for kid in _below(node, way[0]):
            yield from _wanted(kid, way[1:])
    elif not (node.fixed or node.pattern):
        for kid in (part for child in node.children.values() for part in (child, *child.slices.values())):
            yield from ({kid.name.removesuffix("[x]"): rule.value} for rule in (kid.fixed, kid.pattern) if rule)


def _dug(value: Json, names: list[str]) -> Iterator[Json]:
    if isinstance(value, list):
        for one in value:
            yield from _dug(one, names)
    elif not names:
        yield value
    elif isinstance(value, dict) and names[0] in value:
        yield from _dug(value[names[0]], names[1:])


def _found(value: Json, way: list[tuple[str, str]]) -> Iterator[Json]:
    """The values at the end of the way in an instance."""
    if isinstance(value, list):
        for one in value:
            yield from _found(one, way)
    elif not way:
        yield value
    elif isinstance(value, dict):
        kind, name = way[0]
        if kind == "extension":
            yield from _found([one for one in value.get("extension", ()) if one.get("url") == name], way[1:])
        else:
            chosen = re.compile(re.escape(name) + "[A-Z].*")
            yield from _found([member for key, member in value.items() if key == name or chosen.fullmatch(key)], way[1:])


def _below(node: Node, step: tuple[str, str]) -> Iterator[Node]:
    kind, name = step
    if kind == "extension":
        parts = node.children["extension"].slices.values() if "extension" in node.children else ()
        yield from (part for part in parts for rule in part.types if name in rule.profiles)
        return
    for key in (name, name + "[x]"):
        if key in node.children:
            yield node.children[key]
            yield from node.children[key].slices.values()


def _steps(path: str) -> Iterator[tuple[str, str]]:
    for url, name in _STEP.findall(path.removeprefix("$this").removeprefix(".")):
        yield ("extension", url) if url else ("name", name)


def value_set(url: str) -> frozenset[tuple[str, str]] | None:
    """The codes of a value set of the clinic that lists them itself; None for any other."""
    found = LIBRARY.find("ValueSet", url)
    if found is None or found.package != "clinic":
        return None
    rows = [row for row in found.tree["compose"]["include"] if "concept" in row]
    return frozenset((row["system"], one["code"]) for row in rows for one in row["concept"])


def inner(node: Node) -> Iterator[Node]:
    """The roots of the clinic's extensions that a slice of extensions asks for."""
    for rule in node.types:
        for url in rule.profiles if rule.code == "Extension" else ():
            if (found := PROFILES.find(url)) is not None and found.package == "clinic":
                yield found.root
