"""A StructureDefinition as a table to read: what it says about each element, line by line.

Made from the resource alone, as it is stored: the lines are those of its differential, and where that leaves something open, its
snapshot tells. Numbers may be text, as pages read them. https://hl7.org/fhir/R4/structuredefinition.html
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = Any
Tree = Mapping[str, Json]

_CORE = "http://hl7.org/fhir/StructureDefinition/"


@dataclass(frozen=True, slots=True)
class TypeLine:
    """A type with the profiles of it, and for a reference what it may point to: canonical URLs."""

    code: str
    profiles: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Invariant:
    """A rule in FHIRPath: its key, error or warning, and the sentence that says it."""

    key: str
    severity: str
    sentence: str
    expression: str


@dataclass(frozen=True, slots=True)
class Line:
    """What is said about one element or slice.

    `level` is 1 for an element of the root. `cardinality` is empty where nothing is said. `value`: how its value is fixed, and to what.
    `binding`: strength and value set. `slicing`: how slices are told apart, for an element that is sliced.
    """

    id: str
    level: int
    name: str
    cardinality: str
    types: tuple[TypeLine, ...]
    value: str
    binding: tuple[str, str] | None
    must_support: bool
    short: str
    definition: str
    slicing: str
    invariants: tuple[Invariant, ...]


def lines(definition: Tree) -> list[Line]:
    """The lines of a profile in its order; the first is the root."""
    stated = {str(row.get("id")): row for row in _elements(definition, "snapshot")}
    return [_line(row, stated.get(str(row.get("id") or row.get("path")), {})) for row in _elements(definition, "differential")]


def extensions(definition: Tree) -> tuple[str, ...]:
    """The canonical URLs of the extensions that a profile names, in its order."""
    found = (url for line in lines(definition) for one in line.types if one.code == "Extension" for url in one.profiles)
    return tuple(dict.fromkeys(found))


def value_sets(definition: Tree) -> tuple[str, ...]:
    """The canonical URLs of the value sets that a profile binds, in its order."""
    return tuple(dict.fromkeys(line.binding[1] for line in lines(definition) if line.binding))


def short_name(url: str) -> str:
    """How a definition is called where its URL would be too long: `Patient` for R4's own, else the last part of the URL."""
    return url.removeprefix(_CORE).partition("|")[0].rpartition("/")[2]


def _elements(definition: Tree, view: str) -> list[Tree]:
    rows = definition.get(view, {}).get("element", ())
    return [row for row in rows if isinstance(row, dict)]


def _line(row: Tree, whole: Tree) -> Line:
    id = str(row.get("id") or row.get("path"))
    return Line(
        id=id,
        level=id.count("."),
        name=id.rpartition(".")[2],
        cardinality=_cardinality(row, whole),
        types=tuple(_type(one) for one in row.get("type", ())),
        value=", ".join(_values(row)),
        binding=_binding(row),
        must_support=bool(row.get("mustSupport", False)),
        short=str(row.get("short", "")),
        definition=str(row.get("definition", "")),
        slicing=_slicing(row.get("slicing")),
        invariants=tuple(_invariant(one) for one in row.get("constraint", ())),
    )


def _cardinality(row: Tree, whole: Tree) -> str:
    if "min" not in row and "max" not in row:
        return ""
    return f"{row.get('min', whole.get('min', ''))}..{row.get('max', whole.get('max', ''))}"


def _type(one: Tree) -> TypeLine:
    return TypeLine(str(one.get("code", "")), _texts(one.get("profile", ())), _texts(one.get("targetProfile", ())))


def _texts(values: Iterable[Json]) -> tuple[str, ...]:
    return tuple(value for value in values if isinstance(value, str))


def _binding(row: Tree) -> tuple[str, str] | None:
    stated = row.get("binding", {})
    return (str(stated.get("strength", "")), str(stated["valueSet"])) if "valueSet" in stated else None


def _values(row: Tree) -> Iterator[str]:
    for name, value in row.items():
        for prefix, words in (("fixed", "exactly"), ("pattern", "at least"), ("minValue", "from"), ("maxValue", "up to")):
            if name.startswith(prefix):
                yield f"{words} {_shown(value)}"
    if "maxLength" in row:
        yield f"at most {row['maxLength']} characters"


def _shown(value: Json) -> str:
    """A value in one line: codes as `system|code`."""
    if isinstance(value, dict) and set(value) == {"coding"}:
        return ", ".join(map(_shown, value["coding"]))
    if isinstance(value, dict) and "code" in value and set(value) <= {"system", "code", "display"}:
        system = f"{value['system']}|" if "system" in value else ""
        return f"{system}{value['code']}" + (f" ({value['display']})" if "display" in value else "")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _slicing(stated: Json) -> str:
    if not isinstance(stated, dict):
        return ""
    rows = stated.get("discriminator", ())
    told = " and ".join(f"{row.get('type')} of {'the element itself' if row.get('path') == '$this' else row.get('path')}" for row in rows)
    ordered = ", in order" if stated.get("ordered") else ""
    return f"slices by {told or 'nothing that is said'}, {stated.get('rules', 'open')}{ordered}"


def _invariant(one: Tree) -> Invariant:
    return Invariant(str(one.get("key", "")), str(one.get("severity", "")), str(one.get("human", "")), str(one.get("expression", "")))
