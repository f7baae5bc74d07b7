"""CS-24: a visit is finished when nothing of it is open. CS-25: a closed visit takes nothing new."""

import json
from pathlib import Path
from typing import Any

import pytest

from service.ledger.policy import Policy
from service.ledger.rules import finishing
from tests.unit.ledger.scene import FakeScene, changed, example

VISIT, DRAW, WASTE = "Encounter/encounter-22", "MedicationDispense/medicationdispense-79", "Observation/observation-101"
GIVEN, SECOND, RESCUE = (f"MedicationAdministration/medicationadministration-{n}" for n in (81, 83, 87))
ALERT, DISCHARGE, BEFORE = (
    "DetectedIssue/detectedissue-96",
    "QuestionnaireResponse/questionnaireresponse-102",
    "QuestionnaireResponse/questionnaireresponse-23",
)


def of(scene: FakeScene, reference: str) -> dict[str, Any]:
    return dict(scene.get(reference) or {})


def said(scene: FakeScene, reference: str = VISIT) -> list[str]:
    found = scene.findings(finishing.RULES, scene.of(reference))
    assert {(issue.rule, issue.severity, issue.expression) for issue in found} <= {("cs-24", "error", "Encounter.status")}
    return [issue.diagnostics for issue in found]


def without(scene: FakeScene, *references: str) -> FakeScene:
    for reference in references:
        scene.after.pop(reference)
    scene.writes = [one for one in scene.writes if one.reference not in references]
    return scene


def discharge(scene: FakeScene, **answers: Any) -> list[dict[str, Any]]:
    """The items of the discharge checklist with other answers."""
    kept = [one for one in of(scene, DISCHARGE)["item"] if one["linkId"] not in answers]
    values = {
        name: {"valueCoding": {"code": value}} if isinstance(value, str) else {"valueBoolean": value} for name, value in answers.items()
    }
    return [*kept, *({"linkId": name, "answer": [value]} for name, value in values.items())]


def test_the_example_visit_is_finished_with_few_questions() -> None:
    scene = example()
    assert said(scene) == []
    assert len(scene.asked) == 5
    asked = len(scene.asked)
    for written in scene.writes:
        assert scene.findings(finishing.RULES, written) == []
    assert len(scene.asked) == 2 * asked


def open_draw(scene: FakeScene) -> None:
    without(scene, WASTE)


def running(scene: FakeScene) -> None:
    scene.put(of(scene, RESCUE), status="in-progress")


def held(scene: FakeScene) -> None:
    scene.put(of(scene, SECOND), status="on-hold")


def unwitnessed(scene: FakeScene) -> None:
    scene.put(of(scene, WASTE), performer=of(scene, WASTE)["performer"][:1])


def unanswered(scene: FakeScene) -> None:
    scene.put(of(scene, ALERT), mitigation=None, status="preliminary")


def by_evidence(scene: FakeScene) -> None:
    scene.put(of(scene, ALERT), mitigation=None, implicated=None, identifiedDateTime=None, evidence=[{"detail": [{"reference": GIVEN}]}])


def by_time(scene: FakeScene) -> None:
    scene.put(of(scene, ALERT), mitigation=None, implicated=None, evidence=None)


def unchecked(scene: FakeScene) -> None:
    scene.put(of(scene, DISCHARGE), status="in-progress")


def unmet(scene: FakeScene) -> None:
    scene.put(of(scene, DISCHARGE), item=discharge(scene, gait=False, iv=False))


def half_asked(scene: FakeScene) -> None:
    scene.put(of(scene, DISCHARGE), item=of(scene, DISCHARGE)["item"][:3])


def alone(scene: FakeScene) -> None:
    scene.put(of(scene, VISIT), participant=of(scene, VISIT)["participant"][:3])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (open_draw, f"{DRAW} is open. Of 50 mg drawn there are 32.2 mg given, 0 mg wasted, 0 mg returned, and 17.8 mg unaccounted for"),
        (running, f"{RESCUE} is in-progress"),
        (held, f"{SECOND} is on-hold"),
        (unwitnessed, f"{WASTE} (cs-waste) names no witness"),
        (unanswered, f"{ALERT} is of high severity"),
        (by_evidence, f"{ALERT} is of high severity"),
        (by_time, f"{ALERT} is of high severity"),
        (unchecked, f"the discharge checklist of {VISIT} is not completed"),
        (unmet, "is not met: gait, iv."),
        (half_asked, "is not met: gait, nausea, iv, escort, nodrive, contact."),
        (alone, f"{VISIT} names no escort"),
    ],
    ids=lambda value: getattr(value, "__name__", None) or " ",
)
def test_what_is_open_keeps_a_visit_from_being_finished(spoil: Any, words: str) -> None:
    scene = example()
    spoil(scene)
    assert [words in text for text in said(scene)] == [True]


def test_every_open_item_is_one_finding() -> None:
    scene = example()
    for spoil in (open_draw, running, held, unanswered, unchecked, alone):
        spoil(scene)
    assert len(said(scene)) == 6


def test_law_stays_where_policy_is_off() -> None:
    scene = example()
    for spoil in (unwitnessed, held, unanswered, unchecked, alone):
        spoil(scene)
    scene.policies = Policy(actions={"cs-24": "off"})
    assert ["is on-hold" in text for text in said(scene)] == [True]
    scene.policies = Policy(version="4", actions={"cs-24": "warn"})
    found = scene.findings(finishing.RULES, scene.of(VISIT))
    assert [issue.severity for issue in found] == ["error", *["warning"] * 4]
    assert [issue.diagnostics.endswith(" Policy 4.") for issue in found] == [False, *[True] * 4]


@pytest.mark.parametrize(("wasted", "is_open"), [(17.55, False), (18.05, False), (17.549, True), (18.051, False)])
def test_a_residual_within_the_tolerance_is_not_open_and_what_is_too_much_is_refused_elsewhere(wasted: float, is_open: bool) -> None:
    scene = example()
    scene.put(changed(of(scene, WASTE), "valueQuantity.value", wasted))
    assert len(said(scene)) == is_open


@pytest.mark.parametrize("change", [{"severity": "moderate"}, {"status": "cancelled"}, {"status": "entered-in-error"}], ids=str)
def test_an_alert_that_is_settled_or_not_grave(change: dict[str, str]) -> None:
    scene = example()
    unanswered(scene)
    scene.put(of(scene, ALERT), **change)
    assert said(scene) == []


def test_an_alert_of_another_visit_is_not_asked_about() -> None:
    scene = example()
    scene.put(of(scene, ALERT), mitigation=None, implicated=None, evidence=None, identifiedDateTime="2026-11-10T10:00:00-08:00")
    assert said(scene) == []
    scene.put(of(scene, ALERT), identifiedDateTime=None, identifiedPeriod={"start": "2026-11-10", "end": "2026-11-18"})
    assert len(said(scene)) == 1


@pytest.mark.parametrize(
    ("exception", "finished"),
    [("leaves-with-transport", True), ("leaves-against-advice", True), ("prescriber-accepts", True), ("something", False)],
)
def test_an_exception_is_documented_for_criteria_and_escort(exception: str, finished: bool) -> None:
    scene = example()
    alone(scene)
    scene.put(of(scene, DISCHARGE), item=discharge(scene, escort=False, exception=exception))
    assert (said(scene) == []) is finished


def test_the_prescriber_may_accept_beforehand_that_nobody_comes_but_not_that_somebody_comes_later() -> None:
    for code, open_items in (("prescriber-accepts", 0), ("escort-expected", 1)):
        scene = example()
        alone(scene)
        asked = [*of(scene, BEFORE)["item"], {"linkId": "escort-exception", "answer": [{"valueCoding": {"code": code}}]}]
        scene.put(of(scene, BEFORE), item=asked)
        assert len(said(scene)) == open_items


def test_the_last_checklist_counts() -> None:
    scene = example()
    unmet(scene)
    scene.put(of(example(), DISCHARGE), id="later", status="amended")
    assert said(scene) == []


def test_a_visit_without_controlled_substances_is_not_asked_about() -> None:
    scene = example()
    without(scene, DRAW, GIVEN, SECOND, "MedicationAdministration/medicationadministration-82", WASTE, DISCHARGE)
    alone(scene)
    assert said(scene) == []


def test_a_visit_is_asked_once_when_it_is_finished() -> None:
    scene = example()
    scene.settle()
    without(scene, WASTE)
    scene.put(of(scene, VISIT), length=None)
    assert said(scene) == []
    assert scene.asked == []


def test_a_visit_that_has_ended_does_not_go_on() -> None:
    scene = example()
    scene.settle()
    scene.put(of(scene, VISIT), status="in-progress")
    (found,) = [issue for issue in scene.findings(finishing.RULES, scene.of(VISIT)) if issue.rule == "cs-25"]
    assert "cannot be in-progress again" in found.diagnostics


def test_a_visit_with_an_open_draw_is_not_cancelled() -> None:
    """What is left could be accounted for nowhere; checklists and escorts are for those who were treated."""
    scene = example()
    unchecked(scene)
    scene.put(of(scene, VISIT), status="cancelled")
    assert said(scene) == []
    open_draw(scene)
    assert ["cannot be cancelled" in text for text in said(scene)] == [True]


@pytest.mark.parametrize("reference", [DRAW, GIVEN, SECOND, WASTE])
@pytest.mark.parametrize(("status", "refused"), [("finished", True), ("cancelled", True), ("in-progress", False), ("onleave", False)])
def test_a_closed_visit_takes_nothing_new(reference: str, status: str, refused: bool) -> None:
    scene = example()
    scene.keep(of(scene, VISIT), status=status)
    found = scene.findings(finishing.RULES, scene.of(reference))
    assert [(issue.rule, issue.severity, VISIT in issue.diagnostics) for issue in found] == [("cs-25", "error", True)] * refused


def test_a_closed_visit_takes_amendments_and_no_record_of_another_visit() -> None:
    scene = example()
    scene.settle()
    assert scene.findings(finishing.RULES, scene.put(changed(of(scene, WASTE), "valueQuantity.value", 17.75))) == []
    other = scene.keep({**of(scene, VISIT), "id": "other"})
    moved = scene.put(changed(of(scene, WASTE), "encounter.reference", f"Encounter/{other['id']}"))
    assert [issue.rule for issue in scene.findings(finishing.RULES, moved)] == ["cs-25"]
    withdrawn = scene.put(of(scene, WASTE), status="entered-in-error")
    assert {issue.rule for issue in scene.findings(finishing.RULES, withdrawn)} == {"cs-01"}


def test_an_amendment_leaves_no_draw_of_a_finished_visit_open() -> None:
    """Once for the visit, whatever else of it is amended; together with what makes up for it, it is taken."""
    scene = example()
    scene.settle()
    scene.put(changed(of(scene, WASTE), "valueQuantity.value", 16.8))
    scene.put(of(scene, GIVEN), note=None)
    found = [issue for one in scene.writes for issue in scene.findings(finishing.RULES, one)]
    assert [(issue.rule, issue.severity, "1 mg unaccounted for" in issue.diagnostics) for issue in found] == [("cs-01", "error", True)]
    scene.put(changed(of(scene, GIVEN), "dosage.dose.value", 33.2))
    assert [issue for one in scene.writes for issue in scene.findings(finishing.RULES, one)] == []


def test_an_amendment_may_leave_a_draw_of_a_visit_open_that_is_not_finished() -> None:
    scene = example()
    scene.put(of(scene, VISIT), status="in-progress")
    scene.settle()
    scene.put(changed(of(scene, WASTE), "valueQuantity.value", 16.8))
    assert [issue for one in scene.writes for issue in scene.findings(finishing.RULES, one)] == []


def test_a_visit_made_cancelled_takes_nothing_and_one_cancelled_with_its_waste_does() -> None:
    scene = example()
    scene.put(of(scene, VISIT), status="cancelled")
    assert [issue.rule for issue in scene.findings(finishing.RULES, scene.of(WASTE))] == ["cs-25"]
    scene = example()
    scene.keep(of(scene, VISIT), status="in-progress")
    scene.put(of(scene, VISIT), status="cancelled")
    assert scene.findings(finishing.RULES, scene.of(WASTE)) == []


def test_the_criteria_are_those_of_the_questionnaire() -> None:
    asked = json.loads((Path(__file__).parents[3] / "fhir_profiles/clinic/Questionnaire-discharge-criteria.json").read_text("utf-8"))
    assert [one["linkId"] for one in asked["item"] if one["type"] == "boolean"] == list(finishing.CRITERIA)
