"""python -m benchmarks.register [--quick] [--database sqlite|postgresql|both]

What posting a draw and a waste costs, on both databases. Exits with 1 when an answer is wrong.
"""

import argparse
import sys

from benchmarks import report
from benchmarks.client import Wrong
from benchmarks.register import posting
from benchmarks.register.posting import AIM, Compared, Scale

_KINDS = ("sqlite", "postgresql")
_QUICK = Scale(rounds=2, requests=8)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.register", description="What the register of controlled substances costs.")
    parser.add_argument("--quick", action="store_true", help="whether all of it works, not what it costs")
    parser.add_argument("--database", choices=(*_KINDS, "both"), default="both")
    asked = parser.parse_args()
    report.machine()
    for kind in _KINDS if asked.database == "both" else (asked.database,):
        report.heading(f"{kind}: posting to the register, against a plain MedicationAdministration")
        try:
            for one in posting.compare(kind, _QUICK if asked.quick else Scale()):
                _told(one)
        except Wrong as error:
            sys.exit("\n".join((f"wrong answer: {error}", *error.__notes__)))


def _told(one: Compared) -> None:
    for of, what in (("waited", "time of an answer"), ("cpu", "processor time")):
        ratios = one.ratios(of)
        own, plain = (sorted(getattr(cost[side], of) for cost in one.rounds)[len(one.rounds) // 2] for side in (0, 1))
        middle = ratios[len(ratios) // 2]
        verdict = f"aim {AIM}: {'met' if middle <= AIM else 'MISSED'}"
        report.fact(
            f"{one.name}, {what}", f"{middle:.2f} ({ratios[0]:.2f} - {ratios[-1]:.2f}) x: {own:.1f} ms against {plain:.1f} ms; {verdict}"
        )


if __name__ == "__main__":
    main()
