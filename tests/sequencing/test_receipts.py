"""A write's receipt is proven over HTTP, and the newest checkpoint is there for everybody."""

import base64

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.audit import checkpoint, tree
from service.records.context import Service
from tests.access import admitted
from tests.sequencing.trails import ORIGIN, SIGNER, Worker


@pytest.fixture
def worker(app: Flask) -> Worker:
    """The sequencer of the application's database."""
    parts: Service = app.extensions["infusion_records"]
    return Worker(parts.database)


@pytest.fixture
def api(app: Flask) -> FlaskClient:
    """Sends requests with a token."""
    return admitted(app)


def _receipt(api: FlaskClient) -> tuple[str, bytes]:
    answer = api.post("/fhir/Patient", json={"resourceType": "Patient"})
    assert answer.status_code == 201
    audit_id, _, leaf = answer.headers["X-Audit-Entry"].partition(";leaf=")
    return audit_id, base64.b64decode(leaf)


def test_a_receipt_is_proven_within_five_seconds(api: FlaskClient, worker: Worker) -> None:
    """By the clock of the worker. The proof is checked as its holder would: with the receipt and the public key alone."""
    worker.sign()
    for _ in range(5):
        audit_id, leaf = _receipt(api)
        written = worker.watch.seconds
        while (answer := api.get("/audit/proof", query_string={"entry": audit_id})).status_code == 503:
            assert answer.headers["Retry-After"]
            worker.turn()
        assert worker.watch.seconds - written <= 5
        told = answer.json
        assert answer.content_type == "application/json"
        assert told
        assert (told["entry"], base64.b64decode(told["leaf"])) == (audit_id, leaf)
        point = checkpoint.read(told["checkpoint"], [SIGNER.key], ORIGIN)
        path = [base64.b64decode(one) for one in told["proof"]]
        assert point.size == told["size"]
        assert tree.is_included(leaf, told["index"], point.size, path, point.root)
        assert not tree.is_included(tree.leaf_hash(b"s" * 16, b"{}"), told["index"], point.size, path, point.root)


def test_every_entry_can_be_proven(api: FlaskClient, worker: Worker) -> None:
    receipts = [_receipt(api) for _ in range(21)]
    worker.sign()
    for audit_id, leaf in receipts:
        told = api.get("/audit/proof", query_string={"entry": audit_id}).json
        assert told
        point = checkpoint.read(told["checkpoint"], [SIGNER.key], ORIGIN)
        assert tree.is_included(leaf, told["index"], point.size, [base64.b64decode(one) for one in told["proof"]], point.root)


def test_a_proof_is_for_who_is_known(app: Flask, api: FlaskClient, worker: Worker) -> None:
    audit_id, _ = _receipt(api)
    worker.sign()
    refused = app.test_client().get("/audit/proof", query_string={"entry": audit_id})
    assert (refused.status_code, refused.json and refused.json["resourceType"]) == (401, "OperationOutcome")
    assert refused.headers["WWW-Authenticate"].startswith("Bearer ")


@pytest.mark.parametrize(("asked", "status"), [("", 400), ("entry=", 400), (f"entry={'x' * 65}", 400), ("entry=nowhere", 404)])
def test_a_question_that_cannot_be_answered_is_told(api: FlaskClient, asked: str, status: int) -> None:
    answer = api.get(f"/audit/proof?{asked}")
    assert answer.status_code == status
    assert answer.json
    assert "X-Audit-Entry" in answer.json["issue"][0]["diagnostics"]


def test_the_newest_checkpoint_is_public(app: Flask, worker: Worker) -> None:
    anybody = app.test_client()
    assert anybody.get("/audit/checkpoint").status_code == 404
    for _ in range(2):
        worker.beat()
        newest = worker.sign()
        answer = anybody.get("/audit/checkpoint")
        assert (answer.status_code, answer.text) == (200, newest.note)
        assert answer.content_type == "text/plain; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-store"


def test_readiness_tells_how_far_the_log_is_behind(app: Flask, api: FlaskClient, worker: Worker) -> None:
    """An alarm beyond five seconds, with what to do; the service goes on."""
    parts: Service = app.extensions["infusion_records"]
    worker.sign()
    _receipt(api)
    now, lines = parts.clock(), {}
    for seconds in (0, 4, 60):
        object.__setattr__(parts, "clock", lambda seconds=seconds: now + seconds * 1_000_000)
        answer = api.get("/readyz")
        assert answer.status_code == 200
        lines[seconds] = [line for line in answer.text.splitlines() if "audit log" in line]
    assert lines[4] == ["audit log: 4 s behind"]
    assert lines[60][0].startswith("ALARM audit log: 60 s behind")
    object.__setattr__(parts, "clock", lambda: now + 60_000_000)
    worker.turn()
    assert "audit log" not in api.get("/readyz").text
