"""The library as a lookup: what came with the service, near a package, and R4's own value sets."""

import json
from pathlib import Path
from typing import Any

import pytest

from service.fhir import library
from service.fhir.definitions import load
from service.terminology.membership import IN, OUT, UNKNOWN, listed, membership
from service.terminology.shelf import Shelf

LIBRARY = library.load()
SHELF = Shelf(LIBRARY)
R4 = "http://hl7.org/fhir/ValueSet"
CODES = "https://other.example/codes"


def row(tree: Any) -> tuple[str, str, str | None, str]:
    """A resource as a package has it."""
    return tree["resourceType"], tree["url"], tree.get("version"), json.dumps(tree)


def system(version: str, *codes: str, **members: Any) -> Any:
    """A CodeSystem of a package."""
    head = {"resourceType": "CodeSystem", "url": CODES, "version": version, "content": "complete", "valueSet": f"{CODES}/all"}
    return {**head, "concept": [{"code": code} for code in codes], **members}


@pytest.mark.parametrize(
    ("url", "of", "code", "answer"),
    [
        (f"{R4}/administrative-gender", "http://hl7.org/fhir/administrative-gender", "female", IN),
        (f"{R4}/administrative-gender|4.0.1", None, "f", OUT),
        (f"{R4}/administrative-gender|9", None, "female", UNKNOWN),
        (f"{R4}/ucum-units", None, "mg/kg/h", IN),
        (f"{R4}/ucum-units", None, "mmHg", OUT),
        (f"{R4}/mimetypes", None, "application/pdf", IN),
        (f"{R4}/all-languages", None, "de-CH", IN),
        (f"{R4}/currencies", None, "dollars", OUT),
        (f"{R4}/languages", "urn:ietf:bcp:47", "DE-ch", IN),
        (f"{R4}/clinical-findings", "http://snomed.info/sct", "1", UNKNOWN),
        (f"{R4}/clinical-findings", "http://loinc.org", "1", OUT),
        (f"{R4}/observation-codes", "http://loinc.org", "1", UNKNOWN),
    ],
)
def test_the_value_sets_of_r4(url: str, of: str | None, code: str, answer: Any) -> None:
    assert membership(SHELF, url, of, code).answer is answer


def test_they_agree_with_the_lists_of_required_bindings() -> None:
    tables = Path(__file__).parents[3] / "fhir_profiles" / "r4" / "value-sets.ndjson"
    urls = [json.loads(line)["url"] for line in tables.read_text(encoding="utf-8").splitlines()]
    definitions, compared = load(), 0
    for url in urls:
        codes = definitions.codes(url)
        if codes is not None:
            compared += 1
            assert listed(SHELF, url) == codes, url
    assert compared > 100


def test_the_package_that_a_question_comes_from_counts() -> None:
    packages = library.Library()
    packages.add("one#1", [row(system("1", "a"))])
    packages.add("two#2", [row(system("2", "b"))])
    said = {
        near: [membership(Shelf(packages, near), f"{CODES}/all", CODES, code).answer for code in "ab"] for near in (None, "one#1", "two#2")
    }
    assert said == {None: [OUT, IN], "one#1": [IN, OUT], "two#2": [OUT, IN]}


def test_a_supplement_is_no_code_system() -> None:
    packages = library.Library()
    packages.add("one#1", [row(system("1", "a", content="supplement", supplements=f"{CODES}/base|3"))])
    shelf = Shelf(packages)
    assert shelf.code_system(CODES, None) is None
    assert [tree["url"] for tree in shelf.supplements(f"{CODES}/base")] == [CODES]
    assert shelf.all_of(f"{CODES}/all") is None


def test_concept_maps_by_what_they_map() -> None:
    packages = library.Library()
    made = {
        "resourceType": "ConceptMap",
        "url": "https://other.example/map",
        "group": [{"source": CODES, "target": "urn:x", "element": []}],
    }
    packages.add("one#1", [row(made)])
    shelf = Shelf(packages)
    assert shelf.concept_maps(CODES, False) == [made] == shelf.concept_maps("urn:x", True)
    assert shelf.concept_maps(CODES, True) == []
    assert shelf.concept_map("https://other.example/map", "9") is None
