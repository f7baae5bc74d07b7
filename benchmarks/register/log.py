"""python -m benchmarks.register.log [--quick] [--database postgresql|sqlite] [--times N]

How long the administration log of two years takes, in each format, with the service as delivered: about 50,000 administrations.
"""

import argparse
import http.client
import json
import statistics
import sys
import time
from dataclasses import dataclass, replace

from benchmarks import processes, report, servers
from benchmarks.client import Wrong
from benchmarks.register.copies import multiply
from benchmarks.register.loading import load
from service.demo.years import Years
from service.records.clients import Registration
from tests import access

_PERIOD = "start=2000-01-01&end=2026-11-30"
_AIMS = {"json": 1.0, "csv": 1.0, "pdf": 10.0}
"""Seconds that an answer may take on PostgreSQL."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Working days that are loaded, how often they are there in the end, and how often each format is asked for."""

    days: int = 10
    copies: int = 50
    times: int = 5


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.register.log", description="How long the administration log takes.")
    parser.add_argument("--quick", action="store_true", help="whether all of it works, not how fast it is")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="postgresql")
    parser.add_argument("--times", type=int, help="how often each format is asked for")
    asked = parser.parse_args()
    scale = Scale(1, 2, 1) if asked.quick else Scale()
    report.machine()
    try:
        _measure(asked.database, replace(scale, times=asked.times or scale.times))
    except Wrong as error:
        sys.exit(f"wrong answer: {error}")


def _measure(kind: str, scale: Scale) -> None:
    with servers.store(kind) as store:
        load(store.url, Years(days=scale.days))
        count = multiply(store.url, scale.copies)
        report.heading(f"{kind}: the administration log of {count:,} administrations")
        with servers.service(store) as running:
            auditor = access.token_on(store.url, f"http://127.0.0.1:{running.peer.port}/fhir", Registration("auditor", role="auditor"))
            for name in ("json", "csv", "xlsx", "pdf"):
                _ask(running, auditor, name, (count, scale.times))


def _ask(running: servers.Running, token: str, name: str, counts: tuple[int, int]) -> None:
    """Ask for a format; `counts` are the rows that it must have, and how often it is asked for."""
    count, times = counts
    seconds, size = [], 0
    before = processes.read(running.groups())
    for _ in range(times):
        status, body, took = _fetched(running.peer.port, token, f"/fhir/$cs-administration-log?{_PERIOD}&_format={name}")
        _require(name, status, body, count)
        seconds.append(took)
        size = len(body)
    after = processes.read(running.groups())
    spent = ", ".join(f"{group} {(after.groups[group] - before.groups[group]) / times:.2f} s" for group in after.groups)
    aim = f", aim {_AIMS[name]:g} s" if name in _AIMS else ""
    busy = processes.others(before, after, 0.0)
    best, middle = min(seconds), statistics.median(seconds)
    told = f"best {best:.2f} s, median {middle:.2f} s of {times}{aim} | {size / 2**20:.0f} MiB | CPU: {spent} | others {busy:.0%}"
    report.fact(name, told)


def _fetched(port: int, token: str, path: str) -> tuple[int, bytes, float]:
    """The whole answer, over a connection of its own: status, body and seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    started = time.perf_counter()
    connection.request("GET", path, headers=access.bearer(token))
    answer = connection.getresponse()
    body = answer.read()
    took = time.perf_counter() - started
    connection.close()
    return answer.status, body, took


def _require(name: str, status: int, body: bytes, count: int) -> None:
    """Raises Wrong unless the answer has every row."""
    if status != 200:
        raise Wrong(f"{name}: {status} {body[:300]!r}")
    if name == "json" and body.count(b'{"name":"row","part":[') != count:
        raise Wrong(f"json has {len(json.loads(body)['parameter'])} parameters instead of {count} rows")
    if name == "csv" and body.count(b"\r\nMedicationAdministration/") != count:
        raise Wrong(f"csv has not {count} rows")
    if name in ("pdf", "xlsx") and body[:2] not in (b"%P", b"PK"):
        raise Wrong(f"{name} is none")


if __name__ == "__main__":
    main()
