"""The benchmark of searches finds no wrong answer, and loads the very rows that the service would write."""

import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from benchmarks.search.dataset import charts
from benchmarks.search.dataset.clinic import Clinic
from benchmarks.search.loading import copying, inserting, rows
from benchmarks.search.loading.told import LOADED
from service.fhir.document import Limits, decode
from service.records.change import Update
from service.records.commit import commit
from service.records.context import Context, Service
from service.records.register import following

_ROOT = Path(__file__).parents[2]
_CLINIC = Clinic(6)
_TOGETHER = 60


@pytest.mark.nightly
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_quick_run_finds_no_wrong_answer(database: str) -> None:
    command = [sys.executable, "-m", "benchmarks.search", "--quick", "--database", database]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "shapes are right, flat and fast" in done.stdout


def test_every_row_is_the_one_that_the_service_writes(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """The doses of the benchmark have no draws, so the register would refuse them: it is left out, for it is not what is measured."""
    monkeypatch.setattr(following, "judge", lambda *_: None)
    trees = list(charts.record(_CLINIC))
    for some in _groups(trees):
        commit(ctx, [Update(tree["resourceType"], tree["id"], decode(_bytes(tree), Limits())) for tree in some])
    stamps, numbers = _written(ctx.service)
    expected: dict[str, set[Any]] = {name: set() for name in rows.NAMES}
    for tree in trees:
        id = tree["id"]
        for name, some in rows.rows(ctx.service.registry, numbers[id], tree, stamps[id]):
            expected[name].update(some)
    assert _stored(ctx.service) == expected


def test_loading_writes_those_rows(service: Service) -> None:
    if service.database.dialect == "postgresql":
        url = service.database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        loaded = copying.copy(url, service.registry, _CLINIC)
    else:
        loaded = inserting.insert(Path(str(service.database.url.database)), service.registry, _CLINIC)
    expected: dict[str, set[Any]] = {name: set() for name in rows.NAMES}
    for number, tree in enumerate(charts.record(_CLINIC), start=1):
        for name, some in rows.rows(service.registry, number, tree, rows.nominal_stamp(tree)):
            expected[name].update(some)
    assert loaded == len(expected["resource"])
    assert _stored(service) == expected


def _groups(trees: list[Any]) -> Iterator[list[Any]]:
    remaining = iter(trees)
    while some := list(islice(remaining, _TOGETHER)):
        yield some


def _bytes(tree: Any) -> bytes:
    return rows.encoded(tree).encode()


def _written(service: Service) -> tuple[dict[str, int], dict[str, int]]:
    """The stamp and the number of every resource, by id."""
    with service.database.read() as tx:
        found = list(tx.connection.execute(text("SELECT fhir_id, last_updated, res_id FROM resource")))
    return {row.fhir_id: row.last_updated for row in found}, {row.fhir_id: row.res_id for row in found}


def _stored(service: Service) -> dict[str, set[Any]]:
    with service.database.read() as tx:
        told = set(tx.connection.scalars(text("SELECT audit_id FROM version")))
        assert told <= set(tx.connection.scalars(text("SELECT audit_id FROM audit_event")))
        found = {name: list(tx.connection.execute(text(f"SELECT * FROM {name}"))) for name in rows.NAMES}
        return {name: {tuple(LOADED if cell in told else cell for cell in row) for row in some} for name, some in found.items()}
