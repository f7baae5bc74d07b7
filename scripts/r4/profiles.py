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
CORRECTIONS: Mapping[str, Mapping[str, Any]] = {
    _EXTENSION + "structuredefinition-fhir-type": {"context": [{"type": "element", "expression": "ElementDefinition.type"}]},
}
"""By URL: the package says `ElementDefinition.type.code` and puts the extension on `ElementDefinition.type`, in every snapshot."""


def write(resources: Iterable[Mapping[str, Any]], folder: Path) -> list[Path]:
    """Writes `profiles.ndjson` and `terminology.ndjson` under `folder`; returns their paths."""
    kept = [{**one, **CORRECTIONS.get(one.get("url", ""), {})} for one in resources if not is_example(one)]
    profiles = [one for one in kept if one.get("derivation") == "constraint"]
    terminology = [one for one in kept if one["resourceType"] in {"CodeSystem", "ValueSet"}]
    return [write_table(folder / "profiles.ndjson", profiles), write_table(folder / "terminology.ndjson", terminology)]
