"""From claims to a caller: which scopes count, for whom, and what is refused."""

from typing import Any

import pytest

from service.fhir import definitions
from service.security.caller import Caller
from service.security.external.claims import ClaimNames, Understanding
from service.security.external.jwt import TokenRefused
from service.security.scope import Grammar
from tests.unit.security.external.issuer import BASE, CLIENT, access_claims

GRAMMAR = Grammar(BASE, frozenset(definitions.load("").all_types))
VITAL_SIGNS = "category=http://terminology.hl7.org/CodeSystem/observation-category|vital-signs"


def _caller(names: ClaimNames | None = None, **claims: Any) -> Caller:
    return Understanding(GRAMMAR, names or ClaimNames()).caller(access_claims(**claims), "the.raw.token", "203.0.113.7")


def _refusal(**claims: Any) -> str:
    with pytest.raises(TokenRefused) as refusal:
        _caller(**claims)
    return refusal.value.reason


def test_a_client_without_a_person() -> None:
    found = _caller(scope=f"openid profile system/Observation.rs {BASE}/scope/ledger.read nonsense/x system/Patient.RS")
    assert found.client == CLIENT
    assert str(found.grant) == f"{BASE}/scope/ledger.read system/Observation.rs"
    assert (found.user, found.role, found.patients, found.organizations) == (None, None, (), ())
    assert found.address == "203.0.113.7"
    assert found.token
    assert "raw" not in found.token
    assert not found.is_internal


@pytest.mark.parametrize(
    ("claims", "granted"),
    [
        ({"scope": "system/Observation.rs"}, "system/Observation.rs"),
        ({"scope": None, "scp": ["system/Observation.rs", "openid"]}, "system/Observation.rs"),
        ({"scope": None, "scp": "system/Observation.rs openid"}, "system/Observation.rs"),
        ({"scope": "system/Observation.rs", "scp": ["system/Patient.r"]}, "system/Observation.rs system/Patient.r"),
        ({"scope": "system/Observation.read"}, "system/Observation.read"),
        ({"scope": ""}, ""),
        ({"scope": "  system/Patient.r "}, "system/Patient.r"),
        ({"scope": "SYSTEM/Patient.r system:Patient.r system/Patient.sr system/Patient.rs?name=x"}, ""),
    ],
    ids=["scope", "scp list", "scp text", "both", "v1", "empty", "spaces", "malformed"],
)
def test_scopes_are_found_where_providers_put_them(claims: dict[str, Any], granted: str) -> None:
    assert str(_caller(**claims).grant) == granted


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"scope": {"system/*.rs": True}}, "scopes"),
        ({"scope": ["system/*.rs", 1]}, "scopes"),
        ({"scope": " ".join(f"system/Patient.r?_{n}" for n in range(101))}, "scopes-many"),
        ({"azp": None}, "client"),
        ({"azp": "a b"}, "client"),
        ({"azp": ""}, "client"),
        ({"client_id": "another"}, "client"),
        ({"patient": ["a"]}, "patient"),
        ({"patient": "Patient/a"}, "patient"),
        ({"patient": "a/../b"}, "patient"),
        ({"patient": "a" * 65}, "patient"),
        ({"patient": ""}, "patient"),
        ({"fhirUser": ["Practitioner/ada"]}, "reference"),
        ({"device": 5}, "reference"),
        ({"roles": ["clinician", "auditor"]}, "roles-several"),
        ({"roles": [str(n) for n in range(201)]}, "roles-many"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(f"{name}:{str(each)[:18]}" for name, each in value.items()),
)
def test_claims_that_are_no_words_of_ours_are_refused(claims: dict[str, Any], reason: str) -> None:
    assert _refusal(**claims) == reason


@pytest.mark.parametrize("name", ["azp", "client_id", "cid"])
def test_the_client_is_found_where_providers_put_it(name: str) -> None:
    assert _caller(**{"azp": None, name: "ehr"}).client == "ehr"


def test_user_scopes_count_for_a_person_with_a_role_within_that_role() -> None:
    scopes = "user/Observation.cruds user/AuditEvent.rs user/Medication.rs system/Observation.rs"
    found = _caller(scope=scopes, fhirUser="Practitioner/ada", roles=["offline_access", "clinician"], name="Ada Byron")
    assert str(found.grant) == "user/Medication.rs user/Observation.crus"
    assert (found.user, found.role, found.name) == ("Practitioner/ada", "clinician", "Ada Byron")


@pytest.mark.parametrize(
    "claims",
    [
        {"roles": ["clinician"]},
        {"fhirUser": "Practitioner/ada"},
        {"fhirUser": "Practitioner/ada", "roles": ["unheard-of"]},
        {"fhirUser": "Practitioner/ada", "roles": ["gateway"]},
        {"fhirUser": "https://other.example/fhir/Practitioner/ada", "roles": ["clinician"]},
        {"fhirUser": "Organization/ada", "roles": ["clinician"]},
    ],
    ids=["no person", "no role", "unknown role", "a role for machines", "somebody else's person", "no person's type"],
)
def test_user_scopes_count_for_nobody_else(claims: dict[str, Any]) -> None:
    assert not _caller(scope="user/Observation.cruds user/Patient.rs", **claims).grant


def test_system_scopes_count_for_no_person() -> None:
    assert not _caller(scope=f"system/*.cruds {BASE}/scope/ledger.read", fhirUser="Practitioner/ada").grant
    assert not _caller(scope=f"system/*.cruds {BASE}/scope/ledger.read", fhirUser="Practitioner/ada", roles="clinician").grant


def test_a_role_narrows_what_a_client_is_granted() -> None:
    found = _caller(scope="system/Observation.cruds system/Patient.rs", roles=["gateway"], device="Device/pump-1")
    assert str(found.grant) == f"system/Observation.c?{VITAL_SIGNS}"
    assert (found.role, found.device) == ("gateway", "Device/pump-1")
    assert found.rules


def test_an_auditor_is_given_the_ledger_by_name() -> None:
    found = _caller(
        scope=f"user/AuditEvent.rs {BASE}/scope/ledger.read {BASE}/scope/audit.full", fhirUser="Practitioner/ivy", roles="auditor"
    )
    assert str(found.grant) == f"{BASE}/scope/ledger.read user/AuditEvent.rs"


@pytest.mark.parametrize(
    ("names", "claims"),
    [
        (ClaimNames(roles="realm_access.roles"), {"realm_access": {"roles": ["clinician"]}}),
        (ClaimNames(roles="https://clinic.example/roles"), {"https://clinic.example/roles": ["clinician"]}),
        (ClaimNames(aliases={"nurse": "clinician"}), {"roles": ["nurse"]}),
        (ClaimNames(aliases={"nurse": "clinician"}), {"roles": "nurse clinician"}),
        (ClaimNames(roles="a.b.c"), {"a": {"b": {"c": "clinician"}}}),
    ],
    ids=["path", "name with dots", "alias", "alias and name", "deep"],
)
def test_roles_are_found_where_providers_put_them(names: ClaimNames, claims: dict[str, Any]) -> None:
    assert _caller(names, fhirUser="Practitioner/ada", **claims).role == "clinician"


@pytest.mark.parametrize("claims", [{"a": {"b": []}}, {"a": []}, {"a": "b"}, {}], ids=["other", "list", "text", "nothing"])
def test_a_path_that_leads_nowhere_names_no_role(claims: dict[str, Any]) -> None:
    assert _caller(ClaimNames(roles="a.b.c"), **claims).role is None


@pytest.mark.parametrize(
    ("claims", "patients", "granted"),
    [
        ({"patient": "ann"}, ("ann",), "patient/Observation.rs"),
        ({"fhirUser": "Patient/ann"}, ("ann",), "patient/Observation.rs"),
        ({"fhirUser": f"{BASE}/Patient/ann"}, ("ann",), "patient/Observation.rs"),
        ({"fhirUser": "Patient/ann", "patient": "ann"}, ("ann",), "patient/Observation.rs"),
        ({"fhirUser": "Patient/ann", "patient": "bob"}, ("ann", "bob"), ""),
        ({"fhirUser": "Practitioner/ada", "patient": "bob"}, ("bob",), "patient/Observation.rs"),
        ({}, (), ""),
    ],
    ids=["launch context", "own record", "absolute", "both alike", "both differ", "a practitioner's launch", "none"],
)
def test_SC8_patient_scopes_need_exactly_one_patient(claims: dict[str, Any], patients: tuple[str, ...], granted: str) -> None:
    found = _caller(scope="patient/Observation.rs", **claims)
    assert found.patients == patients
    assert str(found.grant) == granted
    assert bool(found.grant.reaches("r", "Observation", found.patients)) is bool(granted)


def test_a_person_is_no_device_and_a_device_no_person() -> None:
    found = _caller(fhirUser="Device/pump-1", device="Practitioner/ada")
    assert (found.user, found.device) == (None, None)


def test_a_name_is_shown_only_when_it_is_one() -> None:
    assert _caller(name=None, preferred_username="ada").name == "ada"
    assert _caller(name="a\nb").name is None
    assert _caller(name=7).name is None
    assert len(_caller(name="x" * 1000).name or "") == 200
