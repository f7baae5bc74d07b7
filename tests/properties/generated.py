"""Resources of any R4 type, grown at random from the definitions. Right in structure, formats, codes and targets; blind to invariants."""

import random
from typing import Any

from service.fhir.definitions import Definitions
from service.fhir.document import Number
from service.fhir.element import Element, Type

Tree = dict[str, Any]

PRIMITIVES: dict[str, tuple[Any, ...]] = {
    "base64Binary": ("YWJj",),
    "boolean": (True, False),
    "canonical": ("http://x.example/a|1",),
    "code": ("a", "b-c"),
    "date": ("2026", "2026-02", "2026-02-28"),
    "dateTime": ("2026", "2026-02-28", "2026-02-28T10:00:00Z", "2026-02-28T10:00:00.123-08:00"),
    "decimal": (0, 7, Number("1.10"), Number("0.5")),
    "id": ("a", "a-1.b"),
    "instant": ("2026-02-28T10:00:00Z", "2026-02-28T10:00:00.5+01:00"),
    "integer": (0, -3, 12),
    "markdown": ("# a\n\nb",),
    "oid": ("urn:oid:1.2.3",),
    "positiveInt": (1, 9),
    "string": ("a", "b c", "ä"),
    "time": ("10:00:00",),
    "unsignedInt": (0, 9),
    "uri": ("http://x.example/a", "urn:oid:1.2"),
    "url": ("https://x.example",),
    "uuid": ("urn:uuid:c757873d-ec9a-4326-a141-556f43239520",),
    "xhtml": ('<div xmlns="http://www.w3.org/1999/xhtml"><p>a</p></div>',),
}
SYNTAXES = {"mime-type": "text/plain", "language": "en", "currency": "USD", "ucum": "mg"}
UNITS = "http://unitsofmeasure.org"


class Garden:
    """Grows resources from definitions with one source of chance."""

    def __init__(self, definitions: Definitions, seed: int) -> None:
        self.definitions = definitions
        self.random = random.Random(seed)

    def resource(self, name: str) -> Tree:
        """A resource of the type."""
        elements = self.definitions.structures[name].elements
        return {"resourceType": name, **self.members(elements, 0)}

    def members(self, elements: Any, depth: int) -> Tree:
        """The members of an object: all mandatory ones, some of the others, never none."""
        grown: Tree = {}
        for element in elements.values():
            if element.minimum or (element.name != "id" and self.random.random() < 0.35 / (1 + 2 * depth)):
                grown |= self.element(element, depth)
        if not grown:
            simple = [element for element in elements.values() if element.name not in {"id", "modifierExtension", "resource"}]
            grown = self.element(self.random.choice(simple), depth)
        return grown

    def element(self, element: Element, depth: int) -> Tree:
        """One element as JSON members."""
        name, kind = self.random.choice(list(element.properties.items()))
        if kind and kind.code == "Resource":
            return {}
        count = self.random.choice([1, 1, 2]) if element.repeats else 1
        values = [self.value(element, kind, depth) for _ in range(count)]
        return {name: values if element.repeats else values[0]}

    def value(self, element: Element, kind: Type | None, depth: int) -> Any:
        """A value of one type of an element."""
        if kind is None or element.elements:
            return self.members(self.definitions.members(element), depth + 1)
        if kind.code == "Extension":
            return {"url": "http://x.example/extension", "valueString": "a"}
        if kind.code == "code":
            return self.code(element)
        if kind.code in PRIMITIVES:
            return self.random.choice(PRIMITIVES[kind.code])
        if kind.code == "Reference":
            return self.reference(kind)
        if kind.code == "CodeableConcept" and element.binding and element.binding.strength == "required":
            return {"coding": [self.coding(element)]}
        grown = self.members(self.definitions.structures[kind.code].elements, depth + 1)
        return {key: value for key, value in grown.items() if key != "comparator"} or {"value": 1}

    def code(self, element: Element) -> str:
        """A code that the element's binding allows."""
        if element.languages:
            return "de-CH"
        if element.binding is None or element.binding.strength != "required":
            return str(self.random.choice(PRIMITIVES["code"]))
        return str(self.coding(element)["code"])

    def coding(self, element: Element) -> Tree:
        """A coding of the element's required value set."""
        value_set = element.binding.value_set if element.binding else ""
        syntax = self.definitions.value_sets.syntax(value_set)
        if syntax:
            return {"system": UNITS, "code": SYNTAXES[syntax]}
        codes = self.definitions.codes(value_set)
        system, code = self.random.choice(sorted(codes)) if codes else ("http://x.example", "a")
        return {"system": system, "code": code}

    def reference(self, kind: Type) -> Tree:
        """A reference to one of the allowed types."""
        targets = [target for target in kind.targets if target != "Resource"] or ["Patient"]
        return {"reference": f"{self.random.choice(targets)}/1"}
