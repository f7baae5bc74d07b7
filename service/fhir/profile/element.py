"""The merged tree of a profile: per element, what the profile and the profiles that it is based on say beyond R4.

What R4 itself says about the element is `base`; nothing of it is repeated here.
https://hl7.org/fhir/R4/profiling.html, https://hl7.org/fhir/R4/elementdefinition.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from service.fhir.element import Element

Json = Any
_BEST_PRACTICE = "http://hl7.org/fhir/StructureDefinition/elementdefinition-bestpractice"
_MAXIMAL_SET = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet"


@dataclass(frozen=True, slots=True)
class Discriminator:
    """How slices are told apart: `type` is value, exists, pattern, type or profile; `path` is restricted FHIRPath."""

    type: str
    path: str


@dataclass(frozen=True, slots=True)
class Slicing:
    """`rules` is open, closed or openAtEnd. https://hl7.org/fhir/R4/profiling.html#slicing"""

    discriminators: tuple[Discriminator, ...]
    rules: str = "open"
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class TypeRule:
    """A type that is allowed: its code, the profiles of it (any of them), and the profiles of what a reference points to."""

    code: str
    profiles: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ValueRule:
    """A fixed value or pattern: `type` is the FHIR type that the value is written in."""

    type: str
    value: Json


@dataclass(frozen=True, slots=True)
class ProfileConstraint:
    """An invariant of a profile; `source` is the StructureDefinition that states it. `severity` is error or warning."""

    key: str
    severity: str
    expression: str
    sentence: str
    source: str


@dataclass(slots=True)
class Node:
    """One element, or one slice of it.

    `id` is the element id (https://hl7.org/fhir/R4/elementdefinition.html#id), `path` without slices. `facts` are the members of the
    ElementDefinition as the profiles of the chain give them, the last word counting; `constraints` add up. `base` is R4's element (None
    for the root), `type_name` the type whose content `children` are, where it is one. `children` are keyed by name, a choice
    with `[x]`; `slices` by slice name. `source` is the definition that said something last.
    """

    id: str
    path: str
    base: Element | None
    type_name: str | None
    facts: dict[str, Json] = field(default_factory=dict)
    constraints: list[ProfileConstraint] = field(default_factory=list)
    children: dict[str, "Node"] = field(default_factory=dict)
    slices: dict[str, "Node"] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The last step of the path, with `[x]` for a choice."""
        return self.path.rpartition(".")[2]

    @property
    def spoken_type(self) -> str:
        """The type that expressions on the element speak of: a datatype, or the path of an element that R4 defines in place."""
        return self.path if self.type_name in (None, "BackboneElement", "Element") else str(self.type_name)

    @property
    def minimum(self) -> int | None:
        """The least number of values; None where the profile does not say."""
        found = self.facts.get("min")
        return found if isinstance(found, int) else None

    @property
    def maximum(self) -> int | None:
        """The greatest number of values; None where the profile does not say, or says `*`."""
        found = self.facts.get("max")
        return int(found) if isinstance(found, str) and found.isdecimal() else None

    @property
    def slicing(self) -> Slicing | None:
        """How its slices are told apart; None where nothing is said."""
        stated = self.facts.get("slicing")
        if not isinstance(stated, Mapping):
            return None
        rows = tuple(Discriminator(row["type"], row["path"]) for row in stated.get("discriminator", ()))
        return Slicing(rows, stated.get("rules", "open"), stated.get("ordered", False))

    @property
    def types(self) -> tuple[TypeRule, ...]:
        """The types that the profile allows; empty where it does not say."""
        rows = self.facts.get("type", ())
        return tuple(TypeRule(row["code"], tuple(row.get("profile", ())), tuple(row.get("targetProfile", ()))) for row in rows)

    @property
    def fixed(self) -> ValueRule | None:
        """The value that it must have exactly."""
        return self._value("fixed")

    @property
    def pattern(self) -> ValueRule | None:
        """What its value must contain."""
        return self._value("pattern")

    @property
    def binding(self) -> tuple[str, str] | None:
        """(strength, value set); None without a binding to a value set."""
        stated = self.facts.get("binding")
        return (stated["strength"], stated["valueSet"]) if isinstance(stated, Mapping) and "valueSet" in stated else None

    @property
    def maximal_value_set(self) -> str | None:
        """The value set that no code may be outside of, beside an extensible or preferred one."""
        rows = self.facts.get("binding", {}).get("extension", ())
        return next((row.get("valueCanonical") or row.get("valueUri") for row in rows if row.get("url") == _MAXIMAL_SET), None)

    def _value(self, kind: str) -> ValueRule | None:
        return next((ValueRule(name[len(kind) :], value) for name, value in self.facts.items() if name.startswith(kind)), None)

    def walk(self) -> Iterator["Node"]:
        """The node and everything below it: slices after the element that they are of, children after their parent."""
        yield self
        for child in self.children.values():
            yield from child.walk()
        for part in self.slices.values():
            yield from part.walk()

    def copy(self) -> "Node":
        """A tree of its own, for another profile to add to; what is immutable is shared."""
        made = Node(self.id, self.path, self.base, self.type_name, dict(self.facts), list(self.constraints))
        made.children = {name: child.copy() for name, child in self.children.items()}
        made.slices = {name: part.copy() for name, part in self.slices.items()}
        return made


def constraints(row: Mapping[str, Json], source: str) -> Iterator[ProfileConstraint]:
    """The invariants that an ElementDefinition states and that have an expression."""
    for one in row.get("constraint", ()):
        if "expression" in one:
            best = any(each.get("url") == _BEST_PRACTICE and each.get("valueBoolean") for each in one.get("extension", ()))
            severity = "warning" if best else one["severity"]
            yield ProfileConstraint(one["key"], severity, one["expression"], one["human"], one.get("source", source))


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile, read: `url` and `version` as stated, `type` the R4 type that it constrains, `package` where it is from,
    `bases` the canonical URLs of the profiles that it is based on (nearest first, without R4's own types)."""

    url: str
    version: str | None
    type: str
    package: str
    bases: tuple[str, ...]
    root: Node
    tree: Mapping[str, Json]

    @property
    def canonical(self) -> str:
        """The URL, with the version when it has one."""
        return f"{self.url}|{self.version}" if self.version else self.url
