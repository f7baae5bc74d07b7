"""Definitions as tables: a profile element by element, the codes of a value set, the concepts of a code system.

Read from the resource itself as it is stored. https://hl7.org/fhir/R4/structuredefinition.html,
https://hl7.org/fhir/R4/valueset.html, https://hl7.org/fhir/R4/codesystem.html
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import quote

from service.fhir import guide
from service.fhir.profile import outline
from service.fhir.profile.outline import Line
from service.web.pages import example
from service.web.pages.site import Site
from service.web.pages.summary import Tree

TEMPLATES = {"StructureDefinition": "structure.html", "ValueSet": "value-set.html", "CodeSystem": "code-system.html"}
SHOWN_CODES = 1000
"""Of longer lists the beginning is shown; all of it is in the JSON."""


@dataclass(frozen=True, slots=True)
class Name:
    """A definition that another one names: how it is called, and the link to it where this service has it."""

    words: str
    url: str
    link: str | None


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of an element: its code, and the profiles of it or of what it refers to."""

    code: str
    names: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class ElementRow:
    """One line of a profile with its links. `value_set` goes with the strength of the binding in `line`."""

    line: Line
    kinds: tuple[Kind, ...]
    value_set: Name | None


@dataclass(frozen=True, slots=True)
class Code:
    """One code; `level` is its depth in the hierarchy."""

    code: str
    display: str
    meaning: str = ""
    level: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """What a value set takes from one place: listed codes, or all codes that meet `told`. `excluded`: what it leaves out."""

    system: str
    told: str
    codes: tuple[Code, ...]
    sets: tuple[Name, ...]
    excluded: bool
    more: int


def parts(tree: Tree, site: Site) -> dict[str, Any]:
    """What the template of `TEMPLATES` shows beside the summary of the resource."""
    told = {"description": tree.get("description", ""), **({"title": tree["title"]} if "title" in tree else {})}
    if tree["resourceType"] == "StructureDefinition":
        return told | _structure(tree, site)
    if tree["resourceType"] == "ValueSet":
        return told | {"parts": list(_value_set(tree, site))}
    codes = list(_concepts(tree.get("concept", ()), 0))
    return told | {"codes": codes[:SHOWN_CODES], "more": max(0, len(codes) - SHOWN_CODES)}


def _structure(tree: Tree, site: Site) -> dict[str, Any]:
    lines = outline.lines(tree)
    return {
        "parent": _name(str(tree.get("baseDefinition", "")), "StructureDefinition", site),
        "rows": [_element(line, site) for line in lines if line.level],
        "rules": [(line.id, rule) for line in lines for rule in line.invariants],
        "examples": example.of(str(tree.get("url", ""))),
        "claims": _claims(tree, site),
    }


def _claims(tree: Tree, site: Site) -> str | None:
    """The search for the records that claim a profile; None for the profile of a datatype or an extension."""
    is_claimed = tree.get("kind") == "resource" and tree.get("derivation") == "constraint" and tree.get("url")
    return f"{site.base}/{tree.get('type')}?_profile={quote(tree['url'], safe=':/')}" if is_claimed else None


def _element(line: Line, site: Site) -> ElementRow:
    kinds = (Kind(one.code, tuple(_name(url, "StructureDefinition", site) for url in one.targets or one.profiles)) for one in line.types)
    return ElementRow(line, tuple(kinds), _name(line.binding[1], "ValueSet", site) if line.binding else None)


def _name(url: str, type: str, site: Site) -> Name:
    """Definitions of the clinic are in the record under their ids."""
    mine = f"{guide.BASE}/{type}/"
    plain = url.partition("|")[0]
    link = f"{site.base}/{type}/{quote(plain.removeprefix(mine), safe='')}" if plain.startswith(mine) else site.own(url)
    return Name(outline.short_name(url) or url, url, link)


def _value_set(tree: Tree, site: Site) -> Iterator[Part]:
    compose = tree.get("compose", {})
    for excluded, member in ((False, "include"), (True, "exclude")):
        for one in compose.get(member, ()):
            yield _part(one, excluded, site)


def _part(include: Tree, excluded: bool, site: Site) -> Part:
    listed = include.get("concept", ())
    told = " and ".join(f"{one.get('property')} {one.get('op')} {one.get('value')}" for one in include.get("filter", ()))
    return Part(
        system=str(include.get("system", "")),
        told=told,
        codes=tuple(Code(str(one.get("code", "")), str(one.get("display", ""))) for one in islice(listed, SHOWN_CODES)),
        sets=tuple(_name(url, "ValueSet", site) for url in include.get("valueSet", ()) if isinstance(url, str)),
        excluded=excluded,
        more=max(0, len(listed) - SHOWN_CODES),
    )


def _concepts(concepts: Iterable[Tree], level: int) -> Iterator[Code]:
    for one in concepts:
        yield Code(str(one.get("code", "")), str(one.get("display", "")), str(one.get("definition", "")), level)
        yield from _concepts(one.get("concept", ()), level + 1)
