"""The lines of the report: a shape a line, a size a group of columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.search.disk import Part
from benchmarks.search.measure import Times
from benchmarks.search.plans import Explained
from benchmarks.search.shapes.shape import Shape

FLAT = 1.35
SLOW_MILLISECONDS = 100
JUDGED = 8000
"""The size at which a shape may not be slow."""
_NAME = 32


@dataclass(frozen=True, slots=True)
class Result:
    """One shape: times and pages by size, and the plans of the largest."""

    shape: Shape
    times: Mapping[int, Times]
    pages: Mapping[int, float | None]
    explained: Mapping[int, Sequence[Explained]]

    @property
    def wrong(self) -> str | None:
        """The first thing that is wrong with an answer."""
        return next((f"{size:,} patients: {one.wrong}" for size, one in self.times.items() if one.wrong), None)

    @property
    def growth(self) -> float:
        """p50 at the largest size by that at the smallest."""
        sizes = sorted(self.times)
        return self.times[sizes[-1]].percentile(0.5) / self.times[sizes[0]].percentile(0.5)

    @property
    def cpu_growth(self) -> float:
        """The same for the CPU time of service and database, which a busy machine disturbs less."""
        sizes = sorted(self.times)
        return self.times[sizes[-1]].cpu / (self.times[sizes[0]].cpu or 0.001)

    @property
    def pages_growth(self) -> float | None:
        """The same for the pages that the database touched."""
        sizes = sorted(self.pages)
        first, last = self.pages[sizes[0]], self.pages[sizes[-1]]
        return last / first if first and last else None

    def misses(self) -> list[str]:
        """What is not as it should be, in words."""
        if self.wrong:
            return [f"wrong: {self.wrong}"]
        found = []
        if self.shape.bounded and self.growth > FLAT:
            found.append(f"grows {self.growth:.2f}x")
        found += [f"slow at {size:,}" for size, one in self.times.items() if size <= JUDGED and one.percentile(0.95) > SLOW_MILLISECONDS]
        scanned = sorted({table for some in self.explained.values() for one in some for table in one.scanned})
        if scanned and self.shape.scans is None:
            found.append(f"reads all of {', '.join(scanned)}")
        return found


def heading(text: str) -> None:
    """A section."""
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


def columns(sizes: Sequence[int]) -> None:
    """The names of the columns of `shape`."""
    groups = " ".join(f"{f'{size:,}':>9}: p50     p95    cpu  pages |" for size in sizes)
    print(f"{'':{_NAME}}|{groups}  p50 x  cpu x  pages x")


def shape(result: Result) -> None:
    """One shape."""
    if result.wrong:
        print(f"{result.shape.name:{_NAME}}| WRONG at {result.wrong[:400]}", flush=True)
        return
    groups = " ".join(_group(result.times[size], result.pages[size]) for size in sorted(result.times))
    pages = f"{result.pages_growth:7.2f}" if result.pages_growth else "      -"
    told = "; ".join([*([] if result.shape.bounded else ["grows by nature"]), *result.misses()])
    print(f"{result.shape.name:{_NAME}}|{groups} {result.growth:6.2f} {result.cpu_growth:6.2f} {pages}  {told}", flush=True)


def _group(times: Times, pages: float | None) -> str:
    counted = f"{pages:6.0f}" if pages is not None else "     -"
    return f"{times.percentile(0.5):14.2f} {times.percentile(0.95):7.2f} {times.cpu:6.2f} {counted} |"


def disk(size: int, resources: int, parts: Sequence[Part]) -> None:
    """Bytes a resource, by table and index."""
    together = sum(part.size for part in parts)
    print(f"{size:,} patients, {resources:,} resources: {together / 2**20:,.0f} MiB, {together / resources:,.0f} bytes a resource")
    for part in parts:
        name = f"  {part.index}" if part.index else part.table
        print(f"    {name:44} {part.size / resources:8.0f} bytes a resource {part.size / 2**20:10,.1f} MiB")


def writes(size: int, single: float, batch: float) -> None:
    """Resources a second."""
    print(f"{size:,} patients: {single:,.0f} single creates a second, {batch:,.0f} resources a second in batches", flush=True)


def summary(results: Sequence[Result]) -> list[str]:
    """What misses, and how many did not; the lines about misses."""
    missed = [f"{one.shape.name}: {'; '.join(one.misses())}" for one in results if one.misses()]
    print(f"{len(results) - len(missed)} of {len(results)} shapes are right, flat and fast")
    for line in missed:
        print("  " + line)
    return missed


def plain(result: Result) -> dict[str, Any]:
    """The figures of a shape as JSON."""
    times = {
        str(size): {"p50": one.percentile(0.5), "p95": one.percentile(0.95), "cpu": one.cpu, "pages": result.pages[size]}
        for size, one in result.times.items()
        if not one.wrong
    }
    return {"shape": result.shape.name, "times": times, "misses": result.misses()}
