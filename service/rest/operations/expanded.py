"""What is asked of an expansion, and the ValueSet that is answered (https://hl7.org/fhir/R4/valueset-definitions.html#ValueSet.expansion)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.clock import to_text
from service.rest.operations import arguments, displayed, returned, system_versions
from service.rest.operations.arguments import Arguments
from service.terminology.expansion import Expansion, Member
from service.terminology.lookup import canonical
from service.terminology.overlay import WithVersions
from service.terminology.page import Page, Row, Wanted

Tree = Mapping[str, Any]

_MOST_OFFSET = 10**9
_LONGEST_FILTER = 200
_LANGUAGES = "urn:ietf:bcp:47"
_UNCLOSED = "http://hl7.org/fhir/StructureDefinition/valueset-unclosed"
_DEFINITION = frozenset({"compose", "contained", "immutable"})
_NOT_KEPT = frozenset({"expansion", "id", "meta", "text"})
_FLAGS = ("includeDesignations", "includeDefinition", "activeOnly", "excludeNested", "excludeNotForUI", "excludePostCoordinated")


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked: `page` what the codes are cut to, `stated` every input that shapes the answer, to be told in it."""

    page: Wanted
    with_designations: bool
    without_groups: bool
    with_definition: bool
    without_systems: Sequence[str]
    designations: Sequence[str]
    stated: Sequence[Tree]


@dataclass(frozen=True, slots=True)
class Told:
    """What an expansion tells of itself: what was asked, the code systems that were used, those of which a part is here, and when."""

    wish: Wish
    lookup: WithVersions
    fragments: frozenset[str]
    instant: int


def wish(given: Arguments, most: int) -> Wish:
    """The inputs, understood. BadRequest for what cannot be."""
    given = Arguments(tuple(pair for pair in given.pairs if pair != ("filter", "")))  # nothing typed yet
    flags = {name: given.flag(name) for name in _FLAGS}
    text = given.text("filter")
    if text is not None and len(text) > _LONGEST_FILTER:
        raise arguments.refused("filter", f"'filter' has more than {_LONGEST_FILTER} characters. Give fewer.", "too-costly")
    designations = given.texts("designation")
    wanted = Wanted(
        text=text,
        count=given.whole("count", most, least=0),
        offset=given.whole("offset", _MOST_OFFSET, least=0) or 0,
        active_only=flags["activeOnly"],
        language=displayed.language(given),
    )
    return Wish(
        page=wanted,
        with_designations=flags["includeDesignations"] or bool(designations),
        without_groups=flags["excludeNotForUI"],
        with_definition=flags["includeDefinition"],
        without_systems=given.texts("exclude-system"),
        designations=designations,
        stated=[*_stated(given)],
    )


def _stated(given: Arguments) -> Iterator[Tree]:
    kinds = {"offset": "Integer", "count": "Integer", "displayLanguage": "Code", **dict.fromkeys(_FLAGS, "Boolean")}
    canonicals = ("exclude-system", *system_versions.NAMES)
    for name in ("filter", *kinds, "designation", *canonicals):
        for text in given.texts(name):
            kind = kinds.get(name, "Uri" if name in canonicals else "String")
            value: Any = text == "true" if kind == "Boolean" else int(text) if kind == "Integer" else text
            yield from returned.one(name, kind, value)


def kept(found: Expansion, asked: Wish, lookup: WithVersions) -> Expansion:
    """Without the groups and code systems that are not wanted."""
    gone = {name.url for name in map(canonical, asked.without_systems) if name.version in (None, lookup.used.get(name.url))}
    members = {
        pair: member
        for pair, member in found.members.items()
        if member.system not in gone and not (asked.without_groups and member.abstract)
    }
    return Expansion(members, found.fragments)


def tree(definition: Tree, shown: Page, told: Told) -> Tree:
    """The ValueSet with its expansion; its definition only where that is wanted."""
    hidden = _NOT_KEPT if told.wish.with_definition else _NOT_KEPT | _DEFINITION
    head = {name: value for name, value in definition.items() if name.lstrip("_") not in hidden}
    return {**head, "status": definition.get("status", "active"), "expansion": _expansion(shown, told)}


def _expansion(shown: Page, told: Told) -> Tree:
    wanted = told.wish.page
    is_page = wanted.count is not None or wanted.offset
    used = [
        *(parameter for url, version in sorted(told.lookup.used.items()) for parameter in _used(url, version)),
        *(parameter for url in sorted(told.fragments) for parameter in returned.one("fragment", "Uri", url)),
    ]
    parameters = [*told.wish.stated, *used]
    rows = [_contained(row, told.wish) for row in shown.rows]
    return {
        **({"extension": [{"url": _UNCLOSED, "valueBoolean": True}]} if told.fragments else {}),
        "timestamp": to_text(told.instant),
        "total": shown.total,
        **({"offset": wanted.offset} if is_page else {}),
        **({"parameter": parameters} if parameters else {}),
        **({"contains": rows} if rows else {}),
    }


def _used(url: str, version: str | None) -> Sequence[Tree]:
    return returned.one("version", "Uri", f"{url}|{version}" if version else None)


def _contained(row: Row, asked: Wish) -> Tree:
    member: Member = row.member
    designations = [one for one in row.designations if _is_wanted(one, asked.designations)] if asked.with_designations else []
    return {
        "system": member.system,
        **({"abstract": True} if member.abstract else {}),
        **({"inactive": True} if member.inactive else {}),
        "code": member.code,
        **({"display": row.display} if row.display else {}),
        **({"designation": designations} if designations else {}),
    }


def _is_wanted(designation: Tree, wanted: Sequence[str]) -> bool:
    """Whether a designation is of one of the languages or uses, each as `system|code`; any is where none is named."""
    use = designation.get("use") or {}
    has = {f"{use.get('system') or ''}|{use.get('code') or ''}", f"|{use.get('code') or ''}"} if use else set()
    if language := designation.get("language"):
        has |= {f"{_LANGUAGES}|{language}", f"|{language}"}
    return not wanted or any((one if "|" in one else f"|{one}") in has for one in wanted)
