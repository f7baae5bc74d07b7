"""The grammar of scopes: SC1, SC2, SC6 and SC7 of SMART 2.2 as this service keeps them, and row 44 of the leak matrix."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.security.granular import Condition
from service.security.scope import MAX_SCOPE_CHARACTERS, MAX_SCOPES, NAMES, AnyScope, Grammar, Named, Scope, ScopeError
from tests.unit.security.scopes import BASE, CATEGORY, GRAMMAR, LABORATORY, VITAL_SIGNS, any_scopes, fhir

LETTERS = ["".join(letter for place, letter in enumerate("cruds") if number >> place & 1) for number in range(1, 32)]


def _refused(text: str) -> None:
    with pytest.raises(ScopeError) as refusal:
        GRAMMAR.scope(text)
    assert refusal.value.scope == text
    assert str(refusal.value).isascii()


@pytest.mark.parametrize("letters", LETTERS)
@pytest.mark.parametrize("context", ["patient", "user", "system"])
def test_sc1_any_letters_in_order(context: str, letters: str) -> None:
    assert GRAMMAR.scope(f"{context}/Observation.{letters}") == Scope(context, "Observation", letters)


@pytest.mark.parametrize("letters", ["dus", "sr", "rr", "srudc", "", "CRUDS", "R", "x", "rsx", "c r", "rs.", ".rs", "read.rs"])
def test_sc1_letters_out_of_order_or_unknown(letters: str) -> None:
    _refused(f"system/Observation.{letters}")


@pytest.mark.parametrize(
    "text",
    [
        "System/Patient.rs",
        "USER/Patient.rs",
        "offline/Patient.rs",
        "/Patient.rs",
        "Patient.rs",
        "system/patient.rs",
        "system/.rs",
        "system/Patient",
    ],
)
def test_sc1_contexts_and_types_are_case_sensitive(text: str) -> None:
    _refused(text)


@pytest.mark.parametrize("type", ["Vial", "Patients", "Resource", "DomainResource", "Element", "InventoryItem"])
def test_sc1_types_are_those_of_r4(type: str) -> None:
    _refused(f"system/{type}.rs")


def test_sc1_any_type() -> None:
    assert GRAMMAR.scope("system/*.cruds") == Scope("system", "*", "cruds")


@pytest.mark.parametrize(("word", "letters"), [("read", "rs"), ("write", "cud"), ("*", "cruds")])
def test_sc2_v1_is_mapped_and_returned_as_asked(word: str, letters: str) -> None:
    for type in ("Patient", "*"):
        found = fhir(f"user/{type}.{word}")
        assert (found.letters, found.is_v1) == (letters, True)
        assert str(found) == f"user/{type}.{word}"


@pytest.mark.parametrize("word", ["read", "write", "*"])
def test_sc2_v1_has_no_parameters(word: str) -> None:
    _refused(f"system/Observation.{word}?{VITAL_SIGNS}")


def test_sc6_vital_signs() -> None:
    found = fhir(f"system/Observation.rs?{VITAL_SIGNS}")
    assert found.conditions == (Condition("category", CATEGORY, "vital-signs"),)


def test_sc6_several_conditions_are_sorted_and_each_stands_once() -> None:
    found = fhir(f"patient/Observation.rs?status=final&{VITAL_SIGNS}&status=final&{LABORATORY}")
    assert str(found) == f"patient/Observation.rs?{LABORATORY}&{VITAL_SIGNS}&status=final"


@pytest.mark.parametrize(
    "scope",
    [
        *(
            f"Condition.rs?category=http://terminology.hl7.org/CodeSystem/condition-category|{code}"
            for code in ("encounter-diagnosis", "problem-list-item")
        ),
        "Condition.rs?category=http://hl7.org/fhir/us/core/CodeSystem/condition-category|health-concern",
        *(f"Observation.rs?category={CATEGORY}|{code}" for code in ("social-history", "laboratory", "survey", "vital-signs")),
        "Observation.rs?category=http://hl7.org/fhir/us/core/CodeSystem/us-core-category|sdoh",
    ],
)
def test_sc6_what_us_core_asks_for(scope: str) -> None:
    for context in ("patient", "user", "system"):
        assert str(GRAMMAR.scope(f"{context}/{scope}")) == f"{context}/{scope}"


@pytest.mark.parametrize(
    "query",
    [
        "category:in=http://x.example/vs",
        "category:not=http://x.example/a|b",
        "code:below=http://x.example/a|b",
        "subject=Patient/1",
        "patient.gender=male",
        "subject:Patient.gender=male",
        "_has:Observation:patient:code=http://x.example/a|b",
        "_filter=category eq vital-signs",
        "_filter=x",
        "_id=1",
        "_lastUpdated=2026",
        "_sort=date",
        "_count=1",
        "_include=subject",
        "date=2026",
        "date=ge2026-01-01",
        "identifier=http://x.example/a|b",
        "value-concept=http://x.example/a|b",
        "unknown=http://x.example/a|b",
    ],
)
def test_sc6_modifiers_chains_filters_and_other_parameters(query: str) -> None:
    _refused(f"system/Observation.rs?{query}")


@pytest.mark.parametrize("type", ["*", "Patient", "Subscription"])
def test_sc6_a_type_has_only_its_own_parameters(type: str) -> None:
    _refused(f"system/{type}.rs?{VITAL_SIGNS}")
    assert fhir(f"system/{type}.rs?_security=http://x.example/a|R").conditions == (Condition("_security", "http://x.example/a", "R"),)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "category",
        "category=",
        "=x",
        "category=vital-signs",
        "category=|vital-signs",
        f"category={CATEGORY}|",
        f"category={CATEGORY}",
        "status=http://hl7.org/fhir/observation-status|final",
        f"{VITAL_SIGNS},laboratory",
        f"category={CATEGORY}%7Cvital-signs",
        f"{VITAL_SIGNS}&",
        f"&{VITAL_SIGNS}",
        f"{VITAL_SIGNS}&&status=final",
        f"{VITAL_SIGNS}?status=final",
        f"{VITAL_SIGNS}#x",
        f"{VITAL_SIGNS}\\",
        "category=ftp://x.example/a|b",
        "category=a|b|c",
        "status=final;draft",
    ],
)
def test_sc6_values_have_one_spelling(query: str) -> None:
    _refused(f"system/Observation.rs?{query}")


@pytest.mark.parametrize(
    "text",
    [
        "system:Patient.read",
        "Patient/*.rs",
        "system/*.RS",
        "system/*.rs ",
        "system/*.rs\u00a0",
        "system/*.rs\u200b",
        " system/*.rs",
        "system/*.rs\n",
        "system/*.rs\r\n",
        "system/*.rs\t",
        "system/*.rs\x00",
        "system%2F*.rs",
        "system/%2a.rs",
        "system/Patient%2ers",
        "system/Patient.rs%20",
        "system/Patient.rs?category",
        "system/Patient.rs?",
        "system//Patient.rs",
        "system/Patient/1.rs",
        "system/../Patient.rs",
        "ѕystem/Patient.rs",
        "system/Рatient.rs",
        "system/Patient.ｒs",
        "system/Patient。rs",
        "system∕Patient.rs",
        "system/Patient.rs,system/*.rs",
        "system/Patient.rs+system/*.rs",
        "system/Patient.rs;system/*.rs",
        "system/**.rs",
        "system/*.**",
        "*/*.*",
        "system/Pat*.rs",
        "system/Patient|Observation.rs",
        "system/[A-Z].rs",
        '{"system/*":"rs"}',
        "",
        "\ud800",
        "launch/patient",
        "openid",
    ],
)
def test_row_44_hostile_strings(text: str) -> None:
    _refused(text)


@pytest.mark.parametrize("text", ["system/Observation.rs?" + "status=" + "a" * 50_000, "system/" + "A" * 50_000, "a" * 50_000 + "|"])
def test_s25_long_strings_are_not_matched_at_all(text: str) -> None:
    assert len(text) > MAX_SCOPE_CHARACTERS
    _refused(text)


def test_s25_a_scope_that_is_too_long_is_refused_however_good_it_is() -> None:
    values = [f"status={'a' * 60}{number}" for number in range(9)]
    assert len(fhir("system/Observation.rs?" + "&".join(values[:7])).conditions) == 7
    _refused("system/Observation.rs?" + "&".join(values))


@pytest.mark.parametrize("name", NAMES)
def test_scopes_of_the_service_are_uris_below_its_base(name: str) -> None:
    assert GRAMMAR.scope(f"{BASE}/scope/{name}") == Named(BASE, name)
    for text in (
        name,
        f"{BASE}/{name}",
        f"{BASE}/scope/{name}/",
        f"{BASE}/scope/{name}?x",
        f"{BASE}//scope/{name}",
        f"https://other.example/fhir/scope/{name}",
    ):
        _refused(text)
    _refused(f"{BASE}/scope/{name.upper()}")
    _refused(f"{BASE}x/scope/{name}")
    assert f"{BASE}/scope/{name}" not in {str(scope) for scope in Grammar("https://other.example", frozenset()).named}


def test_scopes_of_the_service_are_known_by_name() -> None:
    assert NAMES == ("admin.clients", "audit.full", "ledger.read", "ledger.write")
    _refused(f"{BASE}/scope/ledger.delete")
    _refused(f"{BASE}/scope/")


def test_a_list_has_one_space_between_scopes_and_each_once() -> None:
    text = f"user/Patient.rs system/*.rs {BASE}/scope/ledger.read system/*.rs"
    assert [str(scope) for scope in GRAMMAR.scopes(text)] == [f"{BASE}/scope/ledger.read", "system/*.rs", "user/Patient.rs"]
    assert GRAMMAR.scopes("") == ()
    for bad in (
        "user/Patient.rs  system/*.rs",
        " user/Patient.rs",
        "user/Patient.rs ",
        "user/Patient.rs\tsystem/*.rs",
        "user/Patient.rs nonsense",
    ):
        with pytest.raises(ScopeError):
            GRAMMAR.scopes(bad)


def test_a_list_is_bounded() -> None:
    assert len(GRAMMAR.scopes(" ".join(["system/*.rs"] * MAX_SCOPES))) == 1
    for reading in (GRAMMAR.scopes, GRAMMAR.understood, GRAMMAR.typed):
        with pytest.raises(ScopeError):
            reading(" ".join(["system/*.rs"] * (MAX_SCOPES + 1)))


def test_operators_type_the_last_segment() -> None:
    assert GRAMMAR.typed("  ledger.read   system/Patient.rs\n") == (Named(BASE, "ledger.read"), Scope("system", "Patient", "rs"))
    with pytest.raises(ScopeError):
        GRAMMAR.typed("ledger.everything")


def test_of_another_issuer_only_what_is_understood_counts() -> None:
    found, others = GRAMMAR.understood(
        f"openid user/Patient.rs user/Observation.rs?{VITAL_SIGNS} user/Observation.rs?category:in=x  fhirUser"
    )
    assert [str(scope) for scope in found] == [f"user/Observation.rs?{VITAL_SIGNS}", "user/Patient.rs"]
    assert others == ("openid", "user/Observation.rs?category:in=x", "", "fhirUser")


@given(any_scopes())
def test_sc7_what_is_printed_is_read_as_the_same(scope: AnyScope) -> None:
    assert GRAMMAR.scope(str(scope)) == scope


@given(st.lists(any_scopes(), max_size=6))
def test_sc7_lists_are_printed_and_read_as_the_same(scopes: list[AnyScope]) -> None:
    text = " ".join(map(str, scopes))
    assert set(GRAMMAR.scopes(text)) == set(scopes)


_PIECES = [
    "system",
    "patient",
    "user",
    "/",
    "*",
    ".",
    "Patient",
    "Observation",
    "rs",
    "read",
    "cruds",
    "?",
    "category",
    "=",
    "http://x.example/a",
    "|",
    "b",
    "&",
    " ",
    "%",
    "_",
]


@given(st.one_of(st.text(), st.lists(st.sampled_from(_PIECES), max_size=14).map("".join)))
def test_sc7_fuzz_is_read_canonically_or_refused_with_the_one_error(text: str) -> None:
    for reading in (
        lambda: (GRAMMAR.scope(text),),
        lambda: GRAMMAR.scopes(text),
        lambda: GRAMMAR.typed(text),
        lambda: GRAMMAR.understood(text)[0],
    ):
        try:
            found = reading()
        except ScopeError:
            continue
        assert all(GRAMMAR.scope(str(scope)) == scope for scope in found)


@given(any_scopes(), st.integers(0, 200), st.characters())
def test_sc7_one_character_more_is_another_scope_or_none(scope: AnyScope, place: int, character: str) -> None:
    """No character is ignored: with one more, the text is refused or means something else, or is another spelling of the same in a list."""
    text = str(scope)
    changed = text[:place] + character + text[place:]
    try:
        found = GRAMMAR.scope(changed)
    except ScopeError:
        return
    assert found != scope
