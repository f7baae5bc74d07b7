"""Loading the demonstration clinic: into an empty database, to the end, and never into somebody's own."""

import pytest
from flask import Flask

from service.demo import clinic
from service.demo.load import load
from service.fhir.document import Document
from service.records.change import Create
from service.records.commit import commit
from service.records.context import Context
from service.records.find import find
from tests.access import TESTS


@pytest.fixture
def ctx(app: Flask) -> Context:
    """A context on an empty database."""
    return Context(app.extensions["infusion_records"], TESTS)


def _count(ctx: Context, type: str) -> int:
    _, page = find(ctx, type, [("_count", "1000")], lenient=False)
    return len(page.matches)


def test_a_load_that_stopped_is_finished_by_the_next(ctx: Context) -> None:
    """The next load posts what is missing and nothing twice; after that there is nothing to do."""

    def stop(done: int, _all: int) -> None:
        if done == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(ctx, stop)
    told: list[tuple[int, int]] = []
    load(ctx, lambda done, every: told.append((done, every)))
    bundles = list(clinic.bundles())
    assert told[-1] == (len(bundles), len(bundles))
    entries = [entry for bundle in bundles for entry in bundle["entry"] if "ifMatch" not in bundle["entry"][0]["request"]]
    resources = [entry["resource"]["resourceType"] for entry in entries]
    assert _count(ctx, "Encounter") == resources.count("Encounter")
    assert _count(ctx, "Patient") == 13
    load(ctx)
    assert _count(ctx, "Encounter") == resources.count("Encounter")


def test_a_database_with_patients_is_left_alone(ctx: Context) -> None:
    """Nothing is loaded beside records that are not of the demonstration."""
    commit(ctx, [Create("Patient", Document.of({"resourceType": "Patient"}))])
    assert load(ctx) == 0
    assert _count(ctx, "Encounter") == 0
