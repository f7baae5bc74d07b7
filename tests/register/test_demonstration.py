"""The demonstration goes into the register without a refusal, and shows an auditor what it is meant to show and nothing else."""

from collections import Counter

import pytest
from flask import Flask

from service.demo.load import load
from service.ledger.entry import Entry
from service.records.context import Context, Service
from service.records.find import find
from service.records.register import rebuild
from service.storage import ledger
from tests.access import TESTS


@pytest.fixture
def service(app: Flask) -> Service:
    found: Service = app.extensions["infusion_records"]
    return found


def test_the_demonstration_is_a_register(service: Service) -> None:
    ctx = Context(service, TESTS)
    load(ctx)
    with service.database.read() as tx:
        lines = [Entry(*tuple(row)) for row in ledger.lines(tx, ledger.Asked())]
        vials = ledger.known(tx)
    kinds = Counter((line.kind, line.flags) for line in lines)
    marked = {key: count for key, count in kinds.items() if key[1]}
    assert marked == {
        ("given", "late"): 1,
        ("opened", "unreceived"): 1,
        ("wasted", "amended"): 1,
        ("wasted", "unwitnessed"): 1,
    }
    assert [line.amount_ug for line in lines if line.kind == "unaccounted"] == [50]
    assert kinds["received", ""] == len(vials) - 1
    assert min(vial.remaining_ug for vial in vials) == 0
    assert opened(ctx, "DetectedIssue", "cs-discrepancy") == 2
    assert opened(ctx, "Task") == 1
    assert rebuild.check(service)[1] == []


def opened(ctx: Context, type: str, code: str | None = None) -> int:
    """How many there are."""
    _, page = find(ctx, type, [*([("code", code)] if code else []), ("_count", "50")], lenient=False)
    return len(page.matches)
