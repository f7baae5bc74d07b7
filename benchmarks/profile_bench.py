"""What profiles cost: the gate with the profiles of a document, against the gate that knows R4 alone, in one process on one thread.

    python -m benchmarks.profile_bench

The documents are valid examples of the clinic's profiles. Both gates check the same bytes in turn, so that a busy machine disturbs both;
the figure is the best round of each, in processor time. `compiled` is the first check under a profile: its differentials are merged,
its rules compiled, its value sets read.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import report
from service.fhir import library
from service.fhir.definitions import load
from service.fhir.document import Limits, decode
from service.validation.check import Gate
from service.validation.profile.hold import Holder

EXAMPLES = Path(__file__).resolve().parents[1] / "fhir_profiles" / "examples" / "valid"
FIRST = "infusion-blood-pressure--bp-baseline"
"""The document that the aim speaks of: a vital sign of 2 KB that claims the clinic's profile and R4's."""
OTHERS = (
    "infusion-heart-rate--hr-ecg",
    "infusion-oxygen-saturation--spo2-monitor",
    "infusion-pump-flow--flow-start",
    "monitoring-scale--nausea-during",
    "mood-assessment--phq9-before",
    "ketamine-infusion-administration--mood",
)
AIM = 5
ROUNDS = 15
CHECKS = 40

Tree = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cost:
    """One document: its size, milliseconds of the first check, microseconds of a check without and with profiles."""

    name: str
    size: int
    compiled_ms: float
    base_us: float
    profiled_us: float

    @property
    def ratio(self) -> float:
        """How many times the base gate the gate with profiles takes."""
        return self.profiled_us / self.base_us


def main() -> None:
    """Print the memory of the library and a line per document."""
    report.machine()
    measure()


def measure() -> None:
    """The section of the report about profiles. Raises ValueError when a document is refused: then nothing worth timing happened."""
    report.heading("profiles: the gate with them against the gate of R4 alone")
    definitions = load()
    plain = Gate(definitions)
    before, began = _resident_bytes(), time.process_time()
    known = library.load()
    holder = Holder(definitions, known)
    loaded = f"{1000 * (time.process_time() - began):.0f} ms, {(_resident_bytes() - before) / 2**20:.1f} MiB"
    report.fact("library read", f"{loaded}: {', '.join(sorted(str(one) for one in known.packages()))}")
    held = Gate(definitions, holder)
    print(f"{'document':<54} {'bytes':>6} {'compiled ms':>12} {'R4 us':>8} {'profile us':>11} {'times':>6}")
    for name in (FIRST, *(one for one in OTHERS if (EXAMPLES / f"{one}.json").exists())):
        _told(cost(name, plain, held))
    report.fact("memory after all of them", f"{(_resident_bytes() - before) / 2**20:.1f} MiB more than before the library was read")


def cost(name: str, plain: Gate, held: Gate) -> Cost:
    """What an example costs. Raises ValueError when a gate finds an error in it."""
    tree = decode((EXAMPLES / f"{name}.json").read_bytes(), Limits()).tree
    _seconds(plain.check, tree, 1)
    compiled = _seconds(held.check, tree, 1)
    rounds = [(_seconds(plain.check, tree, CHECKS), _seconds(held.check, tree, CHECKS)) for _ in range(ROUNDS)]
    base, profiled = (min(column) / CHECKS for column in zip(*rounds, strict=True))
    return Cost(name, len(json.dumps(tree, default=str)), 1000 * compiled, 1e6 * base, 1e6 * profiled)


def _told(one: Cost) -> None:
    aim = f"   (aim: {AIM})" if one.name == FIRST else ""
    print(f"{one.name:<54} {one.size:>6} {one.compiled_ms:>12.1f} {one.base_us:>8.0f} {one.profiled_us:>11.0f} {one.ratio:>6.1f}{aim}")


def _seconds(check: Callable[[Any], list[Any]], tree: Tree, count: int) -> float:
    began = time.process_time()
    for _ in range(count):
        found = check(tree)
    spent = time.process_time() - began
    if any(issue.severity == "error" for issue in found):
        raise ValueError(found[0].diagnostics)
    return spent


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


if __name__ == "__main__":
    main()
