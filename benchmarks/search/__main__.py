"""python -m benchmarks.search [--patients 1000,8000,64000] [--database sqlite|postgresql] [--shapes name,...] [--keep DIR] [--quick]

Exits with 1 when an answer is wrong, or a large table is read from end to end by a shape that may not.
"""

import argparse
import json
import sys
from pathlib import Path

from benchmarks import report as lines
from benchmarks.search import report, run, shapes, stores
from benchmarks.search.report import Result
from benchmarks.search.run import Scale

_KINDS = ("sqlite", "postgresql")
_MOST_ON_SQLITE = 8000
_QUICK = Scale((150, 300), draws=4, rounds=1, seconds=0.3)


def main() -> None:
    """Run the benchmark that the command line asks for."""
    asked = _arguments().parse_args()
    chosen = [one for one in shapes.ALL if not asked.shapes or one.name in asked.shapes.split(",")]
    lines.machine()
    failed = False
    with stores.folder(asked.keep) as within:
        for kind in [asked.database] if asked.database else _KINDS:
            scale = _QUICK if asked.quick else Scale(_sizes(asked.patients, kind), asked.draws, asked.rounds, asked.seconds)
            results = run.run(kind, scale, chosen, within)
            report.heading(f"{kind}: against the goal")
            report.summary(results)
            failed |= any(miss.startswith(("wrong", "reads all")) for one in results for miss in one.misses())
            _save(asked, kind, results)
    sys.exit(1 if failed else 0)


def _sizes(text: str, kind: str) -> list[int]:
    sizes = sorted(int(one) for one in text.split(","))
    return [size for size in sizes if kind == "postgresql" or size <= _MOST_ON_SQLITE]


def _save(asked: argparse.Namespace, kind: str, results: list[Result]) -> None:
    if asked.save:
        asked.save.with_suffix(f".{kind}.json").write_text(json.dumps([report.plain(one) for one in results], indent=1))
    if asked.plans:
        asked.plans.mkdir(parents=True, exist_ok=True)
        for one in results:
            for size, some in one.explained.items():
                if some:
                    (asked.plans / f"{kind}-{one.shape.name}-{size}.txt").write_text(some[-1].text() + "\n")


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search", description="Measure how search changes while the record grows.")
    parser.add_argument("--patients", default="1000,8000,64000", help="the sizes; SQLite is measured up to 8000")
    parser.add_argument("--database", choices=_KINDS, help="one of the two instead of both")
    parser.add_argument("--shapes", help="only these, by name, separated by commas")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the loaded databases here, and use those that are here")
    parser.add_argument("--plans", type=Path, metavar="DIR", help="write the statements and plans of every shape here")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the figures here, as JSON")
    parser.add_argument("--draws", type=int, default=40, help="different questions of a shape")
    parser.add_argument("--rounds", type=int, default=4, help="how often each is asked with the clock running")
    parser.add_argument("--seconds", type=float, default=5.0, help="of writing, 0 for none")
    parser.add_argument("--quick", action="store_true", help="a few patients: whether all of it works, not how fast it is")
    return parser


if __name__ == "__main__":
    main()
