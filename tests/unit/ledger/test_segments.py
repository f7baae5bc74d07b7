"""CS-03: the parts of an infusion lie in the whole, follow one another, sum to it, and are what the pump delivered."""

from typing import Any

import pytest

from service.ledger.policy import Policy
from service.ledger.rules import segments
from tests.unit.ledger.scene import FakeScene, changed, example

WHOLE, FIRST, SECOND = (f"MedicationAdministration/medicationadministration-{n}" for n in (81, 82, 83))


def said(scene: FakeScene) -> list[tuple[int | None, str, str]]:
    found = [issue for written in scene.writes for issue in scene.findings(segments.RULES, written)]
    assert all(issue.rule == "cs-03" for issue in found)
    return [(issue.entry, issue.severity, issue.diagnostics) for issue in found]


def with_change(reference: str, path: str, value: Any) -> FakeScene:
    scene = example()
    scene.put(changed(dict(scene.get(reference) or {}), path, value))
    return scene


def test_the_example_visit_agrees_and_costs_no_question() -> None:
    scene = example()
    assert said(scene) == []
    assert scene.asked == []


@pytest.mark.parametrize(
    ("reference", "path", "value", "words"),
    [
        pytest.param(WHOLE, "dosage.dose.value", 32.201, "2 parts sum to 32.2 mg", id="whole-a-microgram-off"),
        pytest.param(FIRST, "dosage.dose.value", 21.699, "2 parts sum to 32.199 mg", id="part-a-microgram-off"),
        pytest.param(FIRST, "dosage.dose.value", 21.5999, "finer than a microgram", id="part-too-fine"),
        pytest.param(FIRST, "dosage.dose", None, "There is no amount", id="part-without-dose"),
        pytest.param(FIRST, "dosage.rateQuantity.value", 42.3, "delivers 21.855 mg; 0.108 mg", id="rate-beyond-tolerance"),
        pytest.param(SECOND, "dosage.rateQuantity.value", 29.6, "delivers 10.36 mg; 0.1 mg", id="second-rate-beyond-tolerance"),
        pytest.param(SECOND, "dosage.rateQuantity.code", "ug/kg/min", "volume or a mass in a time", id="rate-by-weight"),
        pytest.param(SECOND, "dosage.rateQuantity.value", -30, "volume or a mass in a time", id="rate-backwards"),
        pytest.param(SECOND, "dosage.rateQuantity", None, "volume or a mass in a time", id="no-rate"),
        pytest.param(SECOND, "medicationReference.reference", "Medication/gone", "states no strength", id="no-strength"),
        pytest.param(SECOND, "effectivePeriod.end", "2026-11-17T10:48:00-08:00", "outside", id="beyond-the-whole"),
        pytest.param(FIRST, "effectivePeriod.start", "2026-11-17T09:54:59-08:00", "outside", id="before-the-whole"),
        pytest.param(SECOND, "effectivePeriod.start", "2026-11-17T10:25:59-08:00", "run at one time", id="overlap"),
        pytest.param(SECOND, "effectivePeriod.start", "2026-11-17T10:26:01-08:00", "nothing says what ran", id="gap"),
        pytest.param(SECOND, "effectivePeriod.end", None, "from when to when", id="part-without-end"),
        pytest.param(SECOND, "status", "entered-in-error", "1 parts sum to 21.7 mg", id="part-withdrawn"),
    ],
)
def test_what_does_not_agree_is_refused(reference: str, path: str, value: Any, words: str) -> None:
    found = said(with_change(reference, path, value))
    assert found
    assert {severity for _, severity, _ in found} == {"error"}
    assert any(words in text for *_, text in found), found


@pytest.mark.parametrize(
    ("rate", "code"), [(42.2, "mL/h"), (0.7, "mL/min"), (42, "mg/h"), (700, "ug/min")], ids=["rounded", "minute", "mass", "micrograms"]
)
def test_a_rate_within_the_tolerance_in_any_unit(rate: float, code: str) -> None:
    scene = with_change(FIRST, "dosage.rateQuantity.value", rate)
    scene.put(changed(dict(scene.get(FIRST) or {}), "dosage.rateQuantity.code", code))
    assert said(scene) == []


def test_a_ratio_is_a_rate() -> None:
    scene = example()
    dosage = dict(scene.get(FIRST) or {})["dosage"]
    ratio = {"numerator": {"value": 21, "code": "mL"}, "denominator": {"value": 30, "code": "min"}}
    kept = {name: value for name, value in dosage.items() if name != "rateQuantity"}
    scene.put(dict(scene.get(FIRST) or {}), dosage={**kept, "rateRatio": ratio})
    assert said(scene) == []
    ratio["denominator"]["value"] = 0
    scene.put(dict(scene.get(FIRST) or {}), dosage={**kept, "rateRatio": ratio})
    assert "volume or a mass" in said(scene)[0][2]


def test_the_pump_is_policy_and_the_sum_is_law() -> None:
    scene = with_change(FIRST, "dosage.rateQuantity.value", 60)
    scene.policies = Policy(version="7", actions={"cs-03": "warn"})
    assert [(entry, severity, text[-10:]) for entry, severity, text in said(scene)] == [(82, "warning", " Policy 7.")]
    scene.policies = Policy(actions={"cs-03": "off"})
    assert said(scene) == []
    scene.put(changed(dict(scene.get(FIRST) or {}), "dosage.dose.value", 20))
    assert [(entry, severity) for entry, severity, _ in said(scene)] == [(81, "error")]


def test_a_running_infusion_is_kept_in_order_and_judged_at_its_end() -> None:
    """Whichever of the whole and its last part ends first: the sum is asked for when both have."""
    scene = example()
    whole, second = dict(scene.get(WHOLE) or {}), dict(scene.get(SECOND) or {})
    scene.put(second, status="in-progress", effectivePeriod={"start": "2026-11-17T10:26:00-08:00"}, dosage=None)
    assert said(scene) == []
    scene.settle()
    scene.put(changed(second, "dosage.dose.value", 10.4))
    assert [text for *_, text in said(scene)] == [
        f"{WHOLE} states 32.2 mg, but its 2 parts sum to 32.1 mg. Correct whichever is wrong; they are equal to the microgram."
    ]
    assert scene.asked == [("MedicationAdministration", WHOLE)]
    scene.put(second)
    scene.put(whole, status="in-progress", effectivePeriod={"start": "2026-11-17T09:55:00-08:00"})
    assert said(scene) == []
    scene.put(second, effectivePeriod={"start": "2026-11-17T10:25:00-08:00", "end": "2026-11-17T10:46:00-08:00"})
    assert ["run at one time" in text for *_, text in said(scene)] == [True]


def test_a_part_that_moves_to_another_whole_leaves_a_hole() -> None:
    scene = example()
    other = {**dict(scene.get(WHOLE) or {}), "id": "other", "status": "in-progress"}
    scene.keep({**other, "effectivePeriod": {"start": "2026-11-17T09:55:00-08:00"}})
    scene.settle()
    scene.put(changed(dict(scene.get(SECOND) or {}), "partOf.0.reference", "MedicationAdministration/other"))
    assert ["1 parts sum to 21.7 mg" in text for *_, text in said(scene)] == [True]


def test_an_infusion_at_one_rate_may_state_it_itself() -> None:
    scene = example()
    whole = dict(scene.get(WHOLE) or {})
    for gone in (FIRST, SECOND):
        scene.remove(gone)
    scene.writes = [one for one in scene.writes if one.after]
    scene.put(changed(whole, "dosage.rateQuantity", {"value": 42, "code": "mL/h"}))
    assert ["delivers 36.4 mg" in text for *_, text in said(scene)] == [True]
    scene.put(changed(whole, "dosage.rateQuantity", {"value": 37.15, "code": "mL/h"}))
    assert said(scene) == []
    assert scene.asked == []


def test_what_is_not_controlled_is_not_asked_about() -> None:
    scene = example()
    plain = {name: value for name, value in dict(scene.get(WHOLE) or {}).items() if name != "meta"}
    written = scene.put({**plain, "id": "plain", "partOf": [{"reference": WHOLE}]})
    assert scene.findings(segments.RULES, written) == []
