"""Under which order, consent, allergy and weight a controlled substance is given (CS-26)."""

import json
from pathlib import Path
from typing import Any

import pytest

from service.ledger.policy import OFF
from service.ledger.rules import orders, patients
from tests.unit.ledger.cases import (
    CONSENT,
    DRAW,
    GIVEN,
    ORDER,
    PATIENT,
    SEGMENT,
    VISIT,
    WASTE,
    WEIGHT,
    Alter,
    Case,
    altered,
    expect_doubt,
    expect_nothing,
    expect_policy,
    kept,
    told,
    with_action,
)
from tests.unit.ledger.scene import FakeScene, changed, example

RULES = orders.RULES
REQUEST, SUBJECT = "MedicationAdministration.request", "MedicationAdministration.subject"
MEDICATION, DOSE = "MedicationAdministration.medication", "MedicationAdministration.dosage.dose"
SNOMED, RXNORM, UCUM = "http://snomed.info/sct", "http://www.nlm.nih.gov/research/umls/rxnorm", "http://unitsofmeasure.org"
START, BEFORE, SINCE = "2026-11-17T17:55:00Z", "2026-11-17T17:00:00Z", "2026-11-17T18:30:00Z"


def both(*alters: Alter) -> Alter:
    def alter(around: FakeScene) -> None:
        for one in alters:
            one(around)

    return alter


def ordered(path: str, value: Any) -> Alter:
    return altered(path, value, ORDER)


def drug(*codings: tuple[str, str]) -> Alter:
    """The order names a drug by codes."""
    concept = {"coding": [{"system": system, "code": code} for system, code in codings]}
    return lambda around: around.put({**changed(around.after[ORDER], "medicationReference", None), "medicationCodeableConcept": concept})


ORDERS = {
    "missing": Case(altered("request", None, GIVEN), GIVEN, REQUEST, "no order"),
    "display": Case(altered("request", {"display": "by phone"}, GIVEN), GIVEN, REQUEST, "no order"),
    "stranger": Case(altered("request.reference", "MedicationRequest/none", GIVEN), GIVEN, REQUEST, "no order"),
    "other-type": Case(altered("request.reference", DRAW, GIVEN), GIVEN, REQUEST, "no order"),
    "other-patient": Case(ordered("subject.reference", "Patient/other"), GIVEN, REQUEST, "another patient"),
    "plan": Case(ordered("intent", "plan"), GIVEN, REQUEST, "intent 'plan'"),
    "draft": Case(ordered("status", "draft"), GIVEN, REQUEST, "not active"),
    "cancelled": Case(ordered("status", "cancelled"), GIVEN, REQUEST, "not active"),
    "in-error": Case(ordered("status", "entered-in-error"), GIVEN, REQUEST, "not active"),
    "stopped-before": Case(kept(ORDER, BEFORE, status="stopped"), GIVEN, REQUEST, "had been stopped"),
    "authored-after": Case(ordered("authoredOn", "2026-11-17T09:55:01-08:00"), GIVEN, REQUEST, "authored after"),
    "active-authored-after": Case(both(ordered("status", "active"), ordered("authoredOn", "2026-11-18")), GIVEN, REQUEST, "authored after"),
    "undated": Case(ordered("authoredOn", None), GIVEN, REQUEST, "when it was authored"),
    "other-drug": Case(drug((RXNORM, "26225")), GIVEN, REQUEST, "another drug"),
    "other-medication": Case(ordered("medicationReference.reference", "Medication/medication-16"), GIVEN, REQUEST, "another drug"),
    "drug-by-text": Case(drug(), GIVEN, REQUEST, "another drug"),
    "other-system": Case(drug((SNOMED, "6130")), GIVEN, REQUEST, "another drug"),
}


@pytest.mark.parametrize("name", ORDERS)
def test_nothing_is_given_without_an_order(name: str) -> None:
    expect_policy(ORDERS[name], RULES, "cs-26")


BOUND = {
    "active": ordered("status", "active"),
    "at-the-start": ordered("authoredOn", "2026-11-17T09:55:00-08:00"),
    "that-day": ordered("authoredOn", "2026-11-17"),
    "stopped-since": kept(ORDER, SINCE, status="stopped"),
    "stopped-now": both(kept(ORDER), ordered("status", "stopped")),
    "other-of-the-drug": drug((RXNORM, "6130")),
    "hydrochloride": drug(("urn:local", "K1"), (SNOMED, "31706007")),
    "the-vial": ordered("medicationReference.reference", "Medication/medication-12"),
}


@pytest.mark.parametrize("name", BOUND)
def test_an_order_binds_that_was_made_before_and_not_stopped_by_then(name: str) -> None:
    expect_nothing(Case(BOUND[name], GIVEN, ""), RULES, "cs-26")


def consent(path: str, value: Any) -> Alter:
    return altered(path, value, CONSENT)


CONSENTS = {
    "missing": Case(lambda around: around.remove(CONSENT), GIVEN, SUBJECT, "no consent"),
    "draft": Case(consent("status", "draft"), GIVEN, SUBJECT, "no consent"),
    "rejected": Case(consent("status", "rejected"), GIVEN, SUBJECT, "no consent"),
    "after-the-start": Case(consent("dateTime", "2026-11-17T09:55:01-08:00"), GIVEN, SUBJECT, "no consent"),
    "undated": Case(consent("dateTime", None), GIVEN, SUBJECT, "no consent"),
    "privacy": Case(consent("scope.coding.0.code", "patient-privacy"), GIVEN, SUBJECT, "no consent"),
    "other-kind": Case(consent("category.0.coding.0.code", "34117-2"), GIVEN, SUBJECT, "no consent"),
    "other-patient": Case(consent("patient.reference", "Patient/other"), GIVEN, SUBJECT, "no consent"),
    "run-out": Case(consent("provision", {"period": {"end": "2026-11-16"}}), GIVEN, SUBJECT, "no consent"),
    "withdrawn-before": Case(kept(CONSENT, BEFORE, status="inactive"), GIVEN, SUBJECT, "no consent"),
}


@pytest.mark.parametrize("name", CONSENTS)
def test_nothing_is_given_without_consent(name: str) -> None:
    expect_policy(CONSENTS[name], RULES, "cs-26")


def test_a_consent_that_was_withdrawn_since_covered_it() -> None:
    expect_nothing(Case(both(kept(CONSENT), consent("status", "inactive")), GIVEN, ""), RULES, "cs-26")
    expect_nothing(Case(consent("provision", {"period": {"end": "2026-11-17"}}), GIVEN, ""), RULES, "cs-26")
    expect_doubt(Case(kept(CONSENT, SINCE, status="inactive"), GIVEN, SUBJECT, "not active any more"), RULES, "cs-26")


def test_the_kinds_of_consent_are_those_of_the_value_set() -> None:
    path = Path(__file__).parents[3] / "fhir_profiles/clinic/ValueSet-infusion-consent-categories.json"
    includes = json.loads(path.read_text(encoding="utf-8"))["compose"]["include"]
    assert {(one["system"], concept["code"]) for one in includes for concept in one["concept"]} == patients.CATEGORIES


def allergy(code: str = "293707005", system: str = SNOMED, since: str = BEFORE, **more: Any) -> Alter:
    """The record has had an allergy since then."""
    status = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active"}]}
    tree = {
        "resourceType": "AllergyIntolerance",
        "id": "allergy-1",
        "clinicalStatus": status,
        "code": {"coding": [{"system": system, "code": code}]},
        "patient": {"reference": PATIENT},
    }
    return lambda around: around.keep({**tree, **more}, since)


def state(element: str, code: str) -> dict[str, Any]:
    return {element: {"coding": [{"system": f"urn:{element}", "code": code}]}}


ALLERGIES = {
    "to-ketamine": Case(allergy(), GIVEN, MEDICATION, "AllergyIntolerance/allergy-1"),
    "to-the-substance": Case(allergy("373464007"), GIVEN, MEDICATION, "active allergy"),
    "to-the-hydrochloride": Case(allergy("31706007"), GIVEN, MEDICATION, "active allergy"),
    "to-the-code-of-the-vial": Case(allergy("6130", RXNORM), GIVEN, MEDICATION, "active allergy"),
    "in-the-reaction": Case(
        allergy("1", "urn:x", reaction=[{"substance": {"coding": [{"system": SNOMED, "code": "373464007"}]}}]), GIVEN, MEDICATION
    ),
    "recorded-before": Case(allergy(since=SINCE, recordedDate="2020-01-01"), GIVEN, MEDICATION),
    "without-status": Case(allergy(clinicalStatus=None), GIVEN, MEDICATION),
}


@pytest.mark.parametrize("name", ALLERGIES)
def test_nothing_is_given_against_an_allergy(name: str) -> None:
    expect_policy(ALLERGIES[name], RULES, "cs-26")


NO_ALLERGIES = {
    "to-something-else": allergy("373476007"),
    "resolved": allergy(**state("clinicalStatus", "resolved")),
    "refuted": allergy(**state("verificationStatus", "refuted")),
    "in-error": allergy(**state("verificationStatus", "entered-in-error")),
    "of-somebody-else": allergy(patient={"reference": "Patient/other"}, recorder={"reference": PATIENT}),
    "found-by-it": allergy(since=SINCE, recordedDate="2026-11-17T10:30:00-08:00"),
}


@pytest.mark.parametrize("name", NO_ALLERGIES)
def test_an_allergy_that_is_none_or_was_found_by_it_forbids_nothing(name: str) -> None:
    expect_nothing(Case(NO_ALLERGIES[name], GIVEN, ""), RULES, "cs-26")


def test_an_allergy_of_this_commit_was_found_by_it() -> None:
    def alter(around: FakeScene) -> None:
        allergy()(around)
        found = around.after["AllergyIntolerance/allergy-1"]
        around.before.clear()
        around.put(found)

    expect_nothing(Case(alter, GIVEN, ""), RULES, "cs-26")


def test_an_intolerance_or_an_allergy_of_an_unknown_time_is_a_warning() -> None:
    expect_doubt(Case(allergy(type="intolerance"), GIVEN, MEDICATION, "active intolerance"), RULES, "cs-26")
    expect_doubt(Case(allergy(since=SINCE), GIVEN, MEDICATION, "active allergy"), RULES, "cs-26")


def dosed(**dose: Any) -> Alter:
    """The order doses so, and the administration names no weight."""

    def alter(around: FakeScene) -> None:
        ordered("dosageInstruction.0.doseAndRate.0", dose)(around)
        altered("supportingInformation.1", None, GIVEN)(around)

    return alter


def amount(code: str, value: float = 0.5) -> dict[str, Any]:
    return {"value": value, "unit": code, "system": UCUM, "code": code}


PER_KILOGRAM = {
    "dose": {"doseQuantity": amount("mg/kg")},
    "rate": {"doseQuantity": amount("mg", 36.4), "rateQuantity": amount("ug/kg/min")},
    "range": {"doseRange": {"low": amount("mg/kg"), "high": amount("mg/kg", 1)}},
    "ratio": {"rateRatio": {"numerator": amount("mg"), "denominator": amount("kg", 1)}},
    "unit-only": {"doseQuantity": {"value": 0.5, "unit": "mg / kg"}},
}


def weighed(when: str | None, **changes: Any) -> Alter:
    """The weight was taken then; None: never."""

    def alter(around: FakeScene) -> None:
        weight = around.after[WEIGHT]
        around.remove(WEIGHT)
        if when is not None:
            around.keep({**weight, "effectiveDateTime": when, **changes})

    return alter


@pytest.mark.parametrize("name", PER_KILOGRAM)
def test_an_order_by_weight_needs_one_that_is_recent(name: str) -> None:
    dose = dosed(**PER_KILOGRAM[name])
    expect_nothing(Case(dose, GIVEN, ""), RULES, "cs-26")
    expect_policy(Case(both(dose, weighed(None)), GIVEN, REQUEST, "by weight"), RULES, "cs-26")


WEIGHTS = {
    "too-old": {"when": "2026-10-18T09:54:59-08:00"},
    "afterwards": {"when": "2026-11-17T09:56:00-08:00"},
    "in-error": {"when": "2026-11-17T09:37:00-08:00", "status": "entered-in-error"},
    "without-a-value": {"when": "2026-11-17T09:37:00-08:00", "valueQuantity": None},
    "of-somebody-else": {"when": "2026-11-17T09:37:00-08:00", "subject": {"reference": "Patient/other"}},
    "height": {"when": "2026-11-17T09:37:00-08:00", "code": {"coding": [{"system": "http://loinc.org", "code": "8302-2"}]}},
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_what_is_no_recent_weight(name: str) -> None:
    changes = {one: value for one, value in WEIGHTS[name].items() if one != "when"}
    alter = both(dosed(doseQuantity=amount("mg/kg")), weighed(WEIGHTS[name]["when"], **changes))
    expect_policy(Case(alter, GIVEN, REQUEST, "by weight"), RULES, "cs-26")


def test_a_weight_is_looked_for_where_it_is_named_then_in_the_visit_then_everywhere() -> None:
    per_kilogram = ordered("dosageInstruction.0.doseAndRate.0", {"doseQuantity": amount("mg/kg")})
    looked = {
        "named": (per_kilogram, []),
        "visit": (dosed(doseQuantity=amount("mg/kg")), [VISIT]),
        "patient": (both(dosed(doseQuantity=amount("mg/kg")), weighed("2026-10-18T09:55:00-08:00", encounter=None)), [VISIT, PATIENT]),
    }
    for alter, places in looked.values():
        around = example()
        alter(around)
        assert told(around, RULES, GIVEN, "cs-26") == []
        assert [place for type, place in around.asked if type == "Observation"] == places


def test_an_order_without_kilograms_needs_no_weight() -> None:
    around = example()
    weighed(None)(around)
    assert told(around, RULES, GIVEN, "cs-26") == []
    assert "Observation" not in {type for type, _ in around.asked}


def limit(value: Any) -> Alter:
    return ordered("dosageInstruction.0.maxDosePerAdministration", value)


def test_no_more_is_given_than_the_order_allows() -> None:
    expect_policy(Case(limit(amount("mg", 32.199)), GIVEN, DOSE, "32.2 mg is more than the 32.199 mg"), RULES, "cs-26")
    for value in (amount("mg", 32.2), amount("g", 0.0322), amount("ug", 32200), None):
        expect_nothing(Case(limit(value), GIVEN, ""), RULES, "cs-26")


def test_a_limit_that_cannot_be_compared_is_a_warning() -> None:
    expect_doubt(Case(limit(amount("mL", 50)), GIVEN, REQUEST, "cannot be compared"), RULES, "cs-26")


def test_an_infusion_that_starts_is_judged_before_it_has_a_dose() -> None:
    def started(around: FakeScene) -> None:
        given = changed(changed(around.after[GIVEN], "dosage.dose", None), "effectivePeriod.end", None)
        around.put({**given, "status": "in-progress"})

    expect_nothing(Case(started, GIVEN, ""), RULES, "cs-26")
    expect_policy(Case(both(started, lambda around: around.remove(CONSENT)), GIVEN, SUBJECT, "no consent"), RULES, "cs-26")


def test_its_end_is_judged_by_the_limit_alone_and_asks_nothing() -> None:
    around = example()
    ended = around.after[GIVEN]
    started = changed(changed(ended, "dosage.dose", None), "effectivePeriod.end", None)
    around.settle()
    around.keep({**started, "status": "in-progress"})
    around.keep(around.after[CONSENT], status="rejected")
    around.put(ended)
    assert told(around, RULES, GIVEN, "cs-26") == []
    around.put(changed(ended, "dosage.dose.value", 50.001))
    assert [one[:2] for one in told(around, RULES, GIVEN, "cs-26")] == [("error", DOSE)]
    assert around.asked == []
    around.put(changed(ended, "effectivePeriod.start", "2026-11-17T09:56:00-08:00"))
    assert [one[:2] for one in told(around, RULES, GIVEN, "cs-26")] == [("error", SUBJECT)]


def test_it_is_asked_once_and_only_of_administrations() -> None:
    around = example()
    for write in (DRAW, SEGMENT, WASTE):
        assert around.findings(RULES, around.of(write)) == []
    assert around.asked == []
    around.findings(RULES, around.of(GIVEN))
    assert around.asked == [("Consent", PATIENT), ("AllergyIntolerance", PATIENT)]


def test_nothing_is_asked_when_it_is_off_and_of_what_never_happened() -> None:
    around = with_action(example(), "cs-26", OFF)
    assert around.findings(RULES, around.of(GIVEN)) == []
    assert around.asked == []
    around = example()
    for status in ("not-done", "entered-in-error"):
        around.put({**around.after[GIVEN], "status": status, "request": {"display": "none"}})
        assert around.findings(RULES, around.of(GIVEN)) == []
    assert around.asked == []


def test_the_example_visit_passes() -> None:
    around = example()
    assert [issue for written in around.writes for issue in around.findings(RULES, written)] == []
