"""The vocabulary of FHIR definitions: structures, their elements, types, bindings and constraints. Immutable.

https://hl7.org/fhir/R4/structuredefinition.html, https://hl7.org/fhir/R4/elementdefinition.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class Type:
    """One type that an element may have; for Reference and canonical, the resource types it may point to (none = any)."""

    code: str
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Binding:
    """The value set of a coded element. `strength` is required, extensible, preferred or example."""

    strength: str
    value_set: str


@dataclass(frozen=True, slots=True)
class Constraint:
    """An invariant: its key in the specification, error or warning, the FHIRPath expression and HL7's sentence for people."""

    key: str
    severity: str
    expression: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Element:
    """One element. `name` is without `[x]`; `maximum` None means `*`; `same_as` is the path whose content it shares.

    `languages` says that codes must be language tags, `simple_quantity` that quantities have no comparator; `elements` are the
    members of a nested (backbone) element.
    """

    path: str
    name: str
    minimum: int
    maximum: int | None
    types: tuple[Type, ...]
    choice: bool = False
    same_as: str | None = None
    binding: Binding | None = None
    languages: bool = False
    modifier: bool = False
    summary: bool = False
    simple_quantity: bool = False
    constraints: tuple[Constraint, ...] = ()
    elements: Mapping[str, "Element"] = field(default_factory=dict)

    @property
    def repeats(self) -> bool:
        """Whether JSON writes it as an array."""
        return self.maximum is None or self.maximum > 1

    @property
    def properties(self) -> Mapping[str, Type | None]:
        """The JSON member names that carry it, with their types: `value[x]` has one per type. None: shared content."""
        if self.choice:
            return {self.name + kind.code[0].upper() + kind.code[1:]: kind for kind in self.types}
        return {self.name: self.types[0] if self.types else None}

    def type(self, code: str) -> Type | None:
        """Its type of that code, if it may have it."""
        return next((kind for kind in self.types if kind.code == code), None)


@dataclass(frozen=True, slots=True)
class Structure:
    """A resource type or datatype. `kind` is primitive, complex or resource; `elements` include those of its base types.

    `regex` is the pattern of a primitive's value, where R4 gives one.
    """

    name: str
    kind: str
    base: str
    abstract: bool
    constraints: tuple[Constraint, ...]
    elements: Mapping[str, Element]
    regex: str | None = None


def structure(row: Mapping[str, Any], bases: Mapping[str, Structure]) -> Structure:
    """Builds a structure from its table row; `bases` yields base types by name."""
    name, own = row["name"], row.get("elements", [])
    base = bases[row["base"]] if row.get("base") else None
    elements = dict(base.elements) if base else {}
    elements |= {element.name: element for element in _members(name, own, bases)}
    primitive = row["kind"] == "primitive"
    value = elements.pop("value", None) if primitive else None
    regexes = [entry.get("regex") for entry in own if value and entry["path"] == value.path]
    return Structure(
        name=name,
        kind=row["kind"],
        base=row.get("base", ""),
        abstract=row.get("abstract", False),
        constraints=(base.constraints if base else ()) + _constraints(row),
        elements=MappingProxyType(elements),
        regex=regexes[0] if regexes else None,
    )


def _members(parent: str, rows: list[dict[str, Any]], bases: Mapping[str, Structure]) -> Iterator[Element]:
    prefix = parent + "."
    for row in rows:
        if row["path"].startswith(prefix) and "." not in row["path"][len(prefix) :]:
            yield _element(row, rows, bases)


def _element(row: Mapping[str, Any], rows: list[dict[str, Any]], bases: Mapping[str, Structure]) -> Element:
    path = row["path"]
    nested = {element.name: element for element in _members(path, rows, bases)}
    if nested:
        nested = {**bases[next(iter(row["types"]))].elements, **nested}
    return Element(
        path=path,
        name=path.rsplit(".", 1)[-1].removesuffix("[x]"),
        minimum=row["min"],
        maximum=None if row["max"] == "*" else int(row["max"]),
        types=tuple(Type(code, tuple(targets)) for code, targets in row.get("types", {}).items()),
        choice=path.endswith("[x]"),
        same_as=row.get("sameAs"),
        binding=Binding(*row["binding"]) if "binding" in row else None,
        languages=row.get("languages", False),
        modifier=row.get("modifier", False),
        summary=row.get("summary", False),
        simple_quantity="SimpleQuantity" in row.get("profiles", ()),
        constraints=_constraints(row),
        elements=MappingProxyType(nested),
    )


def _constraints(row: Mapping[str, Any]) -> tuple[Constraint, ...]:
    return tuple(Constraint(*entry) for entry in row.get("constraints", ()))
