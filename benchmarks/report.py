"""The lines of the report, for people: fixed columns, one measurement a line."""

import os
import platform
from datetime import UTC, datetime

from benchmarks.client import Sample
from benchmarks.hostile import Refusal
from benchmarks.processes import Memory, Reading, others

_NAME = 54


def heading(text: str) -> None:
    """A section."""
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


def machine() -> None:
    """What the figures were measured on, and how busy it was before."""
    load = os.getloadavg()[0]
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, Python {platform.python_version()}, load before: {load:.1f}")


def columns() -> None:
    """The names of the columns that `measured` fills."""
    print(f"{'':{_NAME}} clients   req/s     p50     p95     p99 ms | CPU us a request: service database worker client | others")


def measured(name: str, clients: int, sample: Sample, before: Reading, after: Reading) -> None:
    """One load: rate, latencies, what each part spent on a request, and the share of the machine that others took."""
    requests = len(sample.latencies)
    spent = {group: (after.groups[group] - before.groups[group]) / requests * 1e6 for group in after.groups}
    p50, p95, p99 = (sample.percentile(share) * 1000 for share in (0.50, 0.95, 0.99))
    print(
        f"{name:{_NAME}} {clients:7} {sample.rate:7.0f} {p50:7.2f} {p95:7.2f} {p99:7.2f}    |"
        f" {spent['service']:25.0f} {spent.get('database', 0):8.0f} {spent.get('worker', 0):6.0f} {sample.client_cpu / requests * 1e6:6.0f}"
        f" | {others(before, after, sample.client_cpu):5.0%}",
        flush=True,
    )


def fact(name: str, text: str) -> None:
    """A single figure."""
    print(f"{name:{_NAME}} {text}", flush=True)


def resident(memory: Memory) -> None:
    """Memory of the service."""
    fact("memory of the service", f"{memory.largest / 2**20:.0f} MiB in the largest process, {memory.together / 2**20:.0f} MiB in all")


def refusal(one: Refusal) -> None:
    """How quickly a hostile body was refused."""
    fact(f"refused: {one.name}", f"{one.status} after at most {one.seconds * 1000:.1f} ms ({one.size:,} bytes)")
