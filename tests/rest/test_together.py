"""Creations of a batch share a commit, and no answer shows it: https://hl7.org/fhir/R4/http.html#transaction."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.rest import together
from tests.rest.made import entry, fresh, made, observation, patient, process


def _vital(subject: str, **members: Any) -> dict[str, Any]:
    tree: dict[str, Any] = json.loads(observation(subject))
    return {**tree, **members}


def _statuses(answer: Any) -> list[str]:
    return [one["response"]["status"][:3] for one in answer.json["entry"]]


def test_creations_share_a_commit_and_those_that_are_refused_fall_out(api: FlaskClient) -> None:
    subject = f"Patient/{made(api, patient())['id']}"
    answer = process(
        api,
        "batch",
        entry("POST", "Observation", _vital(subject)),
        entry("POST", "Observation", _vital(subject, status="wrong")),
        entry("POST", "Observation", _vital(subject)),
        entry("POST", "Observation", _vital(f"Patient/{fresh()}")),
        entry("POST", "Nonsense", _vital(subject)),
        entry("POST", "Observation", _vital(subject)),
    )
    assert _statuses(answer) == ["201", "422", "201", "422", "404", "201"]
    stored = [answer.json["entry"][place]["response"] for place in (0, 2, 5)]
    assert len({one["lastModified"] for one in stored}) == 1
    assert len({one["location"] for one in stored}) == 3


def test_what_stands_between_creations_keeps_its_order(api: FlaskClient) -> None:
    subject, code = f"Patient/{made(api, patient())['id']}", fresh()
    coded = _vital(subject, code={"coding": [{"code": code}]})
    ask = entry("GET", f"Observation?code={code}&_summary=count")
    answer = process(api, "batch", ask, entry("POST", "Observation", coded), entry("POST", "Observation", coded), ask)
    assert [answer.json["entry"][place]["resource"]["total"] for place in (0, 3)] == [0, 2]


def test_a_failure_of_the_group_is_answered_one_by_one(api: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(together, "commit", broken)
    assert _statuses(process(api, "batch", entry("POST", "Patient", patient()), entry("POST", "Patient", patient()))) == ["201", "201"]
