"""What is known of one code: https://hl7.org/fhir/R4/codesystem-operation-lookup.html."""

from typing import Any

import pytest

from service.terminology import concepts
from service.terminology.lookup import Unanswerable
from tests.unit.terminology.shelf import SYSTEM, Shelf, concept, system

VIAL = {
    **concept("vial", concept("opened")),
    "definition": "A closed vial.",
    "designation": [{"language": "de", "value": "Durchstechflasche"}],
    "property": [{"code": "schedule", "valueCode": "III"}, {"code": "counted", "valueBoolean": True}],
}
DRUGS = system(concept("stock", VIAL, concept("box")), version="2", title="What is in stock")


def supplement(name: str, *rows: Any, of: str = SYSTEM) -> Any:
    """A CodeSystem that adds to another."""
    return {**system(*rows, url=f"{SYSTEM}-{name}"), "content": "supplement", "supplements": of}


FRENCH = supplement("fr", {"code": "vial", "display": "Ampoule", "designation": [{"language": "fr", "value": "Flacon"}]})
PRICED = supplement("price", {"code": "vial", "display": "The vial", "property": [{"code": "price", "valueInteger": 5}]}, of=f"{SYSTEM}|2")


def test_a_stored_code() -> None:
    found = concepts.described(Shelf([DRUGS]), SYSTEM, "vial")
    assert (found.system, found.version, found.name) == (SYSTEM, "2", "What is in stock")
    assert (found.code, found.display, found.definition, found.abstract, found.inactive) == (
        "vial",
        "The vial",
        "A closed vial.",
        False,
        False,
    )
    assert found.properties == [("schedule", "valueCode", "III"), ("counted", "valueBoolean", True)]
    assert [row["value"] for row in found.designations] == ["Durchstechflasche"]
    assert [one.code for one in found.parents] == ["stock"]
    assert [one.code for one in found.children] == ["opened"]


def test_the_names_and_properties_of_supplements_are_added() -> None:
    found = concepts.described(Shelf([DRUGS, FRENCH, PRICED]), SYSTEM, "vial")
    assert [row["value"] for row in found.designations] == ["Durchstechflasche", "Ampoule", "Flacon"]
    assert found.properties[2:] == [("price", "valueInteger", 5)]


def test_a_supplement_of_another_version_adds_nothing() -> None:
    older = {**DRUGS, "version": "1"}
    assert [name for name, _, _ in concepts.described(Shelf([older, PRICED]), SYSTEM, "vial").properties] == ["schedule", "counted"]


def test_a_supplement_ignores_case_as_its_code_system_does() -> None:
    louder = supplement("loud", {"code": "VIAL", "designation": [{"value": "A VIAL"}]})
    for case_sensitive, names in ((False, ["Durchstechflasche", "A VIAL"]), (True, ["Durchstechflasche"])):
        shelf = Shelf([{**DRUGS, "caseSensitive": case_sensitive}, louder])
        assert [row["value"] for row in concepts.described(shelf, SYSTEM, "vial").designations] == names


def test_every_name() -> None:
    shelf = Shelf([DRUGS, FRENCH, PRICED])
    assert concepts.displays(shelf, SYSTEM, "vial") == ("The vial", "Durchstechflasche", "Ampoule", "Flacon")
    assert concepts.displays(shelf, SYSTEM, "nothing") == ()
    assert concepts.displays(shelf, "http://unitsofmeasure.org", "mg") == ("mg",)


@pytest.mark.parametrize(
    ("of", "code", "version", "rule"),
    [
        (SYSTEM, "nothing", None, "unknown-code"),
        (SYSTEM, "vial", "1", "code-system"),
        ("https://nowhere.example/codes", "vial", None, "code-system"),
        ("http://unitsofmeasure.org", "mmHg", None, "unknown-code"),
        ("http://hl7.org/fhir/sid/ndc", "6745700110", None, "unknown-code"),
    ],
)
def test_what_is_not_known(of: str, code: str, version: str | None, rule: str) -> None:
    with pytest.raises(Unanswerable) as error:
        concepts.described(Shelf([DRUGS]), of, code, version)
    assert (error.value.code, error.value.rule) == ("not-found", rule)


def test_a_unit_and_a_drug_package() -> None:
    unit = concepts.described(Shelf(), "http://unitsofmeasure.org", "mg/kg/h")
    assert (unit.name, unit.code, unit.display) == ("UCUM", "mg/kg/h", "mg/kg/h")
    package = concepts.described(Shelf(), "http://hl7.org/fhir/sid/ndc", "67457-001-10")
    assert {name: value for name, _, value in package.properties} == {
        "eleven-digits": "67457000110",
        "hyphenated": "67457-0001-10",
        "ten-digits": "67457-001-10",
    }


def test_a_code_system_of_units_that_is_stored_whole_decides() -> None:
    shelf = Shelf([system(concept("mg"), url="http://unitsofmeasure.org")])
    assert concepts.described(shelf, "http://unitsofmeasure.org", "mg").display == "The mg"
    with pytest.raises(Unanswerable, match="has no code 'kg'"):
        concepts.described(shelf, "http://unitsofmeasure.org", "kg")


@pytest.mark.parametrize(
    ("url", "code", "mend"),
    [
        ("http://unitsofmeasure.org", "mmHg", "'mm[Hg]' was probably meant"),
        ("http://hl7.org/fhir/sid/ndc", "6745700110", "write it with its hyphens (4-4-2, 5-3-2 or 5-4-1) or with eleven digits"),
    ],
)
def test_a_code_that_is_written_wrongly_is_answered_with_how_it_is_written(url: str, code: str, mend: str) -> None:
    with pytest.raises(Unanswerable) as refused:
        concepts.described(Shelf([]), url, code)
    assert str(refused.value).endswith(mend)
