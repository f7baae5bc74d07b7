"""Nobody brings events of the trail in from outside."""

import json
from pathlib import Path

import pytest
from flask import Flask

from service.bulk.importing import import_files
from service.records.context import Context
from service.records.find import find
from tests.access import TESTS

EVENT = {"resourceType": "AuditEvent", "id": "x", "action": "R"}


@pytest.mark.parametrize("wrapped", [False, True], ids=["line", "entry"])
def test_an_import_refuses_audit_events_and_says_why(app: Flask, tmp_path: Path, wrapped: bool) -> None:
    ctx = Context(app.extensions["infusion_records"], TESTS)
    entry = {"resource": EVENT, "request": {"method": "PUT", "url": "AuditEvent/x"}}
    line = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]} if wrapped else EVENT
    path = tmp_path / "events.ndjson"
    path.write_text(json.dumps(line) + "\n" + json.dumps({"resourceType": "Patient", "id": "p1"}) + "\n")
    report = import_files(ctx, [path])
    assert report.created == 1
    [refusal] = report.refused
    assert f"{path}:1" in str(refusal)
    assert "AuditEvent resources are written by the service alone" in str(refusal)
    _, page = find(ctx, "AuditEvent", [("_id", "x")], lenient=False)
    assert page.matches == ()
