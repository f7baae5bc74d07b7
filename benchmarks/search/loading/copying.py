"""Rows into PostgreSQL by COPY, from as many processes as there are cores, each extracting its own share of the visits.

https://www.postgresql.org/docs/current/sql-copy.html
"""

import multiprocessing
import re
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

import psycopg

from benchmarks.search.dataset import charts
from benchmarks.search.dataset.clinic import Clinic, Visit
from benchmarks.search.dataset.elements import Json
from benchmarks.search.dataset.premises import premises
from benchmarks.search.loading import rows, told
from service.search.parameter import Registry

PROCESSES = 2
_VISITS_OF_A_SHARE = 150
_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}


def copy(url: str, registry: Registry, clinic: Clinic) -> int:
    """Load the clinic into empty tables; how many resources there are then."""
    told.tell(url)
    shared = list(premises(clinic))
    shares = [clinic.visits[start : start + _VISITS_OF_A_SHARE] for start in range(0, len(clinic.visits), _VISITS_OF_A_SHARE)]
    firsts = list(accumulate((sum(map(charts.size, share)) for share in shares), initial=len(shared) + 1))
    with psycopg.connect(url) as connection:
        _write(connection, registry, enumerate(shared, start=1))
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_work, args=(url, registry, clinic, shares, firsts, turn)) for turn in range(PROCESSES)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        raise RuntimeError("a loading process failed")
    with psycopg.connect(url) as connection:
        connection.execute("SELECT setval('resource_res_id_seq', %s)", (firsts[-1] - 1,))
    return firsts[-1] - 1


def _work(url: str, registry: Registry, clinic: Clinic, shares: Sequence[Sequence[Visit]], firsts: Sequence[int], turn: int) -> None:
    with psycopg.connect(url) as connection:
        for number in range(turn, len(shares), PROCESSES):
            trees = (tree for visit in shares[number] for tree in charts.chart(clinic, visit))
            _write(connection, registry, enumerate(trees, start=firsts[number]))
            connection.commit()


def _write(connection: psycopg.Connection[Any], registry: Registry, numbered: Iterable[tuple[int, Json]]) -> None:
    lines: dict[str, list[str]] = {name: [] for name in rows.NAMES}
    for res_id, tree in numbered:
        for name, some in rows.rows(registry, res_id, tree, rows.nominal_stamp(tree)):
            lines[name] += ["\t".join(map(_field, row)) for row in some]
    for name, some in lines.items():
        if some:
            with connection.cursor().copy(f"COPY {name} FROM STDIN") as into:
                into.write("\n".join(some) + "\n")


def _field(value: Any) -> str:
    if type(value) is str:
        return _SPECIAL.sub(lambda found: _ESCAPES[found[0]], value) if _SPECIAL.search(value) else value
    return "\\N" if value is None else str(value)
