"""R4's own profiles and extensions, and its terminology.

`profiles.ndjson` holds every StructureDefinition that constrains a type or defines an extension, `terminology.ndjson` every
CodeSystem and ValueSet of the package (FHIR, v2 and v3), trimmed, one resource a line. What is nothing but an example is left out.
`CORRECTIONS` mends what the package has wrong.
https://hl7.org/fhir/R4/profilelist.html, https://hl7.org/fhir/R4/terminologies-systems.html
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from scripts.trimming import is_example, write_table

_EXTENSION = "http://hl7.org/fhir/StructureDefinition/"


def _on(*elements: str) -> Mapping[str, Any]:
    return {"context": [{"type": "element", "expression": one} for one in elements]}


CORRECTIONS: Mapping[str, Mapping[str, Any]] = {
    _EXTENSION + "capabilitystatement-expectation": _on("Element"),
    _EXTENSION + "regex": _on("Questionnaire.item", "ElementDefinition", "ElementDefinition.type"),
    _EXTENSION + "structuredefinition-fhir-type": _on("ElementDefinition.type"),
}
"""By URL: where published definitions put an extension, HL7's own first of all, though the package says less or something else."""
GROWN = frozenset({_EXTENSION + "structuredefinition-wg"})
"""Extensions bound to a list that has grown since R4: new codes of it are no errors, so the binding counts as extensible."""


def write(resources: Iterable[Mapping[str, Any]], folder: Path) -> list[Path]:
    """Writes `profiles.ndjson` and `terminology.ndjson` under `folder`; returns their paths."""
    kept = [_loosened({**one, **CORRECTIONS.get(one.get("url", ""), {})}) for one in resources if not is_example(one)]
    profiles = [one for one in kept if one.get("derivation") == "constraint"]
    terminology = [one for one in kept if one["resourceType"] in {"CodeSystem", "ValueSet"}]
    return [write_table(folder / "profiles.ndjson", profiles), write_table(folder / "terminology.ndjson", terminology)]


def _loosened(one: Mapping[str, Any]) -> Mapping[str, Any]:
    if one.get("url") not in GROWN:
        return one
    rows = [
        {**row, "binding": {**row["binding"], "strength": "extensible"}} if "binding" in row else row
        for row in one["differential"]["element"]
    ]
    return {**one, "differential": {"element": rows}}
