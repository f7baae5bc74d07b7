"""A CodeSystem resource, read: its concepts by code, and which are the parents of which.

The hierarchy is that of nested concepts and of the properties `parent`, `subsumedBy` and `child` together, so a concept may have
several parents. https://hl7.org/fhir/R4/codesystem.html#hierarchy, https://hl7.org/fhir/R4/codesystem-concept-properties.html
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

Json = Any
Properties = Mapping[str, tuple[str, ...]]

PARENT, CHILD = "parent", "child"
_RELATIONS = {"parent": PARENT, "subsumedBy": PARENT, "child": CHILD}
_PROPERTIES = "http://hl7.org/fhir/concept-properties#"
_INACTIVE = frozenset({"retired", "inactive"})


@dataclass(frozen=True, slots=True)
class Concept:
    """One code. `properties` are the values as text, by the code of the property; `abstract` marks a group that nobody may choose.

    `designations` (other names) and `stated` (the properties) are the rows of the resource.
    """

    code: str
    display: str | None = None
    properties: Properties = field(default_factory=dict)
    inactive: bool = False
    abstract: bool = False
    definition: str | None = None
    designations: Sequence[Json] = ()
    stated: Sequence[Json] = ()


@dataclass(frozen=True, slots=True)
class CodeSystem:
    """`concepts` by key, `parents` and `children` by key too: a key is the code, folded where the system ignores case.

    `content` is complete, fragment, example, supplement or not-present. `meaning` is what the hierarchy means, None when it is not
    stated. `properties` are the codes of those that are declared or used.
    """

    url: str
    version: str | None
    content: str
    meaning: str | None
    case_sensitive: bool
    concepts: Mapping[str, Concept]
    parents: Mapping[str, tuple[str, ...]]
    children: Mapping[str, tuple[str, ...]]
    properties: frozenset[str]
    name: str | None = None

    def key(self, code: str) -> str:
        """The form in which codes are the same."""
        return code if self.case_sensitive else code.casefold()

    def concept(self, code: str) -> Concept | None:
        """The concept with that code; None when the resource has none."""
        return self.concepts.get(self.key(code))


def read(tree: Json) -> CodeSystem:
    """The code system of a CodeSystem resource. A code that is there twice has the parents of both places."""
    case_sensitive = tree.get("caseSensitive") is not False
    relations = _relations(tree)
    concepts: dict[str, Concept] = {}
    links: list[tuple[str, str]] = []
    for parent, row in _rows(tree):
        concept = _concept(row)
        key = concept.code if case_sensitive else concept.code.casefold()
        concepts.setdefault(key, concept)
        if parent is not None:
            links.append((parent, concept.code))
        links.extend(_stated(concept, relations))
    parents, children = _linked(links, concepts, case_sensitive)
    declared = {row["code"] for row in tree.get("property") or () if row.get("code")}
    return CodeSystem(
        url=tree.get("url") or "",
        version=tree.get("version"),
        content=tree.get("content") or "complete",
        meaning=tree.get("hierarchyMeaning"),
        case_sensitive=case_sensitive,
        concepts=MappingProxyType(concepts),
        parents=parents,
        children=children,
        properties=frozenset(declared.union(*(concept.properties for concept in concepts.values()))),
        name=tree.get("title") or tree.get("name"),
    )


def _rows(tree: Json) -> Iterator[tuple[str | None, Json]]:
    """Every concept that has a code, with the code it is nested in, in the order of the resource."""
    waiting: list[tuple[str | None, Json]] = [(None, row) for row in reversed(tree.get("concept") or ())]
    while waiting:
        parent, row = waiting.pop()
        code = row.get("code")
        if code:
            yield parent, row
        waiting.extend((code or parent, inner) for inner in reversed(row.get("concept") or ()))


def _concept(row: Json) -> Concept:
    properties: dict[str, tuple[str, ...]] = {}
    for one in row.get("property") or ():
        if one.get("code"):
            properties[one["code"]] = (*properties.get(one["code"], ()), *_texts(one))
    return Concept(
        code=row["code"],
        display=row.get("display"),
        properties=MappingProxyType(properties),
        inactive="true" in properties.get("inactive", ()) or not _INACTIVE.isdisjoint(properties.get("status", ())),
        abstract="true" in (*properties.get("notSelectable", ()), *properties.get("abstract", ())),
        definition=row.get("definition"),
        designations=row.get("designation") or (),
        stated=row.get("property") or (),
    )


def _texts(stated: Json) -> Iterator[str]:
    """The value of a property as text; a Coding counts with and without its system."""
    for name, value in stated.items():
        if not name.startswith("value"):
            continue
        if name == "valueCoding":
            yield value.get("code") or ""
            yield f"{value.get('system') or ''}|{value.get('code') or ''}"
        else:
            yield str(value).lower() if isinstance(value, bool) else str(value)


def _relations(tree: Json) -> dict[str, str]:
    """Which properties say what is above or below: those declared as such, and those of that name that are not declared otherwise."""
    relations = dict(_RELATIONS)
    for row in tree.get("property") or ():
        uri = row.get("uri") or ""
        if uri.startswith(_PROPERTIES):
            relations.pop(row.get("code"), None)
            if uri.removeprefix(_PROPERTIES) in _RELATIONS and row.get("code"):
                relations[row["code"]] = _RELATIONS[uri.removeprefix(_PROPERTIES)]
    return relations


def _stated(concept: Concept, relations: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(parent, child) for each relation that the concept's properties state."""
    for name, values in concept.properties.items():
        if name in relations:
            for value in values:
                yield (value, concept.code) if relations[name] == PARENT else (concept.code, value)


def _linked(
    links: Iterable[tuple[str, str]], concepts: Mapping[str, Concept], case_sensitive: bool
) -> tuple[Mapping[str, tuple[str, ...]], Mapping[str, tuple[str, ...]]]:
    """Parents and children by key, of the concepts that there are, each once and in the order stated."""
    parents: dict[str, dict[str, None]] = {}
    children: dict[str, dict[str, None]] = {}
    for parent, child in links:
        above, below = (parent, child) if case_sensitive else (parent.casefold(), child.casefold())
        if above in concepts and below in concepts:
            parents.setdefault(below, {})[above] = None
            children.setdefault(above, {})[below] = None
    return (
        MappingProxyType({key: tuple(found) for key, found in parents.items()}),
        MappingProxyType({key: tuple(found) for key, found in children.items()}),
    )
