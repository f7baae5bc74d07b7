"""Composites: which pairs of an element become rows, and how a question is read."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import Unprocessable
from service.fhir.temporal import interval
from service.search import extract
from service.search.keys import parameter_key, system_key
from service.search.query import Composite, Moment, Number, Quantity, Target, Text, Token
from service.search.type_plan import TypePlan, type_plan
from service.search.types import composite
from service.search.types.decimal_order import ordered
from service.search.types.protocol import Refused, Rows
from service.search.types.quantity import CANONICAL
from tests.unit.search.registry import EVERY_TYPE

LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"
READING = EVERY_TYPE.reading
RELATION = "http://hl7.org/fhir/document-relationship-type"


def _rows(code: str, tree: dict[str, Any]) -> set[tuple[Any, ...]]:
    """The rows of one parameter, without its key."""
    type = tree["resourceType"]
    return {row[1:] for row in EVERY_TYPE.extract(type, tree).rows.composite if row[0] == parameter_key(type, code)}


def _concept(code: str, **more: Any) -> dict[str, Any]:
    return {"coding": [{"system": LOINC, "code": code}], **more}


def _number(number: int) -> str:
    return ordered(Decimal(number))


DAY = interval("2026-03-14", READING.zone)
LABELLED = {"code": {"system": LOINC, "code": "a"}}

ROWS: list[tuple[str, dict[str, Any], set[tuple[Any, ...]]]] = [
    (
        "code-value-quantity",
        {"resourceType": "Observation", "code": _concept("a", text="Pulse"), "valueQuantity": {"value": 60, "unit": "/min"}},
        {("a", "/min", _number(60), _number(60), system_key(LOINC), 0)},
    ),
    (
        "component-code-value-quantity",
        {
            "resourceType": "Observation",
            "code": _concept("panel"),
            "component": [
                {"code": _concept("a"), "valueQuantity": {"value": 50, "system": UCUM, "code": "mg"}},
                {"code": _concept("b"), "valueString": "none"},
            ],
        },
        {
            ("a", "mg", _number(50), _number(50), system_key(LOINC), system_key(UCUM)),
            ("a", "g", ordered(Decimal("0.05")), ordered(Decimal("0.05")), system_key(LOINC), CANONICAL),
        },
    ),
    (
        "code-value-concept",
        {"resourceType": "Observation", "code": _concept("a"), "valueCodeableConcept": _concept("yes", text="Yes")},
        {("a", "", "yes", "yes", system_key(LOINC), system_key(LOINC))},
    ),
    (
        "code-value-date",
        {"resourceType": "Observation", "code": _concept("a"), "valueDateTime": "2026-03-14"},
        {("a", "", composite.ordered(DAY.lo), composite.ordered(DAY.hi), system_key(LOINC), 0)},
    ),
    (
        "code-value-string",
        {"resourceType": "Observation", "code": _concept("a"), "valueString": "Zoë"},
        {("a", "", "zoe", "zoe", system_key(LOINC), 0)},
    ),
    (
        "relationship",
        {"resourceType": "DocumentReference", "relatesTo": [{"code": "replaces", "target": {"reference": "DocumentReference/d"}}]},
        {("d", "", "replaces", "replaces", EVERY_TYPE.definitions.type_number("DocumentReference"), system_key(RELATION))},
    ),
    (
        "characteristic-value",
        {"resourceType": "Group", "characteristic": [{"code": _concept("a"), "valueBoolean": True}, {"code": _concept("b")}]},
        {("a", "", "true", "true", system_key(LOINC), system_key("http://terminology.hl7.org/CodeSystem/special-values"))},
    ),
    (
        "context-type-quantity",
        {"resourceType": "PlanDefinition", "useContext": [{**LABELLED, "valueRange": {"low": {"value": 18}, "high": {"value": 65}}}]},
        {("a", "", _number(18), _number(65), system_key(LOINC), 0)},
    ),
    (
        "context-type-value",
        {"resourceType": "PlanDefinition", "useContext": [{**LABELLED, "valueCodeableConcept": _concept("x")}]},
        {("a", "", "x", "x", system_key(LOINC), system_key(LOINC))},
    ),
    (
        "chromosome-variant-coordinate",
        {
            "resourceType": "MolecularSequence",
            "referenceSeq": {"chromosome": _concept("1")},
            "variant": [{"start": 5, "end": 7}, {"start": 9}],
        },
        {("1", "", _number(5), _number(7), system_key(LOINC), 0)},
    ),
    (
        "referenceseqid-window-coordinate",
        {"resourceType": "MolecularSequence", "referenceSeq": {"referenceSeqId": _concept("q"), "windowStart": 1, "windowEnd": 4}},
        {("q", "", _number(1), _number(4), system_key(LOINC), 0)},
    ),
    ("code-value-quantity", {"resourceType": "Observation", "code": _concept("a"), "valueString": "x"}, set()),
    ("code-value-quantity", {"resourceType": "Observation", "code": {"text": "a"}, "valueQuantity": {"value": 1}}, set()),
]


@pytest.mark.parametrize(("code", "tree", "expected"), ROWS, ids=[f"{number}-{row[0]}" for number, row in enumerate(ROWS)])
def test_each_pair_of_one_element_is_a_row(code: str, tree: dict[str, Any], expected: set[tuple[Any, ...]]) -> None:
    assert _rows(code, tree) == expected


codes = st.sampled_from(["a", "b", "c"])
values = st.integers(0, 3)
elements = st.fixed_dictionaries({"code": st.lists(codes, max_size=3)}, optional={"value": values})


def _element(drawn: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"code": {"coding": [{"system": LOINC, "code": code} for code in drawn["code"]]}}
    return found | ({"valueQuantity": {"value": drawn["value"]}} if "value" in drawn else {})


def _pairs(drawn: dict[str, Any]) -> Iterator[tuple[str, str]]:
    return ((code, _number(drawn["value"])) for code in drawn["code"] if "value" in drawn)


@given(elements, st.lists(elements, max_size=4))
def test_a_code_goes_with_the_values_of_its_own_element_only(whole: dict[str, Any], parts: list[dict[str, Any]]) -> None:
    tree = {"resourceType": "Observation", **_element(whole), "component": list(map(_element, parts))}
    own, inner = _rows("code-value-quantity", tree), _rows("component-code-value-quantity", tree)
    assert {(row[0], row[2]) for row in own} == set(_pairs(whole))
    assert {(row[0], row[2]) for row in inner} == {pair for part in parts for pair in _pairs(part)}


def test_an_element_with_thousands_of_pairs_is_refused() -> None:
    many = {"coding": [{"system": LOINC, "code": str(number)} for number in range(60)]}
    with pytest.raises(Unprocessable, match="3600 ways"):
        EVERY_TYPE.extract("Observation", {"resourceType": "Observation", "code": many, "valueCodeableConcept": many})


READ: list[tuple[str, str, str, tuple[Any, ...]]] = [
    ("Observation", "code-value-quantity", "l|a$ge5.40||mg", (Token("a", "l"), Quantity("ge", "5.40", None, "mg"))),
    ("Observation", "code-value-quantity", "a\\$b$5", (Token("a$b"), Quantity("eq", "5"))),
    ("Observation", "code-value-string", "a$x\\,y", (Token("a"), Text("x,y"))),
    ("Observation", "code-value-concept", "a|$|b", (Token(None, "a"), Token("b", ""))),
    ("Observation", "code-value-date", "a$ge2026-03-14", (Token("a"), Moment("ge", "2026-03-14", *DAY))),
    ("DocumentReference", "relationship", "d$replaces", (Target("d", "DocumentReference"), Token("replaces"))),
    ("MolecularSequence", "chromosome-variant-coordinate", "1$ge5$le7", (Token("1"), Number("ge", "5"), Number("le", "7"))),
]


@pytest.mark.parametrize(("type", "code", "text", "parts"), READ)
def test_each_part_is_read_by_its_own_parameter_and_printed_back(type: str, code: str, text: str, parts: tuple[Any, ...]) -> None:
    parameter = EVERY_TYPE.for_type(type)[code]
    value = composite.parse(text, None, parameter, READING)
    assert value == Composite(parts)
    assert composite.parse(composite.write(value), None, parameter, READING) == value


@pytest.mark.parametrize(
    ("code", "text", "says"),
    [
        ("code-value-quantity", "a", "'code$value-quantity'"),
        ("code-value-quantity", "a$1$2", "'code$value-quantity'"),
        ("code-value-quantity", "$5", "a value in each place"),
        ("code-value-quantity", "a$five", "'value-quantity' (quantity)"),
        ("code-value-quantity", f"a$5|{UCUM}|mmHg", "mm[Hg]"),
        ("code-value-string", "a$" + "x" * 201, "200 characters"),
        ("code-value-date", "a$2026-13", "'value-date' (date)"),
    ],
)
def test_what_is_no_composite_is_refused_with_its_form(code: str, text: str, says: str) -> None:
    with pytest.raises(Refused) as caught:
        composite.parse(text, None, EVERY_TYPE.for_type("Observation")[code], READING)
    assert says in str(caught.value)


@given(st.lists(st.integers(-(2**62), 2**62), min_size=2, max_size=2))
def test_dates_sort_as_text(moments: list[int]) -> None:
    first, second = moments
    assert (composite.ordered(first) < composite.ordered(second)) == (first < second)


WITNESSED = {
    "url": "https://clinic.example/fhir/SearchParameter/Procedure-performer-function",
    "code": "function-actor",
    "type": "composite",
    "base": ["Procedure"],
    "expression": "Procedure.performer",
    "component": [
        {"definition": "http://hl7.org/fhir/SearchParameter/clinical-code", "expression": "function"},
        {"definition": "http://hl7.org/fhir/SearchParameter/Procedure-performer", "expression": "actor"},
    ],
}


def _plan(**changed: Any) -> TypePlan:
    row = {**WITNESSED, **changed}
    return type_plan("Procedure", [row], EVERY_TYPE.definitions, READING, KNOWN)


KNOWN = [
    {"url": "http://hl7.org/fhir/SearchParameter/clinical-code", "code": "code", "type": "token", "base": ["Procedure"]},
    {"url": "http://hl7.org/fhir/SearchParameter/Procedure-performer", "code": "performer", "type": "reference", "base": ["Procedure"]},
    {"url": "http://hl7.org/fhir/SearchParameter/clinical-date", "code": "date", "type": "date", "base": ["Procedure"]},
]


def test_a_composite_can_be_defined_by_a_resource() -> None:
    plan, rows = _plan(), Rows()
    assert plan.parameters["function-actor"].refusal is None
    performer = {"function": _concept("nurse"), "actor": {"reference": "Practitioner/p"}}
    extract.walk({"resourceType": "Procedure", "performer": [performer, {"actor": {"reference": "Practitioner/q"}}]}, plan.tree, rows)
    assert {row[1:] for row in rows.composite} == {
        ("nurse", "", "p", "p", system_key(LOINC), EVERY_TYPE.definitions.type_number("Practitioner"))
    }


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"component": [{"definition": "http://nowhere", "expression": "function"}]}, "http://nowhere"),
        ({"component": []}, "composite of nothing"),
        (
            {"component": [{"definition": KNOWN[2]["url"], "expression": "x"}, {"definition": KNOWN[0]["url"], "expression": "y"}]},
            "date, token",
        ),
        ({"component": [{"definition": one["url"], "expression": "nothing"} for one in KNOWN[:2]]}, "nothing"),
        ({"component": [{"definition": one["url"], "expression": "a +"} for one in KNOWN[:2]]}, "'+'"),
        ({"expression": "Procedure.performed"}, "several places"),
        ({"expression": "Observation.component"}, "no element of Procedure"),
        ({"expression": "%resource"}, "no element of Procedure"),
    ],
)
def test_a_composite_that_cannot_be_read_is_refused_with_the_reason(changed: dict[str, Any], says: str) -> None:
    refusal = _plan(**changed).parameters["function-actor"].refusal
    assert refusal is not None
    assert says in refusal
