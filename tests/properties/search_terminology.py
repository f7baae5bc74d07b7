"""Value sets, code systems and hierarchies of resources, looked up by going through everything, each time anew."""

from collections.abc import Iterable
from typing import Any

from tests.properties.search_matching import key
from tests.properties.search_values import VALUES

Json = Any
Code = tuple[str, str]
"""(system, code)"""


def value_set(everything: Iterable[Json], asked: str) -> set[Code]:
    """The members of the value set with that canonical URL (perhaps with a version) or that id."""
    listed = list(everything)
    url, _, version = asked.partition("|")
    id = asked.removeprefix("ValueSet/")
    for one in listed:
        named = one.get("url") == url and version in ("", one.get("version", ""))
        if one["resourceType"] == "ValueSet" and (named or one["id"] == id):
            return _members(listed, one)
    raise LookupError(asked)


def _members(listed: list[Json], one: Json) -> set[Code]:
    if "compose" not in one:
        return {(part["system"], part["code"]) for part in one["expansion"]["contains"]}
    taken: set[Code] = set()
    for part in one["compose"]["include"]:
        taken |= _part(listed, part)
    for part in one["compose"].get("exclude", ()):
        taken -= _part(listed, part)
    return taken


def _part(listed: list[Json], part: Json) -> set[Code]:
    found: set[Code] | None = None
    if "system" in part:
        system = part["system"]
        found = {(system, one["code"]) for one in part["concept"]} if "concept" in part else {(system, one) for one in tree(listed, system)}
        for wanted in part.get("filter", ()):
            found &= {(system, one) for one in below(listed, system, wanted["value"])}
            if wanted["op"] == "descendent-of":
                found.discard((system, wanted["value"]))
    for url in part.get("valueSet", ()):
        other = value_set(listed, url)
        found = other if found is None else found & other
    return found or set()


def tree(listed: Iterable[Json], system: str) -> dict[str, list[str]]:
    """The codes of a code system, each with all above it."""
    found: dict[str, list[str]] = {}

    def add(concepts: Iterable[Json], above: list[str]) -> None:
        for one in concepts:
            found[one["code"]] = above
            add(one.get("concept", ()), [*above, one["code"]])

    for one in listed:
        if one["resourceType"] == "CodeSystem" and one["url"] == system:
            add(one.get("concept", ()), [])
    return found


def below(listed: Iterable[Json], system: str, code: str) -> set[str]:
    """The code and all that it subsumes."""
    return {code} | {one for one, above in tree(listed, system).items() if code in above}


def above(listed: Iterable[Json], system: str, code: str) -> set[str]:
    """The code and all that subsume it."""
    return {code, *tree(listed, system).get(code, ())}


PARENTS = {"Location": "partof", "Organization": "partof", "Encounter": "part-of"}
"""By which parameter a resource names the one that it is a part of."""


def parts(listed: list[Json], begun: str, downwards: bool) -> set[str]:
    """`Type/id` and everything that it is a part of, or that is a part of it."""
    type = begun.split("/")[0]
    links: list[tuple[str, str]] = []
    for one in listed:
        if one["resourceType"] == type:
            found = VALUES[type][PARENTS[type]][1](one)
            links += [(f"{type}/{one['id']}", key(pointer.literal)) for pointer in found if key(pointer.literal)]
    reached = {begun}
    while True:
        more = (
            {child for child, parent in links if parent in reached}
            if downwards
            else {parent for child, parent in links if child in reached}
        )
        if more <= reached:
            return reached
        reached |= more
