"""Definitions to shapes: every structure and nested element becomes a `Shape` when its type is first met."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import RLock
from typing import Any

from service.fhir.definitions import Definitions
from service.fhir.element import Constraint, Element, Type
from service.validation import binding, member, narrative, primitive, target, unit
from service.validation.primitive import Rule
from service.validation.rules import predicate
from service.validation.run import Run
from service.validation.scope import Scope
from service.validation.structure import Invariant, Member, Node, Shape, is_array, nested, nested_list

Extra = Callable[[Any, str, Run], None]


@dataclass(frozen=True, slots=True)
class Beyond:
    """What the gate does with what R4's tables alone do not decide: `met` is told of every extension, `bound` makes the rule of a
    binding of (strength, value set)."""

    met: Extra
    bound: Callable[[str, str], Extra]


class Shapes:
    """The shapes of one set of definitions, compiled on demand and shared by threads once complete.

    `inner` checks a resource inside another one: (value, path, run, whether it is contained).
    """

    def __init__(self, definitions: Definitions, inner: Callable[[Any, str, Run, bool], None], beyond: Beyond | None = None) -> None:
        self.definitions = definitions
        self._all_types = frozenset(definitions.all_types)
        self._inner = inner
        self._beyond = beyond
        self._complete: dict[str, Shape] = {}
        self._building: dict[str, Shape] = {}
        self._lock = RLock()

    def structure(self, name: str) -> Shape:
        """The shape of a resource type or datatype."""
        found = self._complete.get(name)
        if found is None:
            with self._lock:
                try:
                    found = self._structure(name)
                    self._complete.update(self._building)
                finally:
                    self._building.clear()
        return found

    def _structure(self, name: str) -> Shape:
        if known := self._known(name):
            return known
        structure = self.definitions.structures[name]
        shape = self._building[name] = Shape(name, structure.kind == "resource")
        self._fill(shape, structure.elements, structure.constraints, name)
        return shape

    def _nested(self, element: Element) -> Shape:
        if known := self._known(element.path):
            return known
        shape = self._building[element.path] = Shape(element.path)
        self._fill(shape, element.elements, element.constraints, element.path)
        return shape

    def _known(self, key: str) -> Shape | None:
        return self._complete.get(key) or self._building.get(key)

    def _fill(self, shape: Shape, elements: Mapping[str, Element], constraints: tuple[Constraint, ...], path: str) -> None:
        if shape.is_resource:
            shape.members["resourceType"] = _ignored
        for element in elements.values():
            names = frozenset(self._add(shape, element))
            if element.minimum:
                shape.required.append((element.name, names))
            if element.choice:
                shape.choices.append((element.name, names))
        shape.invariants = self._invariants(constraints, path, elements)

    def _invariants(self, constraints: tuple[Constraint, ...], path: str, elements: Mapping[str, Element]) -> list[Invariant]:
        scope = Scope(self.definitions, elements)
        pairs = [(constraint, predicate(constraint, path, scope)) for constraint in constraints]
        return [Invariant(known.key, known.severity, known.sentence, holds) for known, holds in pairs if holds]

    def _add(self, shape: Shape, element: Element) -> list[str]:
        names: list[str] = []
        for name, kind in element.properties.items():
            members = self._members(name, element, kind)
            shape.members.update(members)
            names.extend(members)
        return names

    def _members(self, name: str, element: Element, kind: Type | None) -> dict[str, Member]:
        if kind is not None and kind.code in self.definitions.structures:
            structure = self.definitions.structures[kind.code]
            if structure.kind == "primitive":
                return self._primitive(name, element, kind.code)
            if structure.name == "Resource":
                return {name: self._resource(name, element)}
        shape = self._object(element, kind)
        extras = self._extras(element, kind)
        return {name: (nested_list if element.repeats else nested)(name, shape, extras)}

    def _object(self, element: Element, kind: Type | None) -> Shape:
        if element.same_as or kind is None:
            shared = self.definitions.element(element.same_as or "")
            if shared is None:
                raise ValueError(f"{element.path} shares the content of {element.same_as}, which does not exist")
            return self._narrowed(self._nested(shared), element, self.definitions.members(shared))
        if element.elements:
            return self._nested(element)
        return self._narrowed(self._structure(kind.code), element, self.definitions.structures[kind.code].elements)

    def _narrowed(self, shape: Shape, element: Element, elements: Mapping[str, Element]) -> Shape:
        invariants = self._invariants(element.constraints, element.path, elements)
        return _constrained(shape, invariants) if invariants else shape

    def _primitive(self, name: str, element: Element, code: str) -> dict[str, Member]:
        rule = primitive.rule_for(self.definitions.structures[code])
        if code == "xhtml":
            return {name: member.value(name, rule, None, narrative.check)}
        coded = binding.code_rule(self.definitions, element) if code == "code" else None
        shape = self._structure("Element")
        if element.repeats:
            return {name: member.values(name, rule, coded), "_" + name: member.extended_list(name, shape)}
        extra = self._on_value(element)
        if element.path == "Attachment.hash":
            rule, extra = primitive.rule_for(self.definitions.structures["string"]), _foreign_hash(rule)
        return {name: member.value(name, rule, coded, extra), "_" + name: member.extended(name, shape)}

    def _on_value(self, element: Element) -> Extra | None:
        invariants = self._invariants(element.constraints, element.path, {})
        if not invariants:
            return None

        def extra(value: Any, path: str, run: Run) -> None:
            for invariant in invariants:
                invariant.check({"value": value}, path, run)

        return extra

    def _extras(self, element: Element, kind: Type | None) -> tuple[Extra, ...]:
        if kind is None or element.elements:
            return ()
        extras: list[Extra | None] = []
        if kind.code == "Extension" and self._beyond:
            extras.append(self._beyond.met)
        if kind.code == "Reference":
            extras.append(target.reference_rule(kind, self._all_types))
        if kind.code in {"CodeableConcept", "Coding"}:
            extras.append(binding.concept_rule(self.definitions, element, kind.code))
            if self._beyond and element.binding and element.binding.strength == "extensible":
                extras.append(self._beyond.bound("extensible", element.binding.value_set))
        if kind.code in unit.QUANTITIES:
            extras.append(unit.check)
        if kind.code == "Quantity" and element.simple_quantity:
            extras.append(_without_comparator)
        return tuple(extra for extra in extras if extra)

    def _resource(self, name: str, element: Element) -> Member:
        inner, contained = self._inner, name == "contained"

        def member_list(value: Any, path: str, run: Run, _node: Node) -> None:
            place = f"{path}.{name}"
            if is_array(value, place, run):
                for index, item in enumerate(value):
                    inner(item, f"{place}[{index}]", run, contained)

        def member_single(value: Any, path: str, run: Run, _node: Node) -> None:
            inner(value, f"{path}.{name}", run, contained)

        return member_list if element.repeats else member_single


def _constrained(shape: Shape, invariants: list[Invariant]) -> Shape:
    """A shape like `shape` with further constraints; it shares the members, which may still be filling."""
    narrowed = Shape(shape.name, shape.is_resource)
    narrowed.members, narrowed.required, narrowed.choices = shape.members, shape.required, shape.choices
    narrowed.invariants = [*shape.invariants, *invariants]
    return narrowed


def _foreign_hash(rule: Rule) -> Extra:
    """A hash that is no base64 is a warning: published examples carry one, and the record neither computes nor relies on it."""

    def extra(value: Any, path: str, run: Run) -> None:
        if (text := rule(value)) is not None:
            run.warning("value", "primitive-format", path, text)

    return extra


def _without_comparator(value: Any, path: str, run: Run) -> None:
    if "comparator" in value or "_comparator" in value:
        run.error("invariant", "sqty-1", path, "may not have a comparator (SimpleQuantity, sqty-1): remove it")


def _ignored(_value: Any, _path: str, _run: Run, _node: Node) -> None:
    """`resourceType` was looked at before the shape was chosen."""
