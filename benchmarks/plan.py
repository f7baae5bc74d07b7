"""One database from empty to full: what is loaded, asked, written and compared, in this order."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks import clinic, hostile, limits, processes, report, servers
from benchmarks.client import Sample, Wrong, drive, once
from benchmarks.questions import Question, all_questions
from benchmarks.servers import Running, Store
from benchmarks.writes import BATCH, Work, all_works

_COMPARED = ("read by id", "vitals of a patient by code since a date, newest 50")
_ROWS_COMPARED = 1000


@dataclass(frozen=True, slots=True)
class Scale:
    """How much and how long: the visits of the small and the large clinic, seconds of each load, and of its warm-up."""

    small: int = 500
    large: int = 5000
    seconds: float = 5.0
    warm_up: float = 1.0


QUICK = Scale(small=100, large=300, seconds=0.6, warm_up=0.2)


def run(kind: str, scale: Scale) -> None:
    """Measure the service on a database of `kind`. Raises Wrong for the first answer that is not what it must be."""
    with servers.store(kind) as store, servers.service(store) as running:
        report.heading(f"{kind}: {scale.small * clinic.RESOURCES_OF_A_VISIT:,} resources")
        load(running, 0, scale.small)
        report.columns()
        _ask(running, scale.small, scale)
        report.heading(f"{kind}: {scale.large * clinic.RESOURCES_OF_A_VISIT:,} resources")
        load(running, scale.small, scale.large)
        report.columns()
        rates = _ask(running, scale.large, scale)
        _compare_reads(running, scale, rates)
        report.heading(f"{kind}: writes, into {scale.large * clinic.RESOURCES_OF_A_VISIT:,} resources")
        report.columns()
        rates = {(work.name, work.clients): _work(running, work, scale) for work in all_works(running.base, scale.large)}
        _compare_writes(store, scale, rates)
        report.resident(processes.memory(running.root))
        report.heading(f"{kind}: hostile bodies")
        for refusal in hostile.refusals(running.peer, running.base):
            report.refusal(refusal)


def load(running: Running, first: int, last: int) -> None:
    """Load the visits from `first` to `last` with the service's own command, while it runs."""
    assert running.store
    with tempfile.TemporaryDirectory(prefix="infusion-bench-") as folder:
        file = Path(folder) / "visits.ndjson"
        lines = [json.dumps(one, separators=(",", ":")) for one in clinic.resources(first, last)]
        file.write_text("\n".join(lines) + "\n")
        size = file.stat().st_size
        before = processes.read(running.groups())
        done = servers.command(running.environment, "import", str(file))
        after = processes.read(running.groups())
    database = after.groups.get("database", 0) - before.groups.get("database", 0)
    spent = f"CPU us a resource: command {done.cpu / len(lines) * 1e6:.0f}, database {database / len(lines) * 1e6:.0f}"
    report.fact("import", f"{len(lines) / done.seconds:.0f} resources/s: {len(lines):,} in {done.seconds:.1f} s, {spent}")
    disk = servers.disk_bytes(running.store)
    report.fact("on disk", f"{disk / 2**20:.1f} MiB; the last file held {size / 2**20:.1f} MiB, {size / len(lines):,.0f} bytes a resource")


def _ask(running: Running, visits: int, scale: Scale) -> dict[tuple[str, int], float]:
    return {(one.name, one.clients): _question(running, one, scale) for one in all_questions(running.base, visits)}


def _question(running: Running, question: Question, scale: Scale) -> float:
    drive(running.peer, question.requests(), question.clients, scale.warm_up)
    before = processes.read(running.groups())
    sample = drive(running.peer, question.requests(), question.clients, scale.seconds)
    report.measured(question.name, question.clients, sample, before, processes.read(running.groups()))
    return sample.rate


def _work(running: Running, work: Work, scale: Scale) -> float:
    """Resources written a second."""
    drive(running.peer, work.requests(), work.clients, scale.warm_up)
    before = processes.read(running.groups())
    sample: Sample = drive(running.peer, work.requests(), work.clients, scale.seconds)
    name = work.name if work.resources == 1 else f"{work.name}, {work.resources} entries: {sample.rate * work.resources:,.0f} resources/s"
    report.measured(name, work.clients, sample, before, processes.read(running.groups()))
    return sample.rate * work.resources


def _compare_reads(running: Running, scale: Scale, rates: dict[tuple[str, int], float]) -> None:
    """The same bytes from a bare WSGI application under the same gunicorn settings."""
    for question in all_questions(running.base, scale.large):
        if question.name in _COMPARED:
            status, body, _ = once(running.peer, question.variants[0])
            if status != 200:
                raise Wrong(f"{question.name}: {status}")
            limit = _bare(running, question, body, scale)
            ours = rates[question.name, question.clients]
            report.fact(
                f"{question.name}: the limit", f"{limit:.0f} req/s for the same {len(body):,} bytes; the service reaches {ours / limit:.0%}"
            )


def _bare(running: Running, question: Question, body: bytes, scale: Scale) -> float:
    with servers.bare(body, running) as server:
        requests = Question(question.name, question.clients, question.variants[:1]).requests()
        drive(server.peer, requests, question.clients, scale.warm_up)
        return drive(server.peer, requests, question.clients, scale.seconds).rate


def _compare_writes(store: Store, scale: Scale, rates: dict[tuple[str, int], float]) -> None:
    """The rows that the service wrote last, inserted by the driver alone."""
    batches, singles = (limits.written(store, _ROWS_COMPARED, size) for size in (BATCH, 1))
    wide = 1 if store.root is None else 8
    compared = [("create one Observation", 1, singles, 1), ("create one Observation", wide, singles, 1)][: 1 if wide == 1 else 2]
    for name, connections, groups, size in (*compared, ("batch of Observations", 4, batches, BATCH)):
        limit = limits.rate(store, groups, 1 if store.root is None else connections, scale.seconds) * size
        told = f"{limit:,.0f} resources/s as bare INSERTs over {connections if store.root else 1} connections"
        report.fact(f"{name}: the limit", f"{told}; the service reaches {rates[name, connections] / limit:.0%}")
