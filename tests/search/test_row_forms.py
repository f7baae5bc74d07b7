"""The form of index rows is part of what "indexed" means: whoever changes it must say so, or old rows are searched as if they were new."""

import json
from hashlib import blake2b
from pathlib import Path

from service.fhir import definitions
from service.fhir.document import Limits, decode
from service.search.parameter import Registry

VISIT = Path(__file__).parents[1] / "data" / "example-visit.json"
RECORDED = {
    "token": "18b7a2f38092",
    "reference": "00340e865e7c",
    "date": "a9dd607cc3b1",
    "string": "b5594b83d904",
    "number": "ddd9c40767f9",
    "quantity": "8adb08bf838b",
    "uri": "fbd3c9342926",
    "composite": "1a2ef9543b20",
}


def _forms() -> dict[str, str]:
    """For each table, what stands for the rows of the whole example visit."""
    registry = Registry(definitions.load(), "http://clinic.example/fhir", "America/New_York")
    rows: dict[str, list[str]] = {}
    for entry in decode(VISIT.read_bytes(), Limits()).tree["entry"]:
        resource = entry["resource"]
        found = registry.extract(resource["resourceType"], resource, created=1_795_000_000_000_000).rows
        for name in ("token", "reference", "date", "string", "number", "quantity", "uri", "composite"):
            rows.setdefault(name, []).extend(map(repr, sorted(getattr(found, name), key=repr)))
    return {name: blake2b("\n".join(lines).encode(), digest_size=6).hexdigest() for name, lines in rows.items()}


def test_rows_have_the_form_that_was_recorded() -> None:
    """Changed on purpose? Raise the number of the type in `activation.FORMATS`, once per release, and record what this prints."""
    assert _forms() == RECORDED, json.dumps(_forms(), indent=4)
