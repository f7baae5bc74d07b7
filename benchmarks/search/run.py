"""One database kind: the clinics of all sizes are open at the same time, and every shape is asked of each in turn.

So a machine that slows down slows all sizes alike.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.search import disk, plans, report, stores, writing
from benchmarks.search.dataset.clinic import Clinic
from benchmarks.search.measure import Asked
from benchmarks.search.plans import Explained, Glass
from benchmarks.search.report import Result
from benchmarks.search.shapes.shape import Shape
from benchmarks.search.stores import Store
from benchmarks.search.world import World
from service.records.context import Service


@dataclass(frozen=True, slots=True)
class Scale:
    """How much: the numbers of patients, questions of a shape, rounds, seconds of writing (0: none)."""

    patients: Sequence[int]
    draws: int = 40
    rounds: int = 4
    seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Size:
    """A clinic of one size, open."""

    patients: int
    store: Store
    world: World
    service: Service
    glass: Glass


def run(kind: str, scale: Scale, shapes: Sequence[Shape], within: Path) -> list[Result]:
    """Measure every shape on databases of `kind`, and print what was measured."""
    with ExitStack() as stack:
        sizes = [_opened(stack, kind, patients, within) for patients in scale.patients]
        report.heading(f"{kind}: searches, milliseconds")
        report.columns(scale.patients)
        results = []
        for shape in shapes:
            results.append(_measured(shape, sizes, scale))
            report.shape(results[-1])
        report.heading(f"{kind}: on disk")
        for size in sizes:
            report.disk(size.patients, size.store.resources, disk.parts(size.store))
        report.heading(f"{kind}: writes")
        for size in sizes if scale.seconds else ():
            report.writes(size.patients, *writing.rates(size.service, size.world, scale.seconds))
        return results


def _opened(stack: ExitStack, kind: str, patients: int, within: Path) -> Size:
    clinic = Clinic(patients)
    store = stack.enter_context(stores.store(kind, clinic, within))
    if store.seconds is not None:
        print(f"{kind}: {store.resources:,} resources of {patients:,} patients loaded in {store.seconds:.0f} s", flush=True)
    service = stores.service(store.url)
    stack.callback(service.database.dispose)
    return Size(patients, store, World(clinic), service, stack.enter_context(plans.glass(store.url)))


def _measured(shape: Shape, sizes: Sequence[Size], scale: Scale) -> Result:
    asked = {size.patients: Asked(size.service, size.world, shape, scale.draws, size.store.root) for size in sizes}
    for _ in range(scale.rounds):
        for one in asked.values():
            one.round()
    explained: dict[int, Sequence[Explained]] = {}
    for size in sizes:
        one = asked[size.patients]
        explained[size.patients] = [] if one.wrong else size.glass.explain(one.asks[: 1 if shape.same else 9])
    pages = {patients: _median([one.pages for one in some]) for patients, some in explained.items()}
    return Result(shape, {patients: one.result() for patients, one in asked.items()}, pages, explained)


def _median(counts: Sequence[int | None]) -> float | None:
    known = [count for count in counts if count is not None]
    return median(known) if known else None
