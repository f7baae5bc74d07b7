"""The log: one line of JSON for each request, and nothing in it about a patient."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.app import create_app
from service.config import Settings
from service.records import read
from service.web.request_log import LOGGER, JsonLines
from tests.access import admitted

SECRET = "Lovelace"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    LOGGER.addHandler(handler)
    yield stream
    LOGGER.removeHandler(handler)


@pytest.fixture
def api(settings: Settings) -> Iterator[FlaskClient]:
    app = create_app(settings)
    yield admitted(app)
    app.extensions["infusion_records"].database.dispose()


def logged(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_request_leaves_one_line_without_what_it_was_about(api: FlaskClient, lines: io.StringIO) -> None:
    api.get(f"/fhir/Patient/{SECRET}?name={SECRET}", headers={"X-Request-Id": "r-1", "User-Agent": SECRET})
    api.post("/fhir/Patient", json={"resourceType": "Patient", "name": [{"family": SECRET}], "gender": SECRET})
    api.get(f"/fhir/{SECRET}")
    api.get(f"/{SECRET}")
    found = logged(lines)
    assert SECRET not in lines.getvalue()
    assert [line["route"] for line in found][:2] == ["/{type}/{id}", "/{type}"]
    assert (found[0]["request_id"], found[0]["method"], found[0]["type"], found[0]["status"]) == ("r-1", "GET", "Patient", 400)
    assert all(isinstance(line["milliseconds"], float) for line in found)


def test_an_unexpected_failure_tells_the_client_nothing_and_the_log_where(
    api: FlaskClient, lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(read, "read", fail)
    answer = api.get("/fhir/Patient/1", headers={"X-Request-Id": "r-2"})
    assert answer.status_code == 500
    assert "r-2" in answer.json["issue"][0]["diagnostics"]
    failure = next(line for line in logged(lines) if line["level"] == "ERROR")
    assert failure["exception"] == "RuntimeError"
    assert failure["frames"][-1].endswith(" fail")
    assert SECRET not in answer.text + lines.getvalue()


def test_a_batch_survives_an_entry_that_fails_unexpectedly(api: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(read, "read", fail)
    entries = [{"request": {"method": "GET", "url": url}} for url in ("Patient/1", "metadata")]
    answer = api.post("/fhir", json={"resourceType": "Bundle", "type": "batch", "entry": entries})
    assert [one["response"]["status"][:3] for one in answer.json["entry"]] == ["500", "200"]
