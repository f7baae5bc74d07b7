"""The roles of section 3: what each may and, above all, may not."""

import pytest

from service.security.grant import Grant
from service.security.roles import CATEGORY, CLINIC, ROLES, WINDOW, Rule
from service.security.scope import Scope
from tests.unit.security.scopes import DEFINITIONS, GRAMMAR

NAMES = ("ehr", "gateway", "gateway-correction", "clinician", "custodian", "auditor", "privacy-officer", "admin", "subscriber")


def _grant(name: str) -> Grant:
    return Grant.of(GRAMMAR.typed(" ".join(ROLES[name].scopes)))


def _types(name: str, letters: str) -> set[str]:
    """The types on which a role has one of the letters, in whatever context."""
    return {type for type in DEFINITIONS.all_types if any(_grant(name).reaches(letter, type, ["p"]) for letter in letters)}


def test_the_roles() -> None:
    assert tuple(ROLES) == NAMES
    assert all(role.purpose.endswith(".") and role.name == name for name, role in ROLES.items())


@pytest.mark.parametrize("name", NAMES)
def test_every_scope_is_understood_and_its_type_is_known(name: str) -> None:
    assert ROLES[name].scopes
    for text in (*ROLES[name].scopes, *ROLES[name].scopes_of_a_person):
        [scope] = GRAMMAR.typed(text)
        if isinstance(scope, Scope):
            assert scope.type in {*DEFINITIONS.types, "Subscription"}
            assert str(scope) == text
            assert not scope.is_v1


@pytest.mark.parametrize("name", NAMES)
def test_people_have_the_same_as_users(name: str) -> None:
    role = ROLES[name]
    assert [scope.replace("system/", "user/") for scope in role.scopes] == list(role.scopes_of_a_person)
    assert not any(scope.startswith("system/") for scope in role.scopes_of_a_person)


@pytest.mark.parametrize("name", NAMES)
def test_no_role_deletes_records_has_every_type_or_writes_audit_events(name: str) -> None:
    assert _types(name, "d") <= {"Subscription"}
    assert not any(isinstance(scope, Scope) and scope.type == "*" for scope in _grant(name).scopes)
    assert "AuditEvent" not in _types(name, "cud")


def test_ehr_integration_reads_nine_types_and_writes_nothing() -> None:
    nine = {"Patient", "Encounter", "Procedure", "Observation", "MedicationAdministration", "MedicationRequest"}
    nine |= {"AdverseEvent", "Provenance", "Group"}
    assert _types("ehr", "rs") == nine
    assert _types("ehr", "cud") == set()
    assert all(_grant("ehr").reaches(letter, type)[0].is_whole for letter in "rs" for type in nine)


@pytest.mark.parametrize(("name", "letters"), [("gateway", "c"), ("gateway-correction", "cu")])
def test_a_gateway_writes_vital_signs_and_reads_nothing(name: str, letters: str) -> None:
    found = _grant(name)
    assert _types(name, "cruds") == {"Observation"}
    assert {letter for letter in "cruds" if found.reaches(letter, "Observation")} == set(letters)
    for letter in letters:
        [reach] = found.reaches(letter, "Observation")
        assert [str(one) for one in reach.conditions] == [f"category={CATEGORY}|vital-signs"]
    assert {Rule.OWN_DEVICE, Rule.ANY_TARGET, Rule.FLAG_LATE, Rule.NO_CONDITIONS} <= ROLES[name].rules
    assert (Rule.OWN_RESOURCES in ROLES[name].rules) == (name == "gateway-correction")
    assert (WINDOW.late_after_hours, WINDOW.ahead_minutes) == (24, 5)


def test_a_clinician_writes_the_visit_and_reads_the_chart() -> None:
    assert _types("clinician", "cu") == {"Patient", "Encounter", "Observation", "MedicationAdministration", "AdverseEvent", "Procedure"}
    assert _types("clinician", "rs") >= {"Medication", "Practitioner", "Consent", "AllergyIntolerance", "DetectedIssue"}
    assert not _types("clinician", "rs") & {"AuditEvent", "Subscription", "List", "Group", "Task"}
    assert {scope.context for scope in _grant("clinician").scopes if isinstance(scope, Scope)} == {"user"}
    assert Rule.BREAK_GLASS in ROLES["clinician"].rules


def test_a_custodian_is_a_clinician_who_handles_the_stock() -> None:
    found = _grant("custodian")
    assert set(ROLES["clinician"].scopes) < set(ROLES["custodian"].scopes)
    assert ROLES["custodian"].rules == ROLES["clinician"].rules
    stock = {"Medication", "MedicationDispense", "SupplyDelivery", "List"}
    assert _types("custodian", "c") - _types("clinician", "c") == stock | {"Provenance"}
    assert _types("custodian", "u") - _types("clinician", "u") == stock | {"Task", "DetectedIssue"}
    assert not _types("custodian", "rs") & {"AuditEvent", "Subscription", "Group"}
    assert found.has("ledger.read")
    assert [name for name in NAMES if _grant(name).has("ledger.write")] == ["custodian"]


@pytest.mark.parametrize("name", ["auditor", "privacy-officer"])
def test_an_auditor_reads_the_ledger_and_no_patients(name: str) -> None:
    found = _grant(name)
    assert _types(name, "cud") == set()
    assert not found.reaches("r", "Patient")
    moved = {"MedicationAdministration", "MedicationDispense", "Medication", "SupplyDelivery", "Observation", "DetectedIssue", "List"}
    about = {"AuditEvent", "Provenance", "Task", "Practitioner", "PractitionerRole", "Organization", "Location", "Encounter"}
    assert _types(name, "rs") == moved | about | {"MedicationRequest"}
    restricted = {"Observation": "category=%s|cs-ledger", "DetectedIssue": "code=%s|cs-discrepancy", "List": "code=%s|cs-inventory"}
    for type, text in restricted.items():
        for letter in "rs":
            [reach] = found.reaches(letter, type)
            assert [str(one) for one in reach.conditions] == [text % CLINIC]
    assert found.has("ledger.read")
    assert not found.has("ledger.write")
    assert Rule.RECIPIENTS in ROLES[name].rules


def test_only_the_privacy_officer_reads_what_others_searched() -> None:
    assert [name for name in NAMES if _grant(name).has("audit.full")] == ["privacy-officer"]
    assert Rule.MASKED_QUERIES in ROLES["auditor"].rules
    assert Rule.MASKED_QUERIES not in ROLES["privacy-officer"].rules


def test_an_administrator_sees_no_record() -> None:
    assert _types("admin", "cruds") == set()
    assert [name for name in NAMES if _grant(name).has("admin.clients")] == ["admin"]


def test_a_subscriber_has_its_subscriptions() -> None:
    assert _types("subscriber", "cruds") == {"Subscription"}
    assert Rule.OWN_SUBSCRIPTIONS in ROLES["subscriber"].rules
