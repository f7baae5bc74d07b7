"""python -m benchmarks.access [--quick] [--database sqlite|postgresql|both] [--pairs N]

Exits with 1 when an answer is wrong: what is wrong is not measured.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from benchmarks import plan, report, servers
from benchmarks.access import loads, pairs
from benchmarks.access.pairs import Comparison, Scale
from benchmarks.client import Wrong
from benchmarks.search import stores
from benchmarks.search.dataset.clinic import Clinic
from benchmarks.search.world import World
from benchmarks.servers import Store

_KINDS = ("sqlite", "postgresql")
_QUICK = Scale(pairs=2, seconds=0.4, warm_up=0.1)
_NAME = 54


def main() -> None:
    """Run the comparison that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.access", description="What authentication, restriction and audit cost.")
    parser.add_argument("--quick", action="store_true", help="whether all of it works, not what it costs")
    parser.add_argument("--database", choices=(*_KINDS, "both"), default="both")
    parser.add_argument("--pairs", type=int, help="rounds of each side")
    asked = parser.parse_args()
    scale = _QUICK if asked.quick else Scale()
    scale = replace(scale, pairs=asked.pairs) if asked.pairs else scale
    visits, patients = (100, 150) if asked.quick else (500, 1000)
    report.machine()
    for kind in _KINDS if asked.database == "both" else (asked.database,):
        try:
            _compared(kind, scale, visits, patients)
        except Wrong as error:
            sys.exit("\n".join((f"wrong answer: {error}", *error.__notes__)))


def _compared(kind: str, scale: Scale, visits: int, patients: int) -> None:
    report.heading(f"{kind}: with authentication, restriction and audit, and without")
    print(f"{'':{_NAME}} clients  req/s with  without | times as long (in pairs)  | times the CPU time         | aim", flush=True)
    found = [*_printed(_of_the_record(kind, scale, visits)), *_printed(_of_searches(kind, scale, patients))]
    if kind == "postgresql":
        missed = [one.load.name for one in found if _middle(one.ratios()) > loads.AIMS[one.load.kind]]
        print(f"{len(found) - len(missed)} of {len(found)} are within their aims" + (f"; not: {', '.join(missed)}" if missed else ""))


def _of_the_record(kind: str, scale: Scale, visits: int) -> Iterator[Comparison]:
    """Questions and writes, each side on a database of its own with the same records."""
    with ExitStack() as stack:
        guarded, bare = (
            stack.enter_context(side(stack.enter_context(servers.store(kind)))) for side in (servers.service, servers.unguarded)
        )
        for running in (guarded, bare):
            plan.load(running, 0, visits)
        for load in loads.questions(guarded.base, visits):
            yield pairs.compare(guarded, bare, load, scale)


def _of_searches(kind: str, scale: Scale, patients: int) -> Iterator[Comparison]:
    """Shapes of searches, both sides on one database."""
    clinic = Clinic(patients)
    with ExitStack() as stack:
        folder = stack.enter_context(stores.folder(None))
        loaded = stack.enter_context(stores.store(kind, clinic, folder))
        stores.service(loaded.url).database.dispose()
        store = Store(loaded.url, (Path(folder),), loaded.root)
        guarded, bare = (stack.enter_context(side(store)) for side in (servers.service, servers.unguarded))
        for load in loads.shapes(guarded.base, guarded.peer, World(clinic)):
            yield pairs.compare(guarded, bare, load, scale)


def _printed(found: Iterator[Comparison]) -> Iterator[Comparison]:
    for one in found:
        guarded, bare = one.rates()
        aim = loads.AIMS[one.load.kind]
        verdict = f"{aim:.2f} {'met' if _middle(one.ratios()) <= aim else 'MISSED'}"
        spans = " | ".join(f"{_middle(some):5.2f} ({some[0]:5.2f} - {some[-1]:5.2f})    " for some in (one.ratios(), one.cpu_ratios()))
        print(f"{one.load.name:{_NAME}} {one.load.clients:7} {guarded:11.0f} {bare:8.0f} |    {spans} | {verdict}", flush=True)
        yield one


def _middle(ratios: list[float]) -> float:
    return ratios[len(ratios) // 2]


if __name__ == "__main__":
    main()
