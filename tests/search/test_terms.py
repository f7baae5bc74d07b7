"""`:in`, `:not-in`, `:above` and `:below` on codes, against what is stored: https://hl7.org/fhir/R4/search.html#token."""

from typing import Any

import pytest

from service.errors import BadRequest
from service.search import terms
from service.search.query import All, Chain, Clause, Filter, Has, Match, Not, Query, Token, Uri
from service.search.query import Any as AnyOf
from tests.search.clinic import Clinic
from tests.search.looked_up import found

CODES = "https://clinic.example/fhir/CodeSystem/drugs"
OTHER = "https://clinic.example/fhir/CodeSystem/other"
SETS = "https://clinic.example/fhir/ValueSet"
DRUGS: Any = {
    "resourceType": "CodeSystem",
    "id": "drugs",
    "url": CODES,
    "status": "active",
    "content": "complete",
    "concept": [
        {
            "code": "anaesthetic",
            "concept": [
                {"code": "ketamine", "property": [{"code": "schedule", "valueCode": "III"}], "concept": [{"code": "esketamine"}]},
                {"code": "propofol"},
            ],
        },
        {"code": "benzodiazepine", "concept": [{"code": "midazolam", "property": [{"code": "schedule", "valueCode": "IV"}]}]},
        {"code": "ondansetron"},
    ],
}


def value_set(id: str, *include: Any, **compose: Any) -> Any:
    """A ValueSet at `SETS/id`."""
    return {
        "resourceType": "ValueSet",
        "id": id,
        "url": f"{SETS}/{id}",
        "status": "active",
        "compose": {"include": list(include), **compose},
    }


def coded(*codings: tuple[str, str]) -> Any:
    """A CodeableConcept."""
    return {"coding": [{"system": system, "code": code} for system, code in codings]}


def administration(id: str, *codings: tuple[str, str], patient: str = "ada") -> Any:
    """One dose."""
    tree = {"resourceType": "MedicationAdministration", "id": id, "status": "completed", "subject": {"reference": f"Patient/{patient}"}}
    return {**tree, "medicationCodeableConcept": coded(*codings) if codings else {"text": "unknown"}}


SCHEDULE_III = value_set("schedule-iii", {"system": CODES, "filter": [{"property": "schedule", "op": "=", "value": "III"}]})
DOSES = [
    administration("k", (CODES, "ketamine")),
    administration("m", (CODES, "midazolam"), patient="bob"),
    administration("both", (OTHER, "x"), (CODES, "ketamine"), patient="bob"),
    administration("other", (OTHER, "ketamine")),
    administration("uncoded"),
]
PATIENTS = [{"resourceType": "Patient", "id": id} for id in ("ada", "bob")]


def among(*uris: str, parameter: str = "code", modifier: str = "in") -> Match:
    """`code:in=...`"""
    return Match(parameter, tuple(map(Uri, uris)), modifier)


def near(code: str, modifier: str, system: str | None = CODES) -> Match:
    """`code:below=...`"""
    return Match("code", (Token(code, system),), modifier)


def doses(clinic: Clinic, *where: Clause) -> list[str]:
    """The doses that match."""
    return found(clinic, "MedicationAdministration", *where)


@pytest.fixture
def pharmacy(clinic: Clinic) -> Clinic:
    """A clinic with a code system, a value set and some doses."""
    clinic.put(DRUGS, SCHEDULE_III, *PATIENTS, *DOSES)
    return clinic


def test_schedule_iii_only(pharmacy: Clinic) -> None:
    assert doses(pharmacy, among(f"{SETS}/schedule-iii")) == ["both", "k"]


def test_not_in_has_those_without_a_code(pharmacy: Clinic) -> None:
    assert doses(pharmacy, among(f"{SETS}/schedule-iii", modifier="not-in")) == ["m", "other", "uncoded"]


@pytest.mark.parametrize("name", ["schedule-iii", "ValueSet/schedule-iii", "http://clinic.example/fhir/ValueSet/schedule-iii"])
def test_a_value_set_by_its_id(pharmacy: Clinic, name: str) -> None:
    assert doses(pharmacy, among(name)) == ["both", "k"]


def test_several_value_sets_are_united(pharmacy: Clinic) -> None:
    pharmacy.put(value_set("other", {"system": OTHER, "concept": [{"code": "ketamine"}]}))
    assert doses(pharmacy, among("schedule-iii", "other")) == ["both", "k", "other"]
    assert doses(pharmacy, among("schedule-iii", "other", modifier="not-in")) == ["m", "uncoded"]


def test_value_sets_within_value_sets(pharmacy: Clinic) -> None:
    pharmacy.put(
        value_set("sedatives", {"valueSet": [f"{SETS}/schedule-iii"]}, {"system": CODES, "concept": [{"code": "midazolam"}]}),
        value_set("all-but-ketamine", {"valueSet": [f"{SETS}/sedatives"]}, exclude=[{"system": CODES, "concept": [{"code": "ketamine"}]}]),
        value_set("both", {"valueSet": [f"{SETS}/sedatives", f"{SETS}/schedule-iii"]}),
    )
    assert doses(pharmacy, among(f"{SETS}/sedatives")) == ["both", "k", "m"]
    assert doses(pharmacy, among(f"{SETS}/all-but-ketamine")) == ["m"]
    assert doses(pharmacy, among(f"{SETS}/both")) == ["both", "k"]


def test_below_and_above(pharmacy: Clinic) -> None:
    pharmacy.put(administration("es", (CODES, "esketamine")), administration("group", (CODES, "anaesthetic")))
    assert doses(pharmacy, near("anaesthetic", "below")) == ["both", "es", "group", "k"]
    assert doses(pharmacy, near("esketamine", "above")) == ["both", "es", "group", "k"]
    assert doses(pharmacy, near("ketamine", "above")) == ["both", "group", "k"]
    assert doses(pharmacy, near("esketamine", "below")) == ["es"]
    several = Match("code", (Token("esketamine", CODES), Token("benzodiazepine", CODES)), "below")
    assert doses(pharmacy, several) == ["es", "m"]


def test_an_empty_value_set_has_nothing(pharmacy: Clinic) -> None:
    pharmacy.put(value_set("none", {"system": CODES, "filter": [{"property": "schedule", "op": "=", "value": "I"}]}))
    assert doses(pharmacy, among("none")) == []
    assert len(doses(pharmacy, among("none", modifier="not-in"))) == len(DOSES)


def test_inside_chains_and_their_reverse_and_around(pharmacy: Clinic) -> None:
    pharmacy.put({"resourceType": "Medication", "id": "vial", "code": coded((CODES, "ketamine"))})
    vial = administration("vial")
    del vial["medicationCodeableConcept"]
    pharmacy.put({**vial, "medicationReference": {"reference": "Medication/vial"}})
    listed = among("schedule-iii")
    assert doses(pharmacy, Chain("medication", (("Medication", listed),))) == ["vial"]
    assert doses(pharmacy, All((listed, Match("status", (Token("completed"),))))) == ["both", "k"]
    assert doses(pharmacy, AnyOf((listed, near("midazolam", "below")))) == ["both", "k", "m"]
    assert doses(pharmacy, Not(listed)) == ["m", "other", "uncoded", "vial"]


def test_every_clause_is_rewritten(pharmacy: Clinic) -> None:
    listed, plain = among("schedule-iii"), Match("code", (Token("ketamine", CODES),))
    queries = {
        Has("MedicationAdministration", "patient", listed): Has("MedicationAdministration", "patient", plain),
        Filter("code in schedule-iii", listed): Filter("code in schedule-iii", plain),
        Chain("subject", (("Patient", Has("MedicationAdministration", "patient", listed)),), "Patient"): Chain(
            "subject", (("Patient", Has("MedicationAdministration", "patient", plain)),), "Patient"
        ),
    }
    with pharmacy.database.read() as tx:
        for asked, answer in queries.items():
            assert terms.expanded(tx, pharmacy.registry, Query("MedicationAdministration", (asked,))).where == (answer,)


def test_a_query_without_them_stays_what_it_is(pharmacy: Clinic) -> None:
    query = Query("MedicationAdministration", (Match("code", (Token("x"),)), Match("effective-time", (), None)))
    with pharmacy.database.read() as tx:
        assert terms.expanded(tx, pharmacy.registry, query) is query


def test_a_change_of_the_value_set_is_seen_at_once(pharmacy: Clinic) -> None:
    (stored,) = pharmacy.put(value_set("mine", {"system": CODES, "concept": [{"code": "ketamine"}]}))
    assert doses(pharmacy, among("mine")) == ["both", "k"]
    changed = pharmacy.update(stored, compose={"include": [{"system": CODES, "concept": [{"code": "midazolam"}]}]})
    assert doses(pharmacy, among("mine")) == ["m"]
    pharmacy.remove(changed)
    with pytest.raises(BadRequest, match="no ValueSet/mine"):
        doses(pharmacy, among("mine"))


def test_the_newest_active_version_counts(pharmacy: Clinic) -> None:
    for id, version, status, code in [
        ("v9", "1.9", "active", "x"),
        ("v10", "1.10", "active", "ketamine"),
        ("v11", "1.11", "draft", "midazolam"),
    ]:
        tree = value_set(id, {"system": CODES, "concept": [{"code": code}]})
        pharmacy.put({**tree, "url": f"{SETS}/versions", "version": version, "status": status})
    assert doses(pharmacy, among(f"{SETS}/versions")) == ["both", "k"]
    assert doses(pharmacy, among(f"{SETS}/versions|1.11")) == ["m"]
    with pytest.raises(BadRequest, match=r"versions\|1\.12.*not stored"):
        doses(pharmacy, among(f"{SETS}/versions|1.12"))


def test_the_lists_of_r4_are_known(clinic: Clinic) -> None:
    clinic.put(*({"resourceType": "Patient", "id": gender, "gender": gender} for gender in ("female", "unknown")))
    url = "http://hl7.org/fhir/ValueSet/administrative-gender"
    assert found(clinic, "Patient", among(url, parameter="gender")) == ["female", "unknown"]
    assert found(clinic, "Patient", among(f"{url}|4.0.1", parameter="gender", modifier="not-in")) == []
    with pytest.raises(BadRequest, match="not stored"):
        found(clinic, "Patient", among(f"{url}|5.0.0", parameter="gender"))


def test_a_stored_value_set_does_not_change_the_one_of_r4(clinic: Clinic) -> None:
    clinic.put(*({"resourceType": "Patient", "id": gender, "gender": gender} for gender in ("female", "unknown")))
    url = "http://hl7.org/fhir/ValueSet/administrative-gender"
    one = value_set("gender", {"system": "http://hl7.org/fhir/administrative-gender", "concept": [{"code": "female"}]})
    clinic.put({**one, "url": url})
    assert found(clinic, "Patient", among(url, parameter="gender")) == ["female", "unknown"]


REFUSED = [
    (among("https://clinic.example/fhir/ValueSet/nowhere"), "not-found", "POST it as a ValueSet"),
    (among("ValueSet/nowhere"), "not-found", "ValueSet/nowhere"),
    (near("x", "below", "https://nowhere.example/codes"), "not-found", "POST it as a CodeSystem"),
    (near("cocaine", "below"), "not-found", "has no code 'cocaine'"),
    (near("ketamine", "below", None), "invalid", "system|code"),
    (near("ketamine", "above", ""), "invalid", "system|code"),
    (among("http://hl7.org/fhir/ValueSet/ucum-units"), "not-supported", "syntax"),
    (among("schedule-iii", parameter="identifier"), "invalid", "holds no codes"),
]


@pytest.mark.parametrize(("clause", "code", "text"), REFUSED)
def test_what_cannot_be_looked_up_is_refused(pharmacy: Clinic, clause: Match, code: str, text: str) -> None:
    with pytest.raises(BadRequest) as error:
        doses(pharmacy, clause)
    (issue,) = error.value.issues
    assert issue.code == code
    assert text in issue.diagnostics
    assert issue.expression == f"http.{clause.parameter}:{clause.modifier}"


def test_where_it_stands_is_named(pharmacy: Clinic) -> None:
    with pytest.raises(BadRequest) as error:
        doses(pharmacy, Chain("medication", (("Medication", among("nowhere")),), "Medication"))
    assert error.value.issues[0].expression == "http.medication:Medication.code:in"


def test_thousands_of_codes(clinic: Clinic) -> None:
    concepts = [{"code": f"c{number}"} for number in range(5000)]
    clinic.put(
        {**DRUGS, "concept": concepts},
        value_set("all", {"system": CODES}),
        administration("k", (CODES, "c4711")),
        administration("o", (CODES, "no")),
    )
    assert doses(clinic, among("all")) == ["k"]
    assert doses(clinic, among("all", modifier="not-in")) == ["o"]


def test_more_codes_than_that_are_too_costly(clinic: Clinic) -> None:
    clinic.put({**DRUGS, "concept": [{"code": f"c{number}"} for number in range(5001)]}, value_set("all", {"system": CODES}))
    with pytest.raises(BadRequest) as error:
        doses(clinic, among("all"))
    assert error.value.issues[0].code == "too-costly"


ASKED = [
    ("MedicationAdministration", "code:in=https://clinic.example/fhir/ValueSet/schedule-iii", ["both", "k"]),
    ("MedicationAdministration", "code:in=ValueSet/schedule-iii&patient=ada", ["k"]),
    ("MedicationAdministration", f"code:not-in=schedule-iii&code={CODES}|", ["m"]),
    ("MedicationAdministration", f"code:below={CODES}|anaesthetic&status=completed", ["both", "k"]),
    ("MedicationAdministration", f"code:below={CODES}|anaesthetic,{CODES}|midazolam&_sort=-_id", ["m", "k", "both"]),
    ("Patient", "_has:MedicationAdministration:patient:code:in=schedule-iii&_sort=_id", ["ada", "bob"]),
    ("Patient", f"_has:MedicationAdministration:patient:code:below={CODES}|benzodiazepine", ["bob"]),
    ("MedicationAdministration", "_filter=code in schedule-iii and patient re Patient/bob", ["both"]),
    ("MedicationAdministration", "_filter=not (code in schedule-iii)&_sort=_id", ["m", "other", "uncoded"]),
    ("Observation", "part-of:MedicationAdministration.code:in=schedule-iii", ["o"]),
]


@pytest.mark.parametrize(("type", "asked", "ids"), ASKED)
def test_as_it_is_written(pharmacy: Clinic, type: str, asked: str, ids: list[str]) -> None:
    pharmacy.put({"resourceType": "Observation", "id": "o", "status": "final", "partOf": [{"reference": "MedicationAdministration/k"}]})
    found = pharmacy.ids(type, asked.replace(" ", "%20"))
    assert found == ids if "_sort" in asked else sorted(found) == ids
