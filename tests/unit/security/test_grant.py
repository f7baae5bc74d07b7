"""What scopes give together: SC2 to SC5 and SC8, T2, and set operations against a model that asks every scope about every case."""

from itertools import product

import pytest
from hypothesis import given

from service.rest.dispatch import INTERACTIONS
from service.security.grant import LETTER_OF, Grant, Reach
from service.security.granular import ALLOWED, EVERY_TYPE, Condition
from service.security.scope import Named, Scope
from tests.unit.security.scopes import BASE, LABORATORY, VITAL_SIGNS, fhir, fhir_scopes, grant, grants

WHOLE = Reach("system", None, ())
VITAL = fhir(f"system/Observation.rs?{VITAL_SIGNS}").conditions
BOTH = f"{LABORATORY}&{VITAL_SIGNS}"
PER_ENTRY = {"batch", "transaction"}
PUBLIC = {"capabilities"}
BY_ITSELF = {"operation"}


def test_sc3_every_interaction_has_its_letter() -> None:
    assert set(LETTER_OF) == INTERACTIONS.keys() - PER_ENTRY - PUBLIC - BY_ITSELF
    assert {letter: {name for name, needs in LETTER_OF.items() if needs == letter} for letter in "cruds"} == {
        "c": {"create"},
        "r": {"read", "vread", "history-instance"},
        "u": {"update", "patch"},
        "d": {"delete"},
        "s": {"search-type", "search-system", "history-type", "history-system"},
    }


@pytest.mark.parametrize("letter", "cruds")
def test_sc3_a_letter_gives_no_other(letter: str) -> None:
    one = grant(f"system/Observation.{letter}")
    assert {other for other in "cruds" if one.reaches(other, "Observation")} == {letter}
    assert not one.reaches(letter, "Patient")


@pytest.mark.parametrize("letter", ["", "rs", "x", "R"])
def test_a_letter_that_is_none_is_a_mistake_of_the_caller(letter: str) -> None:
    with pytest.raises(ValueError, match="no letter"):
        grant("system/*.cruds").reaches(letter, "Patient")


def test_nothing_is_granted_by_nothing() -> None:
    assert not Grant()
    assert Grant().reaches("r", "Patient") == ()
    assert not Grant().has("ledger.read")


def test_a_reach_is_whole_without_a_patient_and_conditions() -> None:
    assert WHOLE.is_whole
    assert not Reach("system", None, VITAL).is_whole
    assert not Reach("patient", "p", ()).is_whole


def test_sc5_scopes_add_up() -> None:
    found = grant(f"system/Observation.r system/Observation.s?{VITAL_SIGNS}")
    assert found.reaches("r", "Observation") == (WHOLE,)
    assert found.reaches("s", "Observation") == (Reach("system", None, VITAL),)
    assert (found | grant("system/Observation.s")).reaches("s", "Observation") == (WHOLE,)


def test_sc5_alternatives_stay_apart_and_the_wider_one_wins() -> None:
    both = grant(f"system/Observation.rs?{VITAL_SIGNS} system/Observation.rs?{LABORATORY} system/Observation.rs?{VITAL_SIGNS}&status=final")
    assert [len(reach.conditions) for reach in both.reaches("r", "Observation")] == [1, 1]
    assert not any(reach.is_whole for reach in both.reaches("r", "Observation"))
    assert grant(f"system/*.rs system/Observation.rs?{VITAL_SIGNS}").reaches("r", "Observation") == (WHOLE,)


def test_sc5_a_user_and_a_system_are_not_merged() -> None:
    assert [reach.context for reach in grant("user/Patient.rs system/Patient.rs").reaches("r", "Patient")] == ["system", "user"]


@pytest.mark.parametrize("type", ["AuditEvent", "Subscription", "StructureDefinition", "Bundle"])
def test_row_45_any_type_is_the_clinical_ones(type: str) -> None:
    assert not any(grant("system/*.cruds system/*.* user/*.* patient/*.*").reaches(letter, type, ["1"]) for letter in "cruds")
    assert grant(f"system/{type}.r").reaches("r", type) == (WHOLE,)


def test_row_45_the_ledger_is_named() -> None:
    assert not grant("system/*.*").has("ledger.read")
    assert grant(f"{BASE}/scope/ledger.read").has("ledger.read")
    assert not grant(f"{BASE}/scope/ledger.read").has("ledger.write")
    assert not any(grant(f"{BASE}/scope/ledger.read").reaches(letter, "Medication") for letter in "cruds")


def test_sc8_a_patient_scope_needs_exactly_one_patient() -> None:
    found = grant("patient/Observation.rs")
    assert found.reaches("r", "Observation", ["a"]) == (Reach("patient", "a", ()),)
    assert found.reaches("r", "Observation") == ()
    assert found.reaches("r", "Observation", ["a", "b"]) == ()
    assert not found.reaches("r", "Observation", ["a"])[0].is_whole


def test_sc8_other_scopes_need_none() -> None:
    assert grant("patient/*.rs system/Observation.rs").reaches("r", "Observation", ["a", "b"]) == (WHOLE,)


@pytest.mark.parametrize(
    ("asked", "policy", "granted"),
    [
        ("system/*.rs", "system/*.rs", "system/*.rs"),
        ("system/*.rs", "system/Patient.rs system/Observation.cruds", "system/Observation.rs system/Patient.rs"),
        ("system/Patient.rs", "system/*.r", "system/Patient.r"),
        ("system/Patient.cruds", "system/Patient.rs", "system/Patient.rs"),
        ("system/Patient.rs", "system/Patient.r system/Patient.s", "system/Patient.rs"),
        ("system/Observation.rs", f"system/Observation.rs?{VITAL_SIGNS}", f"system/Observation.rs?{VITAL_SIGNS}"),
        (f"system/Observation.rs?{VITAL_SIGNS}", "system/Observation.rs", f"system/Observation.rs?{VITAL_SIGNS}"),
        (f"system/Observation.rs?{VITAL_SIGNS}", "system/*.r", f"system/Observation.r?{VITAL_SIGNS}"),
        (f"system/Observation.rs?{LABORATORY}", f"system/Observation.rs?{VITAL_SIGNS}", ""),
        (f"system/Observation.rs?{BOTH}", f"system/Observation.rs?{VITAL_SIGNS}", f"system/Observation.rs?{BOTH}"),
        ("system/Observation.rs?status=final", f"system/Observation.rs?{VITAL_SIGNS}", f"system/Observation.rs?{VITAL_SIGNS}&status=final"),
        ("system/AuditEvent.rs", "system/*.rs", ""),
        ("system/*.rs", "system/AuditEvent.rs", ""),
        ("system/AuditEvent.rs", "system/AuditEvent.r", "system/AuditEvent.r"),
        ("user/Patient.rs", "system/Patient.rs", ""),
        ("patient/Patient.rs", "user/Patient.rs system/*.*", ""),
        ("system/Patient.cd", "system/*.rs", ""),
        (f"{BASE}/scope/ledger.read", f"{BASE}/scope/ledger.read {BASE}/scope/audit.full", f"{BASE}/scope/ledger.read"),
        (f"{BASE}/scope/ledger.write", f"{BASE}/scope/ledger.read system/*.*", ""),
        ("system/*.rs", "system/*.rs system/Patient.rs", "system/*.rs"),
        ("", "system/*.rs", ""),
        ("system/*.rs", "", ""),
    ],
)
def test_t2_what_is_asked_for_and_allowed_is_granted(asked: str, policy: str, granted: str) -> None:
    assert str(grant(asked).within(grant(policy))) == granted


@pytest.mark.parametrize(
    ("asked", "policy", "granted"),
    [
        ("system/Patient.read", "system/*.cruds", "system/Patient.read"),
        ("system/*.read", "system/Patient.rs system/Observation.r", "system/Observation.r system/Patient.read"),
        ("system/Patient.write", "system/Patient.cu", "system/Patient.cu"),
        ("system/Patient.read system/Patient.rs", "system/*.read", "system/Patient.read system/Patient.rs"),
        ("system/Patient.rs", "system/*.read", "system/Patient.rs"),
        ("system/Observation.read", f"system/Observation.rs?{VITAL_SIGNS}", f"system/Observation.rs?{VITAL_SIGNS}"),
    ],
)
def test_sc2_what_was_asked_in_v1_is_granted_in_v1_if_it_can_say_it(asked: str, policy: str, granted: str) -> None:
    assert str(grant(asked).within(grant(policy))) == granted


def test_sc7_a_registration_that_looks_like_another_gives_nothing() -> None:
    """CVE-2026-126473: reading was registered in words that nobody compared, and writing was granted."""
    for registered in ("system/Patient.read", "system/Patient.rs"):
        assert not grant("system/Patient.write").within(grant(registered))
        assert not grant("system/Patient.cud system/*.cud").within(grant(registered))


# The model: a case is a context, a type, a letter and the codes that a resource has; a scope gives it or not.

_TYPES = ("Patient", "Observation", "AuditEvent", "Subscription")
_CODES = [
    frozenset(),
    frozenset({Condition("_tag", "urn:oid:1.2", "a")}),
    frozenset({Condition("category", "urn:oid:1.2", "a"), Condition("_tag", "urn:oid:1.2", "a"), Condition("status", "", "a")}),
    frozenset(
        Condition(name, system, code)
        for name in (*EVERY_TYPE, *ALLOWED["Observation"], *ALLOWED["AuditEvent"])
        for system in ("", "urn:oid:1.2", "http://x.example/a")
        for code in "ab"
    ),
]
CASES = list(product(("patient", "user", "system"), _TYPES, "cruds", _CODES))
_CLINICAL = ("Patient", "Observation")


def _gives(scope: object, case: tuple[str, str, str, frozenset[Condition]]) -> bool:
    context, type, letter, codes = case
    if not isinstance(scope, Scope) or scope.context != context or letter not in scope.letters:
        return False
    return (scope.type == type or (scope.type == "*" and type in _CLINICAL)) and all(one in codes for one in scope.conditions)


def _given(found: Grant) -> set[int]:
    return {number for number, case in enumerate(CASES) if any(_gives(scope, case) for scope in found.scopes)}


@given(grants(), grants())
def test_t2_never_more_than_asked_and_never_more_than_allowed(asked: Grant, policy: Grant) -> None:
    granted = asked.within(policy)
    assert _given(granted) <= _given(asked) & _given(policy)
    assert {scope for scope in granted.scopes if isinstance(scope, Named)} == {
        scope for scope in asked.scopes if isinstance(scope, Named) and scope in policy.scopes
    }


@given(grants(), grants())
def test_t2_all_of_it_where_no_values_clash(asked: Grant, policy: Grant) -> None:
    plain = [scope for scope in asked.scopes if isinstance(scope, Scope) and not scope.conditions]
    assert _given(Grant.of(plain).within(policy)) == _given(Grant.of(plain)) & _given(policy)


@given(grants())
def test_t2_what_is_allowed_as_a_whole_is_granted_as_asked(asked: Grant) -> None:
    assert asked.within(asked) == asked
    assert asked.within(asked).within(asked) == asked


@given(grants(), grants())
def test_sc5_a_union_gives_what_either_gives(one: Grant, other: Grant) -> None:
    assert _given(one | other) == _given(one) | _given(other)
    assert one | other == other | one


@given(grants())
def test_reaches_are_what_the_scopes_give(found: Grant) -> None:
    for case in CASES:
        context, type, letter, codes = case
        reached = [reach for reach in found.reaches(letter, type, ["p"]) if reach.context == context]
        assert any(set(reach.conditions) <= codes for reach in reached) == any(_gives(scope, case) for scope in found.scopes)
        assert all((reach.patient == "p") == (reach.context == "patient") for reach in reached)
        assert not any(one.covers(other) for one in reached for other in reached if one != other)


@given(fhir_scopes(), fhir_scopes())
def test_covering_is_giving_all_that_the_other_gives(one: Scope, other: Scope) -> None:
    if one.covers(other):
        assert _given(Grant.of([other])) <= _given(Grant.of([one]))
        met = other.meet(one)
        assert met == other


@given(fhir_scopes(), fhir_scopes())
def test_meeting_is_the_same_from_either_side(one: Scope, other: Scope) -> None:
    mine, theirs = one.meet(other), other.meet(one)
    assert (mine is None) == (theirs is None)
    if mine and theirs:
        assert (mine.type, mine.letters, mine.conditions) == (theirs.type, theirs.letters, theirs.conditions)
        assert one.covers(mine)
        assert other.covers(mine)
