"""Who may draw, give, waste and witness, who signs, and for whom a client may write (CS-10 to CS-13)."""

from typing import Any

import pytest

from service.ledger.policy import OFF
from service.ledger.rules import people
from service.ledger.scene import Actor
from tests.unit.ledger.cases import (
    CHEN,
    DRAW,
    ESCORT,
    GIVEN,
    OKAFOR,
    PATIENT,
    RECEIPT,
    RIVERA,
    SEGMENT,
    SIGNED,
    WASTE,
    Alter,
    Case,
    altered,
    expect_doubt,
    expect_law,
    expect_nothing,
    expect_policy,
    kept,
    told,
    with_action,
)
from tests.unit.ledger.scene import FakeScene, changed, example

RULES = people.RULES
CLINIC = "https://clinic.example/fhir/CodeSystem/ketamine-clinic"
SNOMED = "http://snomed.info/sct"
ROLE = {"resourceType": "PractitionerRole", "id": "role-1", "practitioner": {"reference": CHEN}, "code": [{}]}


def both(*alters: Alter) -> Alter:
    def alter(around: FakeScene) -> None:
        for one in alters:
            one(around)

    return alter


def licence(period: dict[str, str] | None, code: str = "RN") -> list[dict[str, Any]]:
    coding = {"system": "http://terminology.hl7.org/CodeSystem/v2-0360", "code": code}
    return [{"code": {"coding": [coding]}} | ({"period": period} if period else {})]


def role(snomed: str, **more: Any) -> Alter:
    concept = {"coding": [{"system": SNOMED, "code": snomed}]}
    return lambda around: around.put({**ROLE, "code": [concept], **more})


NOT_YET, OVER = {"start": "2026-11-18"}, {"start": "2020-01-01", "end": "2026-11-16"}
UNLICENSED = {"qualification": None, "identifier": [{"system": "urn:x", "value": "1"}]}

WITNESSES = {
    "performer": Case(altered("performer.1.reference", CHEN, WASTE), WASTE, "Observation.performer[1]", "did it"),
    "patient": Case(altered("performer.1.reference", PATIENT, WASTE), WASTE, "Observation.performer[1]", "never the patient"),
    "relative": Case(altered("performer.1.reference", ESCORT, WASTE), WASTE, "Observation.performer[1]", "never the patient"),
    "device": Case(altered("performer.1.reference", "Device/device-9", WASTE), WASTE, "Observation.performer[1]", "one of the staff"),
    "stranger": Case(altered("performer.1.reference", "Practitioner/none", WASTE), WASTE, "Observation.performer[1]", "not in this record"),
    "expired": Case(kept(OKAFOR, qualification=licence(OVER)), WASTE, "Observation.performer[1]", "not in force"),
    "not-yet": Case(kept(OKAFOR, qualification=licence(NOT_YET)), WASTE, "Observation.performer[1]", "not in force"),
    "unlicensed": Case(kept(OKAFOR, **UNLICENSED), WASTE, "Observation.performer[1]", "a licence"),
    "inactive": Case(kept(OKAFOR, active=False), WASTE, "Observation.performer[1]", "not active"),
    "receiver": Case(altered("receiver.1.reference", CHEN, RECEIPT), RECEIPT, "SupplyDelivery.receiver[1]", "did it"),
    "by-role": Case(
        both(role("224535009"), altered("performer.1.reference", "PractitionerRole/role-1", WASTE)),
        WASTE,
        "Observation.performer[1]",
        "did it",
    ),
}


@pytest.mark.parametrize("name", WITNESSES)
def test_a_witness_is_another_licensed_member_of_staff(name: str) -> None:
    expect_policy(WITNESSES[name], RULES, "cs-10")


def test_a_witness_of_an_administration_stands_among_its_performers() -> None:
    function = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/med-admin-perform-function", "code": "witness"}]}
    case = Case(
        altered("performer.1", {"function": function, "actor": {"reference": CHEN}}, GIVEN), GIVEN, "MedicationAdministration.performer[1]"
    )
    expect_policy(case, RULES, "cs-10")


def test_in_a_destruction_that_is_law() -> None:
    def alter(around: FakeScene) -> None:
        waste = changed(around.after[WASTE], "performer.1.reference", CHEN)
        waste["code"] = {"coding": [{"system": CLINIC, "code": "cs-destroyed"}]}
        around.put(waste)

    expect_law(Case(alter, WASTE, "Observation.performer[1]", "1317.95(d)"), RULES, "cs-10")


def test_a_missing_witness_is_not_for_these_rules() -> None:
    expect_nothing(Case(altered("performer.1", None, WASTE), WASTE, ""), RULES, "cs-10")


DOUBTFUL_WITNESSES = {
    "undated": Case(kept(OKAFOR, qualification=licence(None)), WASTE, "Observation.performer[1]", "no period"),
    "left-since": Case(kept(OKAFOR, since="2026-11-17T19:30:00Z", active=False), WASTE, "Observation.performer[1]", "not active any more"),
}


@pytest.mark.parametrize("name", DOUBTFUL_WITNESSES)
def test_what_cannot_be_told_of_a_witness_is_a_warning(name: str) -> None:
    expect_doubt(DOUBTFUL_WITNESSES[name], RULES, "cs-10")


SIGNATURES = {
    "somebody-else": Case(altered("signature.1.who.reference", CHEN, SIGNED), SIGNED, "Provenance.signature[1]", "the record names"),
    "unnamed": Case(altered("signature.1.who", {"display": "S. Okafor"}, SIGNED), SIGNED, "Provenance.signature[1]", "Somebody unnamed"),
    "before": Case(
        altered("signature.1.when", "2026-11-17T10:55:59-08:00", SIGNED), SIGNED, "Provenance.signature[1]", "before it happened"
    ),
    "late": Case(
        altered("signature.1.when", "2026-11-17T11:56:01-08:00", SIGNED), SIGNED, "Provenance.signature[1]", "later than 60 minutes"
    ),
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_the_named_witness_signs_after_the_event_and_soon(name: str) -> None:
    expect_policy(SIGNATURES[name], RULES, "cs-11")


def test_a_signature_at_the_end_of_its_time_is_in_time() -> None:
    for when in ("2026-11-17T10:56:00-08:00", "2026-11-17T11:56:00-08:00"):
        expect_nothing(Case(altered("signature.1.when", when, SIGNED), SIGNED, ""), RULES, "cs-11")


def test_no_signature_yet_is_a_warning() -> None:
    case = Case(lambda around: around.remove(SIGNED), WASTE, "Observation.performer[1]", "not signed yet")
    expect_doubt(case, RULES, "cs-11")


def test_a_late_signature_with_a_reason_is_a_warning() -> None:
    def alter(around: FakeScene) -> None:
        reason = {"url": "https://clinic.example/fhir/StructureDefinition/late-entry-reason", "valueString": "An emergency in room 2"}
        around.put({**around.after[WASTE], "extension": [reason]})
        altered("signature.1.when", "2026-11-17T13:00:00-08:00", SIGNED)(around)

    expect_doubt(Case(alter, SIGNED, "Provenance.signature[1]", "says why"), RULES, "cs-11")


def test_a_signature_that_is_there_already_is_judged_when_the_waste_is_amended() -> None:
    around = example()
    around.settle()
    around.put(changed(around.after[WASTE], "effectiveDateTime", "2026-11-17T10:58:00-08:00"))
    assert [one[:2] for one in told(around, RULES, WASTE, "cs-11")] == [("error", "Observation.performer[1]")]


def test_a_signature_that_comes_later_is_judged_when_it_comes() -> None:
    around = example()
    around.settle()
    around.put(changed(around.after[SIGNED], "signature.1.who.reference", RIVERA))
    assert [one[:2] for one in told(around, RULES, SIGNED, "cs-11")] == [("error", "Provenance.signature[1]")]
    assert around.asked == []


PERFORMERS = {
    "patient": Case(
        altered("performer.0.actor.reference", PATIENT, GIVEN), GIVEN, "MedicationAdministration.performer[0]", "no member of staff"
    ),
    "stranger": Case(
        altered("performer.0.actor.reference", "Practitioner/none", DRAW), DRAW, "MedicationDispense.performer[0]", "no member of"
    ),
    "expired": Case(kept(CHEN, qualification=licence(OVER)), DRAW, "MedicationDispense.performer[0]", "not in force"),
    "not-yet": Case(kept(CHEN, qualification=licence(NOT_YET)), SEGMENT, "MedicationAdministration.performer[0]", "not in force"),
    "unlicensed": Case(kept(CHEN, **UNLICENSED), WASTE, "Observation.performer[0]", "one of CRNA, DO, MD, NP, PA, RN"),
    "other-licence": Case(
        kept(CHEN, qualification=licence({"start": "2020-01-01"}, "none"), identifier=None),
        WASTE,
        "Observation.performer[0]",
        "one of CRNA",
    ),
    "administrator": Case(
        both(kept(CHEN, **UNLICENSED), role("394587001")), GIVEN, "MedicationAdministration.performer[0]", "does not say that"
    ),
    "inactive": Case(kept(CHEN, active=False), DRAW, "MedicationDispense.performer[0]", "not active"),
}


@pytest.mark.parametrize("name", PERFORMERS)
def test_who_does_it_has_a_permitted_role(name: str) -> None:
    expect_policy(PERFORMERS[name], RULES, "cs-12")


PERMITTED = {
    "by-role": both(kept(CHEN, **UNLICENSED), role("224535009", period={"start": "2026-01-01"})),
    "by-qualification": kept(CHEN, identifier=None),
    "dated-identifier": kept(
        CHEN,
        qualification=None,
        identifier=[
            {
                "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "RN"}]},
                "value": "RN1",
                "period": {"start": "2024-01-01"},
            }
        ],
    ),
    "second-licence": kept(CHEN, qualification=[*licence(OVER), *licence({"start": "2024-01-01"}, "NP")]),
    "last-day": kept(CHEN, qualification=licence({"start": "2024", "end": "2026-11-17"})),
}


@pytest.mark.parametrize("name", PERMITTED)
def test_a_role_comes_from_qualification_identifier_or_practitioner_role(name: str) -> None:
    expect_nothing(Case(PERMITTED[name], GIVEN, ""), RULES, "cs-12")


DOUBTFUL = {
    "undated-qualification": kept(CHEN, qualification=licence(None)),
    "undated-identifier": kept(CHEN, qualification=None),
    "undated-role": both(kept(CHEN, **UNLICENSED), role("224563006")),
}


@pytest.mark.parametrize("name", DOUBTFUL)
def test_a_role_without_a_period_is_a_warning(name: str) -> None:
    expect_doubt(Case(DOUBTFUL[name], DRAW, "MedicationDispense.performer[0]", "no period"), RULES, "cs-12")


def test_an_identifier_does_not_prolong_a_licence_that_is_over() -> None:
    around = example()
    around.keep(around.after[CHEN], qualification=licence(OVER))
    assert [one[0] for one in told(around, RULES, DRAW, "cs-12")] == ["error"]


def test_a_role_that_has_ended_or_is_not_active_counts_for_nothing() -> None:
    for more in ({"active": False}, {"period": OVER}):
        around = example()
        both(kept(CHEN, **UNLICENSED), role("224535009", **more))(around)
        assert [one[0] for one in told(around, RULES, DRAW, "cs-12")] == ["error"]


NAMELESS = {
    "draw": Case(altered("performer", None, DRAW), DRAW, "MedicationDispense.performer", "1304.22(c)"),
    "given": Case(
        altered("performer.0.actor", {"display": "Morgan Chen"}, GIVEN), GIVEN, "MedicationAdministration.performer", "by a reference"
    ),
    "waste": Case(altered("performer.0", None, WASTE), WASTE, "Observation.performer", "Name the performer"),
}


@pytest.mark.parametrize("name", NAMELESS)
def test_the_record_names_who_did_it_and_that_is_law(name: str) -> None:
    expect_law(NAMELESS[name], RULES, "cs-12")


def test_practitioner_role_is_asked_for_only_where_the_practitioner_says_nothing() -> None:
    around = example()
    for written in around.writes:
        around.findings(RULES, written)
    assert around.asked == [("Provenance", WASTE)]


def test_nothing_is_asked_of_people_when_the_rules_are_off() -> None:
    around = example()
    both(kept(CHEN, **UNLICENSED), kept(OKAFOR, **UNLICENSED))(around)
    with_action(around, "cs-12", OFF)
    told(around, RULES, DRAW, "cs-12")
    assert around.asked == []


def write_as(user: str | None, may_delegate: bool = False) -> Alter:
    def alter(around: FakeScene) -> None:
        around.actor = Actor("client", user, may_delegate, False)

    return alter


CLAIMS = {
    "system": Case(write_as(None), DRAW, "MedicationDispense.performer[0]", "this client is not who"),
    "other-person": Case(write_as(OKAFOR), GIVEN, "MedicationAdministration.performer[0]", f"{OKAFOR} is not who"),
    "witness": Case(write_as(OKAFOR), WASTE, "Observation.performer[0]", "ledger.write"),
    "receipt": Case(write_as(OKAFOR), RECEIPT, "SupplyDelivery.receiver[0]"),
    "patient": Case(write_as(PATIENT), DRAW, "MedicationDispense.performer[0]"),
    "nobody": Case(both(write_as(CHEN), altered("performer", None, DRAW)), DRAW, "MedicationDispense.performer"),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_who_writes_for_another_needs_a_scope_and_that_is_law(name: str) -> None:
    expect_law(CLAIMS[name], RULES, "cs-13")


def test_who_did_it_writes_without_a_scope() -> None:
    for write in (DRAW, GIVEN, WASTE, RECEIPT):
        expect_nothing(Case(write_as(CHEN), write, ""), RULES, "cs-13")
        expect_nothing(Case(write_as(RIVERA, may_delegate=True), write, ""), RULES, "cs-13")
        expect_nothing(Case(write_as(None, may_delegate=True), write, ""), RULES, "cs-13")


def test_the_role_of_who_did_it_is_resolved() -> None:
    named = altered("performer.0.actor.reference", "PractitionerRole/role-1", DRAW)
    expect_nothing(Case(both(write_as(CHEN), role("224535009"), named), DRAW, ""), RULES, "cs-13")
    expect_nothing(Case(both(role("224535009"), named), DRAW, ""), RULES, "cs-12")


def test_an_amendment_that_names_nobody_else_claims_nothing() -> None:
    around = example()
    around.settle()
    around.actor = Actor("client", RIVERA, False, False)
    around.put(changed(around.after[WASTE], "valueQuantity.value", 17.9))
    assert told(around, RULES, WASTE, "cs-13") == []
    around.put(changed(around.after[WASTE], "performer.0.reference", OKAFOR))
    assert [one[0] for one in told(around, RULES, WASTE, "cs-13")] == ["error"]


@pytest.mark.parametrize("status", ["entered-in-error"])
def test_what_never_happened_is_not_judged(status: str) -> None:
    for write in (DRAW, GIVEN, WASTE):
        around = example()
        around.actor = Actor("client", None, False, False)
        around.put({**changed(around.after[write], "performer", None), "status": status})
        assert around.findings(RULES, around.of(write)) == []


def test_the_example_visit_passes() -> None:
    around = example()
    assert [issue for written in around.writes for issue in around.findings(RULES, written)] == []
