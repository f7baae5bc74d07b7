"""python -m benchmarks [--quick] [--database sqlite|postgresql|both]

Exits with 1 when the service gives a wrong answer: what is wrong is not measured.
"""

import argparse
import sys

from benchmarks import plan, profile_bench, report
from benchmarks.client import Wrong

_KINDS = ("sqlite", "postgresql")


def main() -> None:
    """Run the benchmarks that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the service with real servers on this machine.")
    parser.add_argument("--quick", action="store_true", help="a minute instead of some: whether all of it works, not how fast it is")
    parser.add_argument("--database", choices=(*_KINDS, "both"), default="both")
    asked = parser.parse_args()
    report.machine()
    profile_bench.measure()
    for kind in _KINDS if asked.database == "both" else (asked.database,):
        try:
            plan.run(kind, plan.QUICK if asked.quick else plan.Scale())
        except Wrong as error:
            sys.exit("\n".join((f"wrong answer: {error}", *error.__notes__)))


if __name__ == "__main__":
    main()
