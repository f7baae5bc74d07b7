"""Whatever the operations on codes and `$validate` are asked: an answer or a refusal that explains itself, never a failure."""

import json
import random
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from service.rest.operations.table import OPERATIONS
from tests.rest.made import FHIR
from tests.rest.operations import codes
from tests.rest.operations.codes import COLOURS, MAP, MIXED, PART, WARM

RED = {"name": "coding", "valueCoding": {"system": COLOURS, "code": "red"}}
RIGHT: dict[str, list[dict[str, Any]]] = {
    "ValueSet/$expand": [{"name": "url", "valueUri": MIXED}, {"name": "count", "valueInteger": 3}],
    "ValueSet/$validate-code": [{"name": "url", "valueUri": WARM}, RED],
    "CodeSystem/$validate-code": [{"name": "url", "valueUri": COLOURS}, RED],
    "CodeSystem/$lookup": [RED, {"name": "property", "valueCode": "child"}],
    "CodeSystem/$subsumes": [{**RED, "name": "codingA"}, {"name": "codeB", "valueCode": "rust"}, {"name": "system", "valueUri": COLOURS}],
    "ConceptMap/$translate": [RED, {"name": "url", "valueUri": MAP}],
    "ValueSet/$validate": [{"name": "mode", "valueCode": "create"}, {"name": "resource", "resource": codes.WARM_SET}],
}
"""A question to each operation that is answered."""
TEXTS = (
    *("", " ", "x", "true", "false", "0", "-1", "1e9", "9" * 30, "|", "||", "a|b|c", "#", "?", "%", "\u200b", "é", "\U0001f600", "$(id)"),
    *("' OR 1=1 --", "<script>", "x" * 3000, "urn:uuid:", "http://", "2026-13-45", "2026-03-14", "red", "final", "one", "create", "delete"),
    *(COLOURS, f"{COLOURS}|2", f"{COLOURS}|9", PART, WARM, f"{WARM}|1", MIXED, MAP, "http://loinc.org", "http://unitsofmeasure.org"),
    *("http://hl7.org/fhir/sid/ndc", "00409-2051-05", "mg/kg/h", "http://snomed.info/sct?fhir_vs=ecl/<<1", "#contained", "/", ".."),
)
VALUES: tuple[Any, ...] = (
    {"valueString": "x"},
    {"valueCode": "red"},
    {"valueUri": COLOURS},
    {"valueBoolean": True},
    {"valueInteger": -1},
    {"valueDecimal": 1.5},
    {"valueCoding": {}},
    {"valueCoding": {"code": "red"}},
    {"valueCoding": {"system": COLOURS, "code": "red", "version": "9", "display": "?"}},
    {"valueCodeableConcept": {"coding": [{}]}},
    {"valueCodeableConcept": {"coding": [{"system": COLOURS, "code": "navy"}, {"code": "x"}]}},
    {"valueCodeableConcept": {"text": "x"}},
    {"valueQuantity": {"value": 1}},
    {"part": []},
    {"part": [{"name": "element", "valueUri": "urn:x"}, {"name": "concept", "valueCodeableConcept": {"coding": [{}]}}]},
    {"resource": {"resourceType": "Patient"}},
    {"resource": codes.SYSTEM},
    {"resource": {**codes.SYSTEM, "content": "supplement"}},
    {"resource": {**codes.SYSTEM, "url": None}},
    {"resource": codes.WARM_SET},
    {"resource": {**codes.MIXED_SET, "compose": {"include": [{"valueSet": [WARM]}, {"system": PART, "filter": []}]}}},
    {"resource": codes.COLOUR_MAP},
    {"resource": {"resourceType": "ValueSet", "status": "active", "expansion": {"timestamp": "2026", "total": 9}}},
    {"_valueString": {"extension": []}},
    {},
)


@pytest.fixture(scope="module")
def ids(clinic: FlaskClient) -> dict[str, str]:
    return codes.store(clinic)


def _names(path: str) -> list[str]:
    type, _, code = path.partition("/$")
    one = next(one for one in OPERATIONS if one.code == code and (not one.types or type in one.types))
    return [parameter.name for parameter in one.parameters]


def _spoilt(draw: random.Random, given: list[dict[str, Any]], names: list[str]) -> list[dict[str, Any]]:
    """The question with something left out, put in, or said otherwise."""
    rows = list(given)
    for _ in range(draw.randint(1, 2)):
        way, place = draw.randint(0, 3), draw.randrange(len(rows)) if rows else 0
        value = draw.choice(VALUES) if draw.random() < 0.5 else {"valueString": draw.choice(TEXTS) or "-"}
        if way == 0 and rows:
            del rows[place]
        elif way == 1 and rows:
            rows[place] = {"name": rows[place]["name"], **value}
        else:
            rows.append({"name": draw.choice(names), **value})
    return rows


def _asked(clinic: FlaskClient, draw: random.Random, path: str, rows: list[dict[str, Any]], ids: dict[str, str]) -> TestResponse:
    """By POST or by GET, at the type or at a resource."""
    type, _, code = path.partition("/")
    url = f"/fhir/{path}" if draw.random() < 0.7 else f"/fhir/{type}/{draw.choice([*ids.values(), 'none'])}/{code}"
    plain = [(row["name"], next(iter(row.values()))) for row in rows if isinstance(row.get("valueString"), str)]
    if draw.random() < 0.3:
        return clinic.get(
            url, query_string=[(name, draw.choice(TEXTS)) for name, _ in plain] or {draw.choice(_names(path)): draw.choice(TEXTS)}
        )
    body = {"resourceType": "Parameters", "parameter": rows}
    return clinic.post(url, data=json.dumps(body), content_type=FHIR)


@pytest.mark.parametrize("path", sorted(RIGHT))
def test_any_question_is_answered_or_refused(clinic: FlaskClient, ids: dict[str, str], path: str) -> None:
    draw, names, given = random.Random(path), _names(path), RIGHT[path]
    assert clinic.post(f"/fhir/{path}", json={"resourceType": "Parameters", "parameter": given}, content_type=FHIR).status_code == 200
    statuses = set()
    for _ in range(100):
        rows = _spoilt(draw, given, names)
        answer = _asked(clinic, draw, path, rows, ids)
        assert answer.status_code in (200, 400, 404, 422), (path, rows, answer.text)
        assert answer.json["resourceType"] in ("OperationOutcome", "Parameters", "ValueSet")
        assert answer.status_code == 200 or all(one["diagnostics"] for one in answer.json["issue"])
        statuses.add(answer.status_code)
    assert {200, 400, 404} <= statuses
