"""Element tables: what R4 says about the shape of every resource type and datatype.

Written to `structures.ndjson`, one structure per line, sorted by name. A line holds `name`, `kind` (primitive, complex,
resource), `base`, `abstract`, `constraints` of the root, and `elements`. An element holds `path`, `min`, `max`, `types`
(code -> target resource types) and, where they apply, `profiles`, `sameAs` (content reference), `binding`, `languages`,
`modifier`, `summary`, `constraints`. What a structure or a nested element has from its base type unchanged is left out: the
reader adds it. A constraint is [key, severity, expression, sentence].
Prose (definitions, comments, short texts) stays behind. https://hl7.org/fhir/R4/structuredefinition.html
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

CORE = "http://hl7.org/fhir/StructureDefinition/"
SYSTEM_TYPE = "http://hl7.org/fhirpath/System."
REGEX = CORE + "regex"
FHIR_TYPE = CORE + "structuredefinition-fhir-type"
MAXIMAL_SET = CORE + "elementdefinition-maxValueSet"
LANGUAGES = "http://hl7.org/fhir/ValueSet/all-languages"
NESTED = {"Element.id", "Element.extension", "BackboneElement.modifierExtension"}
KINDS = {"primitive-type": "primitive", "complex-type": "complex", "resource": "resource"}

Row = dict[str, Any]


def write(resources: Iterable[Mapping[str, Any]], folder: Path) -> list[Path]:
    """Writes `structures.ndjson` and `resource-types.json` under `folder`; returns their paths."""
    definitions = base_definitions(resources)
    rows = [structure_row(definition, definitions) for _, definition in sorted(definitions.items())]
    structures = folder / "structures.ndjson"
    structures.write_text("".join(compact(row) + "\n" for row in rows), encoding="utf-8")
    names = [row["name"] for row in rows if row["kind"] == "resource" and not row.get("abstract")]
    types = folder / "resource-types.json"
    types.write_text(json.dumps(names, indent=0) + "\n", encoding="utf-8")
    return [structures, types]


def compact(value: Any) -> str:
    """JSON on one line without white space."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def base_definitions(resources: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The StructureDefinitions of types (not of profiles, extensions or logical models) by type name."""
    return {
        resource["type"]: resource
        for resource in resources
        if resource["resourceType"] == "StructureDefinition" and resource.get("derivation") != "constraint" and resource["kind"] in KINDS
    }


def structure_row(definition: Mapping[str, Any], definitions: Mapping[str, Mapping[str, Any]]) -> Row:
    """The table row of one type."""
    name = definition["type"]
    base = definition.get("baseDefinition", "").removeprefix(CORE)
    root, *elements = definition["snapshot"]["element"]
    inherited = inherited_rows(base, definitions)
    rows = [row for row in map(element_row, filter(is_own, elements)) if inherited.get(member(row, name)) != comparable(row, name)]
    known = {constraint[0] for constraint in root_constraints(definitions.get(base))}
    constraints = [constraint for constraint in constraint_rows(root) if constraint[0] not in known]
    row = {"name": name, "kind": KINDS[definition["kind"]], "base": base, "abstract": definition["abstract"] or None}
    return without_nothing(row | {"constraints": constraints, "elements": rows})


def is_own(element: Mapping[str, Any]) -> bool:
    """Whether a nested element says more than its base type (Element or BackboneElement) does."""
    return element["path"].count(".") < 2 or element["base"]["path"] not in NESTED


def inherited_rows(base: str, definitions: Mapping[str, Mapping[str, Any]]) -> dict[str, Row]:
    """What the base type says, by member name, in a form comparable across types."""
    if base not in definitions:
        return {}
    rows = [element_row(element) for element in definitions[base]["snapshot"]["element"][1:]]
    return {member(row, base): comparable(row, base) for row in rows}


def member(row: Row, name: str) -> str:
    """The path of an element without the name of its type."""
    return str(row["path"]).removeprefix(name + ".")


def comparable(row: Row, name: str) -> Row:
    """The row with the type's name taken out of its path."""
    return row | {"path": member(row, name)}


def root_constraints(definition: Mapping[str, Any] | None) -> list[list[str]]:
    """The constraints on the root element of a definition."""
    return constraint_rows(definition["snapshot"]["element"][0]) if definition else []


def element_row(element: Mapping[str, Any]) -> Row:
    """The facts of one element."""
    row = {
        "path": element["path"],
        "min": element["min"],
        "max": element["max"],
        "types": types(element),
        "profiles": [profile.removeprefix(CORE) for kind in element.get("type", ()) for profile in kind.get("profile", ())],
        "sameAs": element.get("contentReference", "").removeprefix("#"),
        "regex": regex(element),
        "modifier": element.get("isModifier") or None,
        "summary": element.get("isSummary") or None,
        "constraints": [constraint for constraint in constraint_rows(element) if constraint[0] not in {"ele-1", "ext-1"}],
    }
    return without_nothing(row | binding_row(element.get("binding", {})))


def types(element: Mapping[str, Any]) -> dict[str, list[str]]:
    """Type code -> target resource types. A FHIRPath system type becomes the FHIR primitive that it stands for.

    The package types `Resource.id` as a string; the specification (https://hl7.org/fhir/R4/resource.html) says `id`.
    """
    if element.get("base", {}).get("path") == "Resource.id":
        return {"id": []}
    return {type_code(kind): [target.removeprefix(CORE) for target in kind.get("targetProfile", ())] for kind in element.get("type", ())}


def type_code(kind: Mapping[str, Any]) -> str:
    """The FHIR type code."""
    code = str(kind["code"])
    if not code.startswith(SYSTEM_TYPE):
        return code
    stated = (str(entry["valueUrl"]) for entry in kind.get("extension", ()) if entry["url"] == FHIR_TYPE)
    return next(stated, "string")


def regex(element: Mapping[str, Any]) -> str | None:
    """The regular expression of a primitive's value."""
    extensions = [entry for kind in element.get("type", ()) for entry in kind.get("extension", ())]
    return next((entry["valueString"] for entry in extensions if entry["url"] == REGEX), None)


def binding_row(binding: Mapping[str, Any]) -> Row:
    """`binding` as [strength, value set]; `languages` when every code must be a language tag."""
    if "valueSet" not in binding:
        return {}
    maximal = [entry["valueCanonical"] for entry in binding.get("extension", ()) if entry["url"] == MAXIMAL_SET]
    return {"binding": [binding["strength"], binding["valueSet"]], "languages": LANGUAGES in maximal or None}


def constraint_rows(element: Mapping[str, Any]) -> list[list[str]]:
    """[key, severity, expression, sentence] of each constraint."""
    return [[entry["key"], entry["severity"], entry["expression"], entry["human"]] for entry in element.get("constraint", ())]


def without_nothing(row: Row) -> Row:
    """The row without members that say nothing."""
    return {key: value for key, value in row.items() if value not in (None, "", [])}
