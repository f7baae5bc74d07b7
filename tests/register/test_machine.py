"""Whatever a clinic does, in whatever order: the ledger is what a plain model says, nothing is negative, the record yields it again."""

from collections import Counter
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from service.records.register import rebuild
from tests.register.machine import Machine

SMALL = (4, 30)
LARGE = (200, 60)
SIZES = [pytest.param(SMALL, id="small"), pytest.param(LARGE, id="large", marks=pytest.mark.nightly)]


def run(app: Flask, client: FlaskClient, size: tuple[int, int]) -> Counter[str]:
    """Run the machine: (clinics, steps of each). What was refused, by rule."""
    refused: Counter[str] = Counter()

    class Bound(Machine):
        def teardown(self) -> None:
            refused.update(self.refused)
            super().teardown()

    Bound.app, Bound.client = app, client
    clinics, steps = size
    chosen = settings(
        max_examples=clinics,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),
    )
    run_state_machine_as_test(Bound, settings=chosen)
    assert rebuild.check(app.extensions["infusion_records"])[1] == []
    return refused


@pytest.mark.parametrize("size", SIZES)
def test_the_register_is_a_plain_model(app: Flask, client: FlaskClient, size: tuple[int, int]) -> None:
    refused: Any = run(app, client, size)
    assert refused["cs-01"]
    assert refused["cs-05"]
