"""A nurse fills in the checklist before an infusion: half of it is kept, what is said to be complete is held to the questionnaire."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.rest.made import issue, made, patient, put

FORM = "https://clinic.example/fhir/Questionnaire/pre-infusion-checklist|1.0"
PROFILE = "https://clinic.example/fhir/StructureDefinition/pre-infusion-checklist-response"
CLASS = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}
LOCAL = "https://clinic.example/fhir/CodeSystem/ketamine-clinic"


def answer(link: str, **value: Any) -> dict[str, Any]:
    return {"linkId": link, "answer": [value]}


@pytest.fixture(scope="module")
def begun(api: FlaskClient) -> dict[str, Any]:
    """The checklist of a patient who has just sat down."""
    subject = f"Patient/{made(api, patient())['id']}"
    practitioner = made(api, {"resourceType": "Practitioner", "active": True, "name": [{"family": "Chen"}]})
    visit = {"resourceType": "Encounter", "status": "arrived", "class": CLASS, "subject": {"reference": subject}}
    response = {
        "resourceType": "QuestionnaireResponse",
        "meta": {"profile": [PROFILE]},
        "questionnaire": FORM,
        "status": "in-progress",
        "subject": {"reference": subject},
        "encounter": {"reference": f"Encounter/{made(api, visit)['id']}"},
        "authored": "2026-11-17T09:35:00-08:00",
        "author": {"reference": f"Practitioner/{practitioner['id']}"},
        "item": [answer("fast-solids", valueDateTime="2026-11-16T20:30:00-08:00")],
    }
    return made(api, response)


def completed(begun: dict[str, Any], *more: dict[str, Any]) -> dict[str, Any]:
    """The checklist, said to be complete."""
    rest = [
        answer("fast-clear", valueDateTime="2026-11-17T07:15:00-08:00"),
        answer("fast-ok", valueBoolean=True),
        answer("escort-ok", valueBoolean=False),
        answer("escort-exception", valueCoding={"system": LOCAL, "code": "escort-expected"}),
        answer("med-change", valueBoolean=True),
    ]
    return {**begun, "status": "completed", "item": [*begun["item"], *rest, *more]}


def save(api: FlaskClient, response: dict[str, Any]) -> Any:
    return put(api, f"QuestionnaireResponse/{response['id']}", response)


def test_what_follows_from_an_answer_must_be_answered(api: FlaskClient, begun: dict[str, Any]) -> None:
    told = issue(save(api, completed(begun, answer("substance-24h", valueBoolean=False))), 422)
    assert told["details"]["coding"][0]["code"] == "item-required"
    assert told["expression"] == ["QuestionnaireResponse.item"]
    assert "'med-change-detail' (What changed)" in told["diagnostics"]


def test_an_answer_that_is_not_offered_is_refused_with_those_that_are(api: FlaskClient, begun: dict[str, Any]) -> None:
    whole = completed(begun, answer("med-change-detail", valueString="Magnesium"), answer("substance-24h", valueBoolean=False))
    whole["item"][4] = answer("escort-exception", valueCoding={"system": LOCAL, "code": "leaves-with-adult"})
    told = issue(save(api, whole), 422)
    assert told["expression"] == ["QuestionnaireResponse.item[4].answer[0].valueCoding"]
    assert told["details"]["coding"][0]["code"] == "answer-option"
    assert f"{LOCAL}|escort-expected" in told["diagnostics"]


def test_a_complete_checklist_is_stored(api: FlaskClient, begun: dict[str, Any]) -> None:
    whole = completed(begun, answer("med-change-detail", valueString="Magnesium"), answer("substance-24h", valueBoolean=False))
    stored = save(api, whole)
    assert stored.status_code == 200, stored.text
    assert stored.json["status"] == "completed"


def test_a_response_to_a_questionnaire_that_is_not_known_is_stored(api: FlaskClient) -> None:
    other = {"resourceType": "QuestionnaireResponse", "questionnaire": "https://example.org/form", "status": "completed"}
    made(api, {**other, "item": [answer("anything", valueString="goes")]})
