"""What published snapshots say, element by element, to compare generated ones with.

    python -m tests.unit.fhir.published [FOLDER OF THE R4 WHEEL]

writes `tests/data/r4-snapshots.ndjson` from the official R4 package (CC0-1.0): the profiles of Observation, the vital signs among them.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parents[2] / "data" / "r4-snapshots.ndjson"
SYSTEM_TYPE = "http://hl7.org/fhirpath/System."

Row = Mapping[str, Any]
Facts = dict[str, Any]
Difference = tuple[str, str, Any, Any]
"""(element id, what differs, published, generated)."""


def facts(element: Row) -> Facts:
    """The facts of one element of a snapshot, as JSON; what says nothing is left out."""
    binding = element.get("binding")
    stated = {
        "path": element["path"],
        "min": element["min"],
        "max": element["max"],
        "base": list(element["base"].values()),
        "type": sorted(map(kind, element.get("type", ()))),
        "reference": element.get("contentReference", "").partition("#")[2],
        "binding": [binding["strength"], binding.get("valueSet")] if binding else None,
        "value": {name: value for name, value in element.items() if name.startswith(("fixed", "pattern"))},
        "constraint": sorted({one["key"] for one in element.get("constraint", ())}),
        "mustSupport": element.get("mustSupport", False),
        "isModifier": element.get("isModifier", False),
        "isSummary": element.get("isSummary", False),
    }
    return {name: value for name, value in stated.items() if value or (value == 0 and value is not False)}


def kind(type: Row) -> list[Any]:
    """A type; FHIRPath's are spelled in several ways."""
    code = "string" if type["code"].startswith(SYSTEM_TYPE) else type["code"]
    return [code, sorted(type.get("profile", ())), sorted(type.get("targetProfile", ()))]


def snapshot(rows: Iterable[Row]) -> dict[str, Facts]:
    """The facts of a snapshot by element id, in its order."""
    return {row["id"]: facts(row) for row in narrowed(list(rows))}


def narrowed(rows: list[Row]) -> list[Row]:
    """A choice that is closed to one type, in the shorter of its two spellings: the choice itself, of that type.

    `value[x]` with the one closed slice `value[x]:valueQuantity` says the same as `value[x]` of type Quantity.
    """
    for row in rows:
        slices = [one for one in rows if one["id"].startswith(row["id"] + ":") and "." not in one["id"][len(row["id"]) :]]
        if row["id"].endswith("[x]") and row.get("slicing", {}).get("rules") == "closed" and len(slices) == 1:
            rows = list(_merged(rows, row["id"], slices[0]["id"]))
    return rows


def _merged(rows: Iterable[Row], choice: str, part: str) -> Iterator[Row]:
    for row in rows:
        if row["id"] == part or row["id"].startswith(part + "."):
            yield {**row, "id": choice + row["id"][len(part) :]}
        elif row["id"] != choice:
            yield row


def differences(published: Mapping[str, Facts], generated: Mapping[str, Facts]) -> Iterator[Difference]:
    """Everything in which two snapshots differ, the order of elements too."""
    for id in published.keys() - generated.keys():
        yield id, "missing", None, None
    for id in generated.keys() - published.keys():
        yield id, "extra", None, None
    both = published.keys() & generated.keys()
    if [id for id in published if id in both] != [id for id in generated if id in both]:
        yield "", "order", None, None
    for id in sorted(both):
        for name in sorted(published[id].keys() | generated[id].keys()):
            theirs, ours = published[id].get(name), generated[id].get(name)
            if theirs != ours:
                yield id, name, theirs, ours


def main() -> None:
    """Writes the table."""
    from scripts.r4.package import resources

    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    kept = [one for one in resources(folder) if one.get("derivation") == "constraint" and one["type"] == "Observation"]
    lines = [{"url": one["url"], "snapshot": snapshot(one["snapshot"]["element"])} for one in sorted(kept, key=lambda one: one["url"])]
    DATA.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    main()
