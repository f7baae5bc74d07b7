"""From elements to rows: what of a resource can be found, and how."""

from decimal import Decimal
from typing import Any

import pytest

from service.fhir.temporal import BEGINNING, END, interval
from service.search.keys import parameter_key, system_key
from service.search.main_date import MISSING
from service.search.parameter import OTHER_REFERENCE
from service.search.types.decimal_order import FIRST, just_below, ordered
from service.search.types.quantity import CANONICAL
from tests.unit.search.registry import BASE, EVERY_TYPE, REGISTRY

UTC = REGISTRY.reading.zone


def _number(type: str) -> int:
    return REGISTRY.definitions.type_number(type)


def _rows(table: str, code: str, tree: dict[str, Any]) -> set[tuple[Any, ...]]:
    """The rows of one parameter, without its key."""
    type = tree["resourceType"]
    rows = EVERY_TYPE.extract(type, tree).rows
    return {row[1:] for row in getattr(rows, table) if row[0] == parameter_key(type, code)}


CODING = {"system": "http://loinc.org", "code": "8480-6"}
LOINC = system_key("http://loinc.org")
MG = system_key("http://unitsofmeasure.org")


@pytest.mark.parametrize(
    ("code", "element", "expected"),
    [
        ("code", {"code": {"coding": [CODING, {"code": "local"}]}}, {("8480-6", LOINC), ("local", 0)}),
        ("code", {"code": {"text": "no coding"}}, set()),
        ("status", {"status": "final"}, {("final", system_key("http://hl7.org/fhir/observation-status"))}),
        ("identifier", {"identifier": [{"system": "http://a", "value": "1"}, {"value": "2"}]}, {("1", system_key("http://a")), ("2", 0)}),
        ("component-code", {"component": [{"code": {"coding": [CODING]}}, {"code": {"text": "x"}}]}, {("8480-6", LOINC)}),
        ("_tag", {"meta": {"tag": [CODING]}}, {("8480-6", LOINC)}),
    ],
)
def test_tokens(code: str, element: dict[str, Any], expected: set[tuple[Any, ...]]) -> None:
    assert _rows("token", code, {"resourceType": "Observation", **element}) == expected


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        ({}, "false"),
        ({"deceasedBoolean": False}, "false"),
        ({"deceasedBoolean": True}, "true"),
        ({"deceasedDateTime": "2026-01-01"}, "true"),
    ],
)
def test_who_died_on_some_day_is_deceased(element: dict[str, Any], expected: str) -> None:
    assert {code for code, _ in _rows("token", "deceased", {"resourceType": "Patient", **element})} == {expected}


def test_a_telephone_number_is_no_email() -> None:
    patient = {"resourceType": "Patient", "telecom": [{"system": "phone", "value": "555"}, {"system": "email", "value": "a@b"}]}
    assert _rows("token", "phone", patient) == {("555", 0)}
    assert _rows("token", "email", patient) == {("a@b", 0)}
    assert _rows("token", "telecom", patient) == {("555", 0), ("a@b", 0)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Patient/p1", {("p1", _number("Patient"))}),
        (f"{BASE}/Patient/p1", {("p1", _number("Patient"))}),
        ("Patient/p1/_history/3", {("p1", _number("Patient")), ("p1/_history/3", _number("Patient"))}),
        ("http://elsewhere/fhir/Patient/p1", {("http://elsewhere/fhir/Patient/p1", 0)}),
        ("urn:uuid:1", {("urn:uuid:1", 0)}),
        ("#contained", set()),
        ("Nonsense/p1", {("Nonsense/p1", 0)}),
    ],
)
def test_references(text: str, expected: set[tuple[str, int]]) -> None:
    assert _rows("reference", "subject", {"resourceType": "Observation", "subject": {"reference": text}}) == expected


def test_a_logical_reference_is_found_by_its_identifier() -> None:
    tree = {"resourceType": "Observation", "subject": {"identifier": {"system": "http://mrn", "value": "7"}}}
    assert _rows("token", "subject:identifier", tree) == {("7", system_key("http://mrn"))}


def test_a_canonical_url_is_found_with_and_without_its_version() -> None:
    tree = {"resourceType": "QuestionnaireResponse", "questionnaire": "http://q/phq9|2.0"}
    assert _rows("reference", "questionnaire", tree) == {("http://q/phq9|2.0", 0), ("http://q/phq9", 0)}


def test_references_that_no_parameter_covers_are_indexed_too() -> None:
    tree = {
        "resourceType": "Observation",
        "subject": {"reference": "Patient/p1"},
        "note": [{"authorReference": {"reference": "Practitioner/x"}}],
        "extension": [{"url": "http://e", "valueReference": {"reference": "Device/d"}}],
        "contained": [{"resourceType": "Group", "id": "g", "managingEntity": {"reference": "Organization/o"}}],
    }
    assert _rows("reference", OTHER_REFERENCE, tree) == {
        ("x", _number("Practitioner")),
        ("d", _number("Device")),
        ("o", _number("Organization")),
    }


@pytest.mark.parametrize(
    ("element", "lo", "hi"),
    [
        ({"effectiveDateTime": "2026-03-14"}, interval("2026-03-14", UTC).lo, interval("2026-03-14", UTC).hi),
        ({"effectivePeriod": {"start": "2026-03-14"}}, interval("2026-03-14", UTC).lo, END),
        ({"effectivePeriod": {"end": "2026-03-14"}}, BEGINNING, interval("2026-03-14", UTC).hi),
        ({"effectiveTiming": {"event": ["2026-03-14", "2026-03-10"]}}, interval("2026-03-10", UTC).lo, interval("2026-03-14", UTC).hi),
        ({"effectiveTiming": {"repeat": {"boundsPeriod": {"start": "2026"}}}}, interval("2026", UTC).lo, END),
    ],
)
def test_dates(element: dict[str, Any], lo: int, hi: int) -> None:
    tree = {"resourceType": "Observation", **element}
    assert {row[1:] for row in _rows("date", "date", tree)} == {(lo, hi)}
    assert REGISTRY.extract("Observation", tree).lo == lo


def test_a_resource_without_its_main_date_sorts_apart() -> None:
    assert REGISTRY.extract("Observation", {"resourceType": "Observation", "effectiveTiming": {"code": {"text": "daily"}}}).lo == MISSING


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        (
            {"value": Decimal("0.50"), "unit": "milligram", "system": "http://unitsofmeasure.org", "code": "mg"},
            {
                ("mg", ordered(Decimal("0.5")), ordered(Decimal("0.5")), MG),
                ("milligram", ordered(Decimal("0.5")), ordered(Decimal("0.5")), 0),
                ("g", ordered(Decimal("0.0005")), ordered(Decimal("0.0005")), CANONICAL),
            },
        ),
        ({"value": 5, "comparator": "<"}, {("", FIRST, just_below(Decimal(5)), 0)}),
        ({"unit": "mg"}, set()),
    ],
)
def test_quantities(quantity: dict[str, Any], expected: set[tuple[Any, ...]]) -> None:
    assert _rows("quantity", "value-quantity", {"resourceType": "Observation", "valueQuantity": quantity}) == expected


def test_sampled_data_is_the_range_of_its_samples() -> None:
    tree = {
        "resourceType": "Observation",
        "valueSampledData": {"origin": {"value": 10, "unit": "mV"}, "factor": Decimal("0.5"), "data": "2 E -4 6 U"},
    }
    assert _rows("quantity", "value-quantity", tree) == {("mV", ordered(Decimal(8)), ordered(Decimal(13)), 0)}


def test_names_are_folded_and_keep_their_original_only_where_it_differs() -> None:
    tree = {"resourceType": "Patient", "name": [{"family": "Müller", "given": ["ann"]}]}
    assert {(row[0], row[2], row[3]) for row in _rows("string", "name", tree)} == {("muller", None, "Müller"), ("ann", None, None)}


def test_null_in_an_array_of_primitives_is_no_value() -> None:
    tree = {
        "resourceType": "Patient",
        "name": [{"given": [None, "Ann"], "_given": [{"extension": [{"url": "http://x", "valueString": "y"}]}, None]}],
    }
    assert {row[0] for row in _rows("string", "given", tree)} == {"ann"}
