"""Search tables: the search parameters and the compartments that R4 defines.

`search-parameters.json` is one array, a parameter per line, sorted by id: `id` (the tail of its canonical URL), `code`, `type`,
`base` (resource types), `expression` (FHIRPath), `target` (resource types of references; none when it may be any) and
`components` of composites as [id of the component's parameter, expression]. Parameters that R4 gives as examples, and those
without an expression (`_text`, `_content`, `_filter`, `_query` and unfinished drafts), are left out: nothing could be indexed for them.
`CORRECTIONS` mends what the package has wrong.
`compartments.json` maps a compartment to the resource types in it and the parameters that put them there.
https://hl7.org/fhir/R4/searchparameter.html, https://hl7.org/fhir/R4/compartmentdefinition.html
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from scripts.r4.elements import compact

PARAMETER_URL = "http://hl7.org/fhir/SearchParameter/"
EXAMPLES = "example"
ANY_TYPE = 140
"""R4 spells "any type" as a list of all of them, sometimes short of the latest."""

Row = dict[str, Any]

_EXTENSIONS = "http://hl7.org/fhir/StructureDefinition/"
CORRECTIONS: Mapping[str, Row] = {
    "patient-extensions-Patient-mothersMaidenName": {"expression": f"Patient.extension('{_EXTENSIONS}patient-mothersMaidenName')"},
    "DocumentReference-relationship": {"components": [["DocumentReference-relatesto", "target"], ["DocumentReference-relation", "code"]]},
}
"""What the package has wrong, by id: an extension that it names but does not define, and two expressions under each other's parameter."""


def write(resources: Iterable[Mapping[str, Any]], folder: Path) -> list[Path]:
    """Writes `search-parameters.json` and `compartments.json` under `folder`; returns their paths."""
    everything = list(resources)
    parameters = folder / "search-parameters.json"
    rows = sorted((parameter_row(one) for one in everything if is_indexable(one)), key=lambda row: str(row["id"]))
    parameters.write_text("[\n" + ",\n".join(map(compact, rows)) + "\n]\n", encoding="utf-8")
    compartments = folder / "compartments.json"
    defined = (one for one in everything if one["resourceType"] == "CompartmentDefinition" and not one["id"].startswith(EXAMPLES))
    lines = [f"{compact(one['code'])}:{compact(members(one))}" for one in sorted(defined, key=lambda one: str(one["code"]))]
    compartments.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    return [parameters, compartments]


def is_indexable(resource: Mapping[str, Any]) -> bool:
    """Whether this is a search parameter of the specification that says what to index."""
    if resource["resourceType"] != "SearchParameter" or "expression" not in resource:
        return False
    return bool(resource.get("base")) and not resource["id"].startswith(EXAMPLES)


def parameter_row(parameter: Mapping[str, Any]) -> Row:
    """The facts of one parameter."""
    targets = sorted(parameter.get("target", ()))
    row = {
        "id": parameter["id"],
        "code": parameter["code"],
        "type": parameter["type"],
        "base": sorted(parameter["base"]),
        "expression": parameter["expression"],
        "target": targets if len(targets) < ANY_TYPE else [],
        "components": [[part["definition"].removeprefix(PARAMETER_URL), part["expression"]] for part in parameter.get("component", ())],
    }
    row |= CORRECTIONS.get(parameter["id"], {})
    return {key: value for key, value in row.items() if value}


def members(compartment: Mapping[str, Any]) -> dict[str, list[str]]:
    """The types in a compartment with the codes of the parameters that link them; types that are never in it are left out."""
    return {entry["code"]: list(entry["param"]) for entry in compartment["resource"] if entry.get("param")}
