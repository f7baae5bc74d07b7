"""How long the gate takes: microseconds per resource, best of several rounds, of processor time, on one thread.

    python -m benchmarks.gate_bench

The resources are those of the example visit. `first` is the first check of a type, which compiles it.
"""

import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from service.fhir.definitions import load
from service.fhir.document import Limits, decode
from service.validation.check import Gate

VISIT = Path(__file__).resolve().parents[1] / "tests" / "data" / "example-visit.json"
TYPES = ("Observation", "Encounter", "MedicationAdministration")
ROUNDS = 5

Tree = Mapping[str, Any]


def main() -> None:
    """Prints a line per document."""
    began = time.process_time()
    gate = Gate(load())
    print(f"definitions read in {1000 * (time.process_time() - began):.1f} ms")
    print(f"{'document':<28} {'bytes':>8} {'first us':>9} {'us':>9}")
    for title, tree in documents():
        size = len(json.dumps(tree, default=str))
        first = microseconds(gate, tree, 1)
        best = min(microseconds(gate, tree, max(1, 500_000 // size)) for _ in range(ROUNDS))
        print(f"{title:<28} {size:>8} {first:>9.0f} {best:>9.1f}")


def documents() -> Iterable[tuple[str, Tree]]:
    """The largest resource of each type in the visit, a collection of 100 Observations, and the visit itself."""
    visit = decode(VISIT.read_bytes(), Limits()).tree
    resources = [entry["resource"] for entry in visit["entry"]]
    largest = {name: max((r for r in resources if r["resourceType"] == name), key=lambda r: len(str(r))) for name in TYPES}
    yield from largest.items()
    entries = [
        {"fullUrl": f"https://clinic.example/fhir/Observation/{number}", "resource": largest["Observation"]} for number in range(100)
    ]
    yield "Bundle of 100 Observations", {"resourceType": "Bundle", "type": "collection", "entry": entries}
    yield "the example visit", visit


def microseconds(gate: Gate, tree: Tree, count: int) -> float:
    """The mean time of one check. Raises ValueError when the document is refused: then nothing worth timing happened."""
    began = time.process_time()
    for _ in range(count):
        if found := gate.check(tree):
            raise ValueError(found[0].diagnostics)
    return 1_000_000 * (time.process_time() - began) / count


if __name__ == "__main__":
    main()
