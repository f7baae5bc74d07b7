"""What values of each search type find: units, precision, text, hierarchies of URLs, composites; on both databases."""

from decimal import Decimal
from typing import Any

import pytest

from service.errors import BadRequest
from tests.search.clinic import Clinic

LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"


def _quantity(value: Any, code: str, **more: Any) -> dict[str, Any]:
    return {"value": value, "system": UCUM, "code": code, **more}


def _observations(clinic: Clinic, **elements: dict[str, Any]) -> None:
    clinic.put(*({"resourceType": "Observation", "id": id, "status": "final", **more} for id, more in elements.items()))


QUANTITIES = {
    "gram": {"valueQuantity": _quantity(Decimal("0.05"), "g")},
    "milli": {"valueQuantity": _quantity(50, "mg")},
    "micro": {"valueQuantity": _quantity(49900, "ug", unit="microgram")},
    "below": {"valueQuantity": _quantity(50, "mg", comparator="<")},
    "above": {"valueQuantity": _quantity(50, "mg", comparator=">=")},
    "volume": {"valueQuantity": _quantity(50, "mL")},
    "ratio": {"valueQuantity": _quantity(50, "mg/kg")},
    "percent": {"valueQuantity": _quantity(50, "%")},
    "wrong": {"valueQuantity": _quantity(50, "mgs", unit="mg")},
    "plain": {"valueQuantity": {"value": 50, "unit": "mg"}},
    "fever": {"valueQuantity": _quantity(Decimal("98.7"), "[degF]")},
    "score": {"valueQuantity": _quantity(50, "{score}")},
}

MG = f"|{UCUM}|mg"
ASKED = [
    (f"50{MG}", "gram milli micro"),
    (f"50.0{MG}", "gram milli"),
    (f"0.05|{UCUM}|g", "gram milli micro"),
    (f"0.050|{UCUM}|g", "gram milli micro"),
    (f"0.0500|{UCUM}|g", "gram milli"),
    (f"ge50{MG}", "gram milli above"),
    (f"gt50{MG}", "above"),
    (f"gt50000|{UCUM}|ug", "above"),
    (f"lt50{MG}", "micro below"),
    (f"le50{MG}", "gram milli micro below above"),
    (f"sa49.9{MG}", "gram milli above"),
    (f"eb50{MG}", "micro below"),
    (f"ap50{MG}", "gram milli micro below above"),
    (f"ne50{MG}", "below above"),
    ("50||mg", "milli wrong plain"),
    ("49900||microgram", "micro"),
    ("50", "milli volume ratio percent wrong plain score"),
    (f"50|{UCUM}|%", "percent"),
    (f"0.50|{UCUM}|1", "percent"),
    (f"50|{UCUM}|mg/kg", "ratio"),
    (f"50|{UCUM}|ug/g", "ratio"),
    (f"50000|{UCUM}|ug/kg", "ratio"),
    (f"50|{UCUM}|{{score}}", "score"),
    (f"50|{UCUM}|1", ""),
    (f"98.7|{UCUM}|[degF]", "fever"),
    (f"37.06|{UCUM}|Cel", "fever"),
    (f"gt98.7|{UCUM}|[degF]", ""),
    (f"lt98.7|{UCUM}|[degF]", ""),
    (f"ge98.7|{UCUM}|[degF]", "fever"),
    (f"le98.7|{UCUM}|[degF]", "fever"),
    (f"gt310|{UCUM}|K", "fever"),
    ("50|http://elsewhere|mg", ""),
]


def test_quantities_are_found_in_any_unit_that_measures_the_same(clinic: Clinic) -> None:
    _observations(clinic, **QUANTITIES)
    found = [(asked, " ".join(one.id for one in clinic.page("Observation", [("value-quantity", asked)]).matches)) for asked, _ in ASKED]
    assert {asked: set(ids.split()) for asked, ids in found} == {asked: _named(ids) for asked, ids in ASKED}


@pytest.mark.parametrize(
    ("type", "code"), [("Encounter", "length"), ("Observation", "entry-lag"), ("MedicationAdministration", "entry-lag")]
)
def test_what_measures_time_refuses_a_unit_of_something_else(clinic: Clinic, type: str, code: str) -> None:
    with pytest.raises(BadRequest, match="'mg' does not measure time"):
        clinic.page(type, f"{code}=gt1|{UCUM}|mg")
    for unit in ("s", "min", "h", "d", "wk", "ms"):
        assert clinic.ids(type, f"{code}=gt1|{UCUM}|{unit}") == []


def _named(ids: str) -> set[str]:
    return set(ids.split())


def test_sorting_by_a_quantity_goes_by_its_base_unit(clinic: Clinic) -> None:
    _observations(
        clinic, a={"valueQuantity": _quantity(2, "g")}, b={"valueQuantity": _quantity(3, "mg")}, c={"valueQuantity": _quantity(500, "ug")}
    )
    assert clinic.ids("Observation", "_sort=value-quantity") == ["c", "b", "a"]
    assert clinic.ids("Observation", "_sort=-value-quantity") == ["a", "b", "c"]


NUMBERS = [
    ("100", "whole"),
    ("1e2", "whole near"),
    ("ne1e2", "half far"),
    ("gt100", "near far"),
    ("ge100", "whole near far"),
    ("lt100", "half"),
    ("le100", "whole half"),
    ("sa100", "near far"),
    ("eb100", "half"),
    ("ap100", "whole half near"),
]


def test_numbers_heed_the_precision_that_was_written(clinic: Clinic) -> None:
    values = {"whole": 100, "half": Decimal("94.9"), "near": Decimal("104.9"), "far": 120}
    clinic.put(
        *({"resourceType": "RiskAssessment", "id": id, "prediction": [{"probabilityDecimal": value}]} for id, value in values.items())
    )
    expected = {asked: _named(ids) for asked, ids in NUMBERS}
    assert {asked: set(clinic.ids("RiskAssessment", f"probability={asked}")) for asked in expected} == expected


TOKENS = {
    "texted": {"code": {"text": "Blutdruck, systolisch"}},
    "shown": {"code": {"coding": [{"system": LOINC, "code": "8480-6", "display": "Systolic  BLOOD pressure"}]}},
    "typed": {
        "identifier": [
            {"type": {"coding": [{"system": "http://t", "code": "MR"}], "text": "Medical record"}, "system": "http://s", "value": "7|8"}
        ]
    },
    "bare": {"identifier": [{"value": "7|8"}]},
}


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ("code:text=blutdruck", "texted"),
        ("code:text=SYSTOLIC+blood", "shown"),
        ("code:text=blood", ""),
        ("code:text=blut,systolic", "texted shown"),
        ("identifier:text=medical", "typed"),
        ("identifier:of-type=http://t|MR|7\\|8", "typed"),
        ("identifier:of-type=http://t|MR|7", ""),
        ("identifier:of-type=http://u|MR|7\\|8", ""),
        ("identifier=7\\|8", "typed bare"),
        ("code:not=8480-6", "texted typed bare"),
        ("code=8480-6", "shown"),
    ],
)
def test_tokens_are_found_by_text_and_by_type(clinic: Clinic, asked: str, ids: str) -> None:
    _observations(clinic, **TOKENS)
    assert set(clinic.ids("Observation", asked)) == _named(ids)


URLS = {
    "root": "http://acme.example/fhir",
    "slash": "http://acme.example/fhir/",
    "set": "http://acme.example/fhir/ValueSet/123",
    "version": "http://acme.example/fhir/ValueSet/123/_history/5",
    "other": "http://acme.example/fhirs/ValueSet/123",
    "urn": "urn:oid:1.2.3",
}


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ("url=http://acme.example/fhir", "root"),
        ("url:below=http://acme.example/fhir", "root slash set version"),
        ("url:below=http://acme.example/fhir/", "slash set version"),
        ("url:below=http://acme.example/fhir/ValueSet/12", ""),
        ("url:below=http://acme.example", "root slash set version other"),
        ("url:above=http://acme.example/fhir/ValueSet/123/_history/5", "root slash set version"),
        ("url:above=http://acme.example/fhir/ValueSet/124", "root slash"),
        ("url:above=http://acme.example/fhir", "root slash"),
        ("url:below=http://acme.example/fhirs,http://acme.example/fhir/ValueSet", "other set version"),
        ("url=urn:oid:1.2.3", "urn"),
    ],
)
def test_urls_lie_above_and_below_each_other(clinic: Clinic, asked: str, ids: str) -> None:
    clinic.put(*({"resourceType": "ValueSet", "id": id, "url": url} for id, url in URLS.items()))
    assert set(clinic.ids("ValueSet", asked)) == _named(ids)


def test_strings_are_found_whatever_their_accents_and_encoding(clinic: Clinic) -> None:
    names = {"composed": "Zo\u00eb", "decomposed": "Zoe\u0308", "plain": "Zoe", "long": "Zoe " + "x" * 150, "wide": "\uff3aoe"}
    clinic.put(*({"resourceType": "Patient", "id": id, "name": [{"family": name}]} for id, name in names.items()))
    assert set(clinic.ids("Patient", "family=ZO\u00cb")) == names.keys()
    assert set(clinic.ids("Patient", "family:exact=Zo\u00eb")) == {"composed", "decomposed"}
    assert set(clinic.ids("Patient", "family:exact=Zoe\u0308")) == {"composed", "decomposed"}
    assert set(clinic.ids("Patient", "family:exact=Zoe")) == {"plain"}
    assert set(clinic.ids("Patient", "family:contains=oe " + "X" * 150)) == {"long"}


COMPOSITES = {
    "high": {
        "code": {"coding": [{"system": LOINC, "code": "85354-9"}]},
        "component": [
            {"code": {"coding": [{"system": LOINC, "code": "8480-6"}]}, "valueQuantity": _quantity(182, "mm[Hg]", unit="mmHg")},
            {"code": {"coding": [{"system": LOINC, "code": "8462-4"}]}, "valueQuantity": _quantity(90, "mm[Hg]")},
        ],
    },
    "crossed": {
        "code": {"coding": [{"system": LOINC, "code": "85354-9"}]},
        "component": [
            {"code": {"coding": [{"system": LOINC, "code": "8480-6"}]}, "valueQuantity": _quantity(120, "mm[Hg]")},
            {"code": {"coding": [{"system": LOINC, "code": "8462-4"}]}, "valueQuantity": _quantity(190, "mm[Hg]")},
        ],
    },
    "alone": {"code": {"coding": [{"system": LOINC, "code": "8480-6"}]}, "valueQuantity": _quantity(24, "kPa")},
    "text": {"code": {"coding": [{"code": "note"}]}, "valueString": "Slept well " + "x" * 150},
    "day": {"code": {"coding": [{"code": "when"}]}, "valuePeriod": {"start": "2026-03-14"}},
    "concept": {"code": {"coding": [{"code": "route"}]}, "valueCodeableConcept": {"coding": [{"system": "http://r", "code": "iv"}]}},
}
SYSTOLIC = f"{LOINC}|8480-6"


@pytest.mark.parametrize(
    ("code", "asked", "ids"),
    [
        ("combo-code-value-quantity", f"{SYSTOLIC}$ge180|{UCUM}|mm[Hg]", "high alone"),
        ("component-code-value-quantity", f"{SYSTOLIC}$ge180|{UCUM}|mm[Hg]", "high"),
        ("code-value-quantity", f"{SYSTOLIC}$ge180|{UCUM}|mm[Hg]", "alone"),
        ("combo-code-value-quantity", "8462-4$ge180", "crossed"),
        ("combo-code-value-quantity", "8480-6$182||mmHg", "high"),
        ("combo-code-value-quantity", "8480-6$24", "alone"),
        ("combo-code-value-quantity", f"{LOINC}|$190|{UCUM}|mm[Hg],8480-6$24", "crossed alone"),
        ("combo-code-value-quantity", f"{SYSTOLIC}$ge180|{UCUM}|mg", ""),
        ("code-value-string", "note$SLEPT", "text"),
        ("code-value-string", "note$slept well " + "x" * 100, "text"),
        ("code-value-string", "note$slept well " + "x" * 100 + "y", ""),
        ("code-value-date", "when$ge2026-03-20", "day"),
        ("code-value-date", "when$lt2026-03-14", ""),
        ("code-value-concept", "route$http://r|iv", "concept"),
        ("code-value-concept", "route$http://r|po", ""),
        ("combo-code-value-concept:missing", "false", "concept"),
    ],
)
def test_a_composite_is_about_one_element(clinic: Clinic, code: str, asked: str, ids: str) -> None:
    _observations(clinic, **COMPOSITES)
    assert {one.id for one in clinic.page("Observation", [(code, asked)]).matches} == _named(ids)


def test_a_document_is_found_by_what_it_does_to_another(clinic: Clinic) -> None:
    for id, target, code in (("new", "old", "replaces"), ("sign", "old", "signs"), ("other", "older", "replaces")):
        relation = {"code": code, "target": {"reference": f"DocumentReference/{target}"}}
        clinic.put({"resourceType": "DocumentReference", "id": id, "relatesTo": [relation, {"code": "appends"}]})
    assert clinic.ids("DocumentReference", "relationship=DocumentReference/old$replaces") == ["new"]
    assert clinic.ids("DocumentReference", "relationship=old$appends") == []


def test_a_maiden_name_is_found_in_the_extension_that_r4_defines(clinic: Clinic) -> None:
    extension = {"url": "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName", "valueString": "Garc\u00eda"}
    clinic.put({"resourceType": "Patient", "id": "one", "extension": [extension]})
    assert clinic.ids("Patient", "mothersMaidenName=garcia") == ["one"]
