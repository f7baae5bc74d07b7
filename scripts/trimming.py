"""FHIR definitions without their prose: what a validator or a terminology service computes with, in ordinary FHIR JSON.

`line` gives a resource as the tables under `fhir_profiles/` hold it: compact, first `resourceType`, `url` and (where there is one)
`version`. Snapshots, descriptions, comments, mappings, requirements, copyrights, designations and the definitions of concepts stay
behind. The sentence of an invariant and the displays of codes stay: the service shows them.
https://hl7.org/fhir/R4/structuredefinition.html, https://hl7.org/fhir/R4/codesystem.html, https://hl7.org/fhir/R4/valueset.html
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from service.fhir.profile.differential import spelled_out

Tree = dict[str, Any]

BEST_PRACTICE = "http://hl7.org/fhir/StructureDefinition/elementdefinition-bestpractice"
MAXIMAL_SET = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet"
SYSTEM_TYPE = "http://hl7.org/fhirpath/System."
IDENTITY = ("resourceType", "url", "version", "id", "name", "title", "status")
STRUCTURE = (*IDENTITY, "fhirVersion", "kind", "abstract", "context", "contextInvariant", "type", "baseDefinition", "derivation")
SYSTEM = (*IDENTITY, "caseSensitive", "valueSet", "hierarchyMeaning", "content", "supplements")
ELEMENT = (
    "id", "path", "sliceName", "slicing", "min", "max", "contentReference", "type", "maxLength", "constraint", "mustSupport",
    "isModifier", "isModifierReason", "isSummary", "binding",
)  # fmt: skip
ELEMENT_CHOICES = ("fixed", "pattern", "minValue", "maxValue")
SLICING = ("discriminator", "ordered", "rules")
TYPE = ("code", "profile", "targetProfile", "aggregation", "versioning")
BINDING = ("extension", "strength", "valueSet")
CONSTRAINT = ("extension", "key", "severity", "human", "expression")
PROPERTIES = frozenset({"status", "inactive", "abstract", "deprecated", "notSelectable", "parent", "subsumedBy", "child"})
"""The properties that decide a concept's state or its place in the hierarchy. https://hl7.org/fhir/R4/codesystem.html#properties"""


def structure(definition: Mapping[str, Any]) -> Tree:
    """A StructureDefinition with its differential alone."""
    elements = [element(one) for one in spelled_out(definition)]
    return picked(definition, STRUCTURE) | {"differential": {"element": elements}}


def element(whole: Mapping[str, Any]) -> Tree:
    """The rules of one element. A FHIRPath system type says nothing that the base type does not, and stays behind."""
    kept = {key: value for key, value in whole.items() if key in ELEMENT or key.startswith(ELEMENT_CHOICES)}
    if "slicing" in kept:
        kept["slicing"] = picked(kept["slicing"], SLICING)
    if "type" in kept:
        kept["type"] = [picked(kind, TYPE) for kind in kept["type"] if not kind["code"].startswith(SYSTEM_TYPE)]
    if "binding" in kept:
        kept["binding"] = marked(kept["binding"], BINDING, MAXIMAL_SET)
    if "constraint" in kept:
        kept["constraint"] = [marked(one, CONSTRAINT, BEST_PRACTICE) for one in kept["constraint"]]
    return {key: value for key, value in kept.items() if value != []}


def marked(whole: Mapping[str, Any], keys: Iterable[str], extension: str) -> Tree:
    """Part of an object, with the one extension that is a rule too."""
    kept = picked(whole, keys)
    extensions = [one for one in kept.pop("extension", ()) if one["url"] == extension]
    return {"extension": extensions} | kept if extensions else kept


def code_system(system: Mapping[str, Any]) -> Tree:
    """A CodeSystem: its codes, displays, hierarchy and states."""
    properties = [picked(one, ("code", "uri", "type")) for one in system.get("property", ()) if one["code"] in PROPERTIES]
    rest = {"property": properties, "concept": [concept(one) for one in system.get("concept", ())]}
    return picked(system, SYSTEM) | {key: value for key, value in rest.items() if value}


def concept(whole: Mapping[str, Any]) -> Tree:
    """A concept with those under it."""
    properties = [one for one in whole.get("property", ()) if one["code"] in PROPERTIES]
    rest = {"property": properties, "concept": [concept(one) for one in whole.get("concept", ())]}
    return picked(whole, ("code", "display")) | {key: value for key, value in rest.items() if value}


def value_set(whole: Mapping[str, Any]) -> Tree:
    """A ValueSet: its composition, or its expansion where that is all there is."""
    composition = whole.get("compose")
    if composition is None:
        return picked(whole, (*IDENTITY, "expansion"))
    parts = {key: [part(one) for one in composition[key]] for key in ("include", "exclude") if key in composition}
    return picked(whole, IDENTITY) | {"compose": picked(composition, ("lockedDate", "inactive")) | parts}


def part(include: Mapping[str, Any]) -> Tree:
    """One `include` or `exclude` of a composition."""
    kept = picked(include, ("system", "version", "concept", "filter", "valueSet"))
    if "concept" in kept:
        kept["concept"] = [picked(one, ("code", "display")) for one in kept["concept"]]
    return kept


def capabilities(statement: Mapping[str, Any]) -> Tree:
    """A CapabilityStatement: per resource type the profiles, the parameters and how they combine, what can be included."""
    rest = [{"mode": one["mode"], "resource": [capability(resource) for resource in one["resource"]]} for one in statement["rest"]]
    return picked(statement, (*IDENTITY, "fhirVersion", "kind")) | {"rest": rest}


def capability(resource: Mapping[str, Any]) -> Tree:
    """What is asked of one resource type; how much each thing is asked for is an extension."""
    kept = picked(resource, ("extension", "type", "supportedProfile", "searchInclude", "searchRevInclude", "searchParam"))
    if "searchParam" in kept:
        kept["searchParam"] = [picked(one, ("extension", "name", "definition", "type")) for one in kept["searchParam"]]
    return kept


def picked(whole: Mapping[str, Any], keys: Iterable[str]) -> Tree:
    """The members named, in the order named; those that are absent stay absent."""
    return {key: whole[key] for key in keys if key in whole}


TRIMMED = {
    "CapabilityStatement": capabilities,
    "CodeSystem": code_system,
    "StructureDefinition": structure,
    "ValueSet": value_set,
}


def is_example(resource: Mapping[str, Any]) -> bool:
    """Whether a resource is nothing but an example of the specification, by its id."""
    return bool(resource["id"] == "example" or resource["id"].startswith("example-"))


def write_table(target: Path, resources: Iterable[Mapping[str, Any]]) -> Path:
    """Writes trimmed resources one a line, sorted by type and URL; returns the path."""
    ordered = sorted(resources, key=lambda one: (one["resourceType"], one["url"], one.get("version", "")))
    target.write_text("".join(line(one) + "\n" for one in ordered), encoding="utf-8")
    return target


def line(resource: Mapping[str, Any]) -> str:
    """One resource of a known type as a line of a table. Raises KeyError for a type that has no trimmed form."""
    return json.dumps(TRIMMED[resource["resourceType"]](resource), ensure_ascii=False, separators=(",", ":"))
