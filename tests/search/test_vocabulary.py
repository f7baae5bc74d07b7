"""Where value sets, code systems and concept maps come from: the database first, then the library."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from service.search.query import Match, Token, Uri
from service.search.vocabulary import Vocabulary
from service.terminology import concepts
from service.terminology.membership import IN, OUT, UNKNOWN, membership
from service.terminology.translation import Question, translate
from tests.search.clinic import Clinic
from tests.search.looked_up import found

CODES = "https://clinic.example/fhir/CodeSystem/drugs"
SETS = "https://clinic.example/fhir/ValueSet"
R4 = "http://hl7.org/fhir/ValueSet"
GENDER = "http://hl7.org/fhir/administrative-gender"
SNOMED = "http://snomed.info/sct"
DRUGS: Any = {
    "resourceType": "CodeSystem",
    "id": "drugs",
    "url": CODES,
    "version": "2",
    "status": "active",
    "content": "complete",
    "valueSet": f"{SETS}/every-drug",
    "concept": [{"code": "ketamine", "display": "Ketamine"}],
}


def supplement(id: str, of: str, status: str = "active") -> Any:
    """Another name for ketamine."""
    row = {"code": "ketamine", "designation": [{"language": "de", "value": f"Ketamin {id}"}]}
    head = {"resourceType": "CodeSystem", "id": id, "url": f"{CODES}-{id}", "status": status}
    return {**head, "content": "supplement", "supplements": of, "concept": [row]}


def concept_map(id: str, to: str, url: str | None = None, **members: Any) -> Any:
    """Ketamine is mapped to a code."""
    target = {"code": to, "equivalence": "equal"}
    group = {"source": CODES, "target": SNOMED, "element": [{"code": "ketamine", "target": [target]}]}
    named = {"url": url} if url else {}
    return {"resourceType": "ConceptMap", "id": id, "status": "active", "group": [group], **named, **members}


@contextmanager
def vocabulary(clinic: Clinic, **members: Any) -> Iterator[Vocabulary]:
    """What is known in one transaction."""
    with clinic.database.read() as tx:
        yield Vocabulary(tx, clinic.registry, **members)


def test_the_library_knows_the_value_sets_of_r4(clinic: Clinic) -> None:
    with vocabulary(clinic) as terms:
        assert membership(terms, f"{R4}/administrative-gender", GENDER, "female").answer is IN
        assert membership(terms, f"{R4}/administrative-gender|4.0.1", GENDER, "f").answer is OUT
        assert membership(terms, f"{R4}/clinical-findings", SNOMED, "1").answer is UNKNOWN


def test_searches_by_value_sets_of_the_library(clinic: Clinic) -> None:
    clinic.put(
        {
            "resourceType": "Condition",
            "id": "c",
            "clinicalStatus": coded("http://terminology.hl7.org/CodeSystem/condition-clinical", "relapse"),
        }
    )
    url = f"{R4}/condition-clinical"
    assert found(clinic, "Condition", Match("clinical-status", (Uri(url),), "in")) == ["c"]
    assert found(clinic, "Condition", Match("clinical-status", (Uri(url),), "not-in")) == []
    below = Match("clinical-status", (Token("active", "http://terminology.hl7.org/CodeSystem/condition-clinical"),), "below")
    assert found(clinic, "Condition", below) == ["c"]


def coded(system: str, code: str) -> Any:
    """A CodeableConcept."""
    return {"coding": [{"system": system, "code": code}]}


def test_searches_by_the_value_set_of_a_code_system(clinic: Clinic) -> None:
    clinic.put(
        DRUGS, {"resourceType": "Medication", "id": "m", "code": coded(CODES, "ketamine")}, {"resourceType": "Medication", "id": "n"}
    )
    for url in (f"{SETS}/every-drug", f"{SETS}/every-drug|2"):
        assert found(clinic, "Medication", Match("code", (Uri(url),), "in")) == ["m"]
        assert found(clinic, "Medication", Match("code", (Uri(url),), "not-in")) == ["n"]


def test_a_code_system_with_codes_counts_before_one_without(clinic: Clinic) -> None:
    with vocabulary(clinic) as terms:
        assert terms.code_system(SNOMED, None).content == "not-present"  # type: ignore[union-attr]
    loaded = {**DRUGS, "url": SNOMED, "concept": [{"code": "a", "concept": [{"code": "b"}]}]}
    clinic.put(loaded)
    with vocabulary(clinic) as terms:
        assert membership(terms, f"{SNOMED}?fhir_vs=isa/a", SNOMED, "b").answer is IN
        assert membership(terms, f"{SNOMED}?fhir_vs=isa/b", SNOMED, "a").answer is OUT


def test_a_stored_code_system_that_only_names_itself_hides_nothing(clinic: Clinic) -> None:
    clinic.put({**DRUGS, "url": GENDER, "content": "not-present", "concept": []})
    with vocabulary(clinic) as terms:
        assert membership(terms, f"{R4}/administrative-gender", GENDER, "female").answer is IN


def test_what_is_stored_takes_nothings_place(clinic: Clinic) -> None:
    include = {"system": GENDER, "concept": [{"code": "male"}]}
    clinic.put(
        {
            "resourceType": "ValueSet",
            "id": "g",
            "url": f"{R4}/administrative-gender",
            "status": "active",
            "compose": {"include": [include]},
        },
        {**DRUGS, "url": GENDER, "concept": [{"code": "male"}]},
    )
    with vocabulary(clinic) as terms:
        assert membership(terms, f"{R4}/administrative-gender", GENDER, "female").answer is IN
        assert membership(terms, f"{R4}/administrative-gender", GENDER, "x").answer is OUT


def test_supplements_add_names(clinic: Clinic) -> None:
    clinic.put(
        DRUGS,
        supplement("b", f"{CODES}|2"),
        supplement("a", CODES),
        supplement("older", f"{CODES}|1"),
        supplement("mistaken", CODES, "entered-in-error"),
        supplement("other", f"{CODES}-other"),
    )
    with vocabulary(clinic) as terms:
        assert concepts.displays(terms, CODES, "ketamine") == ("Ketamine", "Ketamin a", "Ketamin b")
        assert terms.code_system(CODES, None).content == "complete"  # type: ignore[union-attr]


def test_concept_maps(clinic: Clinic) -> None:
    url = "https://clinic.example/fhir/ConceptMap/m"
    old, new = concept_map("old", "x", url, version="1.9"), concept_map("new", "y", url, version="1.10")
    clinic.put(DRUGS, old, new, concept_map("nameless", "z"), concept_map("mistaken", "w", status="entered-in-error"))
    with vocabulary(clinic) as terms:
        assert [match.code for match in translate(terms, None, Question(CODES, "ketamine")).matches] == ["y", "z"]
        assert [match.code for match in translate(terms, None, Question(SNOMED, "y", reverse=True)).matches] == ["ketamine"]
        assert terms.concept_map(url, "1.9")["id"] == "old"  # type: ignore[index]
        assert terms.concept_map(f"{url}/nowhere", None) is None


def test_a_stored_map_takes_no_place_of_one_of_the_library(clinic: Clinic) -> None:
    url = "https://clinic.example/fhir/ConceptMap/ndc-10-to-11"
    clinic.put(concept_map("mine", "x", url), concept_map("other", "x", url + "-other"))
    with vocabulary(clinic) as terms:
        assert terms.concept_map(url, None)["name"] == "Ndc10To11"  # type: ignore[index]
        assert terms.concept_map(url + "-other", None)["id"] == "other"  # type: ignore[index]
