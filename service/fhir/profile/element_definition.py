"""One element of a snapshot as an ElementDefinition: what R4 says of it, and what the profiles of a chain say beyond that.

R4's own prose is not carried: where no profile has words for an element, a sentence of ours says whose meaning it has.
https://hl7.org/fhir/R4/elementdefinition.html
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from service.fhir.element import Constraint, Element, Structure, Type
from service.fhir.profile.element import Node

Json = Any
Row = dict[str, Json]

CORE = "http://hl7.org/fhir/StructureDefinition/"
_ORDER = (
    "id", "extension", "path", "representation", "sliceName", "sliceIsConstraining", "label", "code", "slicing", "short", "definition",
    "comment", "requirements", "alias", "min", "max", "base", "contentReference", "type", "meaningWhenMissing", "orderMeaning", "fixed",
    "pattern", "example", "minValue", "maxValue", "maxLength", "condition", "constraint", "mustSupport", "isModifier",
    "isModifierReason", "isSummary", "binding", "mapping",
)  # fmt: skip
_CHOICES = ("fixed", "pattern", "minValue", "maxValue")
_OF_THE_WHOLE = frozenset({"slicing", "short", "definition", "min", "mustSupport"})
"""What is said of an element, and not of each of its slices."""
_FHIR_TYPE = CORE + "structuredefinition-fhir-type"
_BINDABLE = frozenset({"code", "Coding", "CodeableConcept", "Quantity", "Age", "Count", "Distance", "Duration", "string", "uri"})
_SYSTEM_TYPES = {"Element.id": "string", "Resource.id": "string", "Extension.url": "uri"}
_EVERY = Constraint("ele-1", "error", "hasValue() or (children().count() > id.count())", "All FHIR elements must have a @value or children")
_EXTENSION = Constraint("ext-1", "error", "extension.exists() != value.exists()", "Must have either extensions or value[x], not both")


def root(chain: Sequence[Structure], node: Node) -> Row:
    """The root element. `chain`: the types that the structure is based on, the farthest first, then the structure."""
    structure = chain[-1]
    stated = [] if structure.kind == "resource" else [_constraint(_EVERY, "Element")]
    for one in chain:
        stated += [_constraint(each, one.name) for each in one.constraints if each.key not in {row["key"] for row in stated}]
    base = {"min": 0, "max": "*", "base": {"path": structure.name, "min": 0, "max": "*"}, "isModifier": False}
    words = {"definition": f"A {structure.name} as FHIR R4 defines it, held to the rules of this profile."}
    return _ordered({"id": node.id, "path": node.path, **words, **base, **node.facts, "constraint": _with_own(stated, [node])})


def row(id: str, path: str, element: Element, layers: Sequence[Node]) -> Row:
    """An element that is no slice. `layers` are the nodes that say more about it, the most general first."""
    return _finished(id, path, element, facts(layers), layers)


def slice_row(id: str, path: str, element: Element, layers: Sequence[Node]) -> Row:
    """A slice: the last of `layers`. Those before it speak of the element that is sliced."""
    *general, special = layers
    inherited = {name: value for name, value in facts(general).items() if name not in _OF_THE_WHOLE}
    name = id.rpartition(":")[2]
    return _finished(id, path, element, _overlaid([{**inherited, "min": 0, "sliceName": name}, special.facts]), layers)


def facts(layers: Iterable[Node]) -> Row:
    """What the nodes say together: the last word counts."""
    return _overlaid(node.facts for node in layers)


def _overlaid(rows: Iterable[Mapping[str, Json]]) -> Row:
    found: Row = {}
    for one in rows:
        if any(name.startswith(("fixed", "pattern")) for name in one):
            found = {name: value for name, value in found.items() if not name.startswith(("fixed", "pattern"))}
        found |= one
    return found


def _finished(id: str, path: str, element: Element, said: Row, layers: Sequence[Node]) -> Row:
    made = {**_base(element), **said, "id": id, "path": path, "constraint": _with_own(_base_constraints(element), layers)}
    if "type" in said:
        made.pop("contentReference", None)
    if not _BINDABLE & {one["code"] for one in made.get("type", ())}:
        made.pop("binding", None)
    elif "binding" in said and element.binding:
        made["binding"] = {"valueSet": element.binding.value_set, **said["binding"]}
    if made["isModifier"]:
        made.setdefault("isModifierReason", f"It changes the meaning of what holds it: see {element.path} of FHIR R4.")
    return _ordered(made)


def _base(element: Element) -> Row:
    """What R4 says of an element."""
    least, most = element.minimum, "*" if element.maximum is None else str(element.maximum)
    made: Row = {
        "definition": f"The element {element.path} in the meaning that FHIR R4 gives it.",
        "min": least,
        "max": most,
        "base": {"path": element.path, "min": least, "max": most},
        "isModifier": element.modifier,
        "isSummary": element.summary,
    }
    if element.same_as:
        made["contentReference"] = f"#{element.same_as}"
    if element.types:
        made["type"] = [_type(element, one) for one in element.types]
    if element.binding:
        made["binding"] = {"strength": element.binding.strength, "valueSet": element.binding.value_set}
    return made


def _type(element: Element, type: Type) -> Row:
    if element.path in _SYSTEM_TYPES:
        stated = [{"url": _FHIR_TYPE, "valueUrl": _SYSTEM_TYPES[element.path]}]
        return {"extension": stated, "code": "http://hl7.org/fhirpath/System.String"}
    made: Row = {"code": type.code}
    if element.simple_quantity and type.code == "Quantity":
        made["profile"] = [CORE + "SimpleQuantity"]
    if type.targets:
        made["targetProfile"] = [CORE + name for name in type.targets]
    return made


def _base_constraints(element: Element) -> list[Row]:
    codes = {one.code for one in element.types}
    made = []
    if element.path not in _SYSTEM_TYPES and "Resource" not in codes:
        made.append(_constraint(_EVERY, "Element"))
    if "Extension" in codes:
        made.append(_constraint(_EXTENSION, "Extension"))
    return made + [_constraint(one, element.path.partition(".")[0]) for one in element.constraints]


def _constraint(one: Constraint, source: str) -> Row:
    return {"key": one.key, "severity": one.severity, "human": one.sentence, "expression": one.expression, "source": CORE + source}


def _with_own(stated: list[Row], layers: Iterable[Node]) -> list[Row]:
    """The constraints of R4, then those of the profiles; each key once."""
    made = {row["key"]: row for row in stated}
    for node in layers:
        for one in node.constraints:
            said = {"key": one.key, "severity": one.severity, "human": one.sentence, "expression": one.expression, "source": one.source}
            made.setdefault(one.key, said)
    return list(made.values())


def _ordered(made: Row) -> Row:
    """The members in the order in which FHIR writes them; empty ones go."""
    return dict(sorted(((name, value) for name, value in made.items() if value != []), key=lambda one: _place(one[0])))


def _place(name: str) -> int:
    return _ORDER.index(next((choice for choice in _CHOICES if name.startswith(choice)), name))
