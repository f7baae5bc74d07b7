"""CS-30: what is posted is amended with If-Match and a Provenance. CS-31: it is never deleted."""

from dataclasses import replace
from typing import Any

import pytest

from service.ledger.policy import Policy
from service.ledger.rules import amendments
from tests.unit.ledger.scene import FakeScene, changed, example

VIAL, SYRINGE, RECEIPT = "Medication/medication-12", "Medication/medication-15", "SupplyDelivery/supplydelivery-14"
DRAW, COUNT, WASTE = "MedicationDispense/medicationdispense-79", "Observation/observation-80", "Observation/observation-101"
GIVEN, PART = "MedicationAdministration/medicationadministration-81", "MedicationAdministration/medicationadministration-82"


def settled() -> FakeScene:
    scene = example()
    scene.settle()
    return scene


def of(scene: FakeScene, reference: str) -> dict[str, Any]:
    return dict(scene.get(reference) or {})


def provenance(reference: str, **changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "Provenance",
        "id": "why",
        "target": [{"reference": reference}],
        "entity": [{"role": "revision", "what": {"reference": f"{reference}/_history/1"}}],
        "reason": [{"text": "Read from the wrong syringe"}],
        "signature": [{"type": [{"system": amendments.SIGNATURE_TYPES, "code": "1.2.840.10065.1.12.1.16"}]}],
        **changes,
    }


def said(scene: FakeScene, reference: str) -> list[tuple[str, str, str]]:
    found = scene.findings(amendments.RULES, scene.of(reference))
    return [(issue.rule, issue.severity, issue.diagnostics) for issue in found]


def test_what_is_made_is_no_amendment() -> None:
    scene = example()
    assert [said(scene, one.reference) for one in scene.writes if said(scene, one.reference)] == []
    assert scene.asked == []


@pytest.mark.parametrize(
    ("reference", "path", "value"),
    [
        (RECEIPT, "suppliedItem.quantity.value", 400),
        (DRAW, "quantity.value", 40),
        (GIVEN, "dosage.dose.value", 30),
        (PART, "dosage.dose.value", 20),
        (WASTE, "valueQuantity.value", 17),
        (WASTE, "status", "amended"),
        (COUNT, "note", [{"text": "Counted again"}]),
        (GIVEN, "status", "entered-in-error"),
    ],
)
def test_a_posted_record_is_amended_with_a_provenance(reference: str, path: str, value: Any) -> None:
    scene = settled()
    scene.put(changed(of(scene, reference), path, value))
    first = [one for one in said(scene, reference) if one[0] == "cs-30"]
    assert [(severity, "Send a Provenance with it" in text) for _, severity, text in first] == [("error", True)]
    scene.put(provenance(reference))
    assert said(scene, reference) == []
    scene.put(provenance(reference, entity=[{"role": "revision", "what": {"reference": reference}}]))
    assert said(scene, reference) == []


def test_an_amendment_names_the_version_that_it_replaces() -> None:
    scene = settled()
    written = scene.put(changed(of(scene, WASTE), "valueQuantity.value", 17))
    scene.put(provenance(WASTE))
    found = scene.findings(amendments.RULES, replace(written, if_match=False))
    assert [(issue.rule, issue.severity, "If-Match" in issue.diagnostics) for issue in found] == [("cs-30", "error", True)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"target": [{"reference": DRAW}]}, "Send a Provenance with it"),
        ({"entity": []}, "lacks an entity of role revision that is Observation/observation-101/_history/1."),
        ({"entity": [{"role": "source", "what": {"reference": WASTE}}]}, "lacks an entity of role revision"),
        ({"entity": [{"role": "revision", "what": {"reference": f"{WASTE}/_history/7"}}]}, "lacks an entity of role revision"),
        ({"entity": [{"role": "revision", "what": {"reference": DRAW}}]}, "lacks an entity of role revision"),
        ({"entity": [{"role": "revision", "what": {"display": "before"}}]}, "lacks an entity of role revision"),
        ({"reason": []}, "lacks a reason."),
        ({"reason": [{"text": "  "}]}, "lacks a reason."),
        ({"reason": [{}], "entity": [{}]}, "_history/1 and a reason."),
    ],
    ids=["other-target", "no-entity", "other-role", "other-version", "other-entity", "no-literal", "no-reason", "blank-reason", "nothing"],
)
def test_a_provenance_says_what_it_followed_and_why(changes: dict[str, Any], words: str) -> None:
    scene = settled()
    scene.put(changed(of(scene, WASTE), "valueQuantity.value", 17))
    scene.put(provenance(WASTE, **changes))
    assert [(rule, severity, words in text) for rule, severity, text in said(scene, WASTE)] == [("cs-30", "error", True)]


@pytest.mark.parametrize(
    ("signature", "action", "severities"),
    [
        ([], None, ["warning"]),
        ([], "refuse", ["error"]),
        ([], "off", []),
        ([{"type": [{"system": amendments.SIGNATURE_TYPES, "code": "1.2.840.10065.1.12.1.1"}]}], None, ["warning"]),
        ([{"type": [{"system": "urn:other", "code": "1.2.840.10065.1.12.1.16"}]}], None, ["warning"]),
        ([{"type": [{"system": amendments.SIGNATURE_TYPES, "code": "1.2.840.10065.1.12.1.17"}]}], "refuse", []),
    ],
    ids=["none", "refused", "off", "author-only", "other-system", "administrative"],
)
def test_the_signature_is_policy(signature: list[Any], action: str | None, severities: list[str]) -> None:
    scene = settled()
    scene.policies = Policy(version="3", actions={"cs-30-signature": action} if action else {})
    scene.put(changed(of(scene, WASTE), "valueQuantity.value", 17))
    scene.put(provenance(WASTE, signature=signature))
    found = said(scene, WASTE)
    assert [(rule, severity) for rule, severity, _ in found] == [("cs-30", severity) for severity in severities]
    assert all(text.endswith(" Policy 3.") for *_, text in found)


def test_finishing_what_runs_and_what_the_service_keeps_are_no_amendments() -> None:
    scene = settled()
    running = {**of(scene, GIVEN), "status": "in-progress"}
    scene.keep(running)
    scene.put(running, status="completed")
    assert said(scene, GIVEN) == []
    scene.put(of(scene, WASTE), meta={**of(scene, WASTE)["meta"], "versionId": "2", "lastUpdated": "2026-11-18T00:00:00Z"})
    assert said(scene, WASTE) == []
    assert scene.asked == []


@pytest.mark.parametrize(
    ("reference", "path", "value", "amends"),
    [
        (VIAL, "ingredient.0.strength.numerator.value", 100, True),
        (VIAL, "amount.numerator.value", 20, True),
        (VIAL, "batch.lotNumber", "KET24A118", True),
        (VIAL, "identifier.0.value", "V-2026-00418", True),
        (VIAL, "code.coding.0.code", "1", True),
        (VIAL, "status", "inactive", False),
        (VIAL, "code.text", "Ketamine", True),
        (SYRINGE, "ingredient.0.strength.numerator.value", 60, True),
        (SYRINGE, "status", "inactive", False),
    ],
)
def test_what_a_vial_or_a_syringe_is_stays_once_it_is_used(reference: str, path: str, value: Any, amends: bool) -> None:
    scene = settled()
    scene.put(changed(of(scene, reference), path, value))
    assert [(rule, severity) for rule, severity, _ in said(scene, reference)] == [("cs-30", "error")] * amends
    assert bool(scene.asked) == amends
    scene.put(provenance(reference))
    assert said(scene, reference) == []


def test_a_vial_that_nothing_refers_to_may_be_corrected() -> None:
    scene = settled()
    scene.keep({**of(scene, VIAL), "id": "new"})
    scene.put(changed(of(scene, "Medication/new"), "batch.lotNumber", "KET24A118"))
    assert said(scene, "Medication/new") == []


def test_what_was_never_posted_is_withdrawn_with_a_reason() -> None:
    scene = settled()
    running = {**of(scene, GIVEN), "status": "in-progress"}
    scene.keep(running)
    scene.put(running, status="entered-in-error", note=None)
    assert [(rule, severity) for rule, severity, _ in said(scene, GIVEN)] == [("cs-31", "error")]
    scene.put(running, status="entered-in-error", note=None, statusReason=[{"text": "Other patient"}])
    assert said(scene, GIVEN) == []
    scene.put(running, status="entered-in-error", note=[{"text": "Other patient"}])
    assert said(scene, GIVEN) == []
    scene.put(running, status="entered-in-error", note=None)
    scene.put(provenance(GIVEN))
    assert said(scene, GIVEN) == []


@pytest.mark.parametrize("reference", [VIAL, SYRINGE, RECEIPT, DRAW, COUNT, GIVEN, PART, WASTE])
def test_nothing_is_deleted(reference: str) -> None:
    scene = settled()
    written = scene.remove(reference)
    assert [(rule, severity) for rule, severity, _ in said(scene, reference)] == [("cs-31", "error")]
    assert amendments.deletion(written).diagnostics.startswith(f"{reference} is a record of a controlled substance and is not deleted.")


def test_what_is_not_controlled_is_deleted_and_changed_as_ever() -> None:
    scene = settled()
    rescue = "MedicationAdministration/medicationadministration-87"
    scene.put(changed(of(scene, rescue), "dosage.dose.value", 8))
    assert said(scene, rescue) == []
    scene.remove(rescue)
    assert said(scene, rescue) == []
