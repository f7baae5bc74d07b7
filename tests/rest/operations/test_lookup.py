"""`CodeSystem/$lookup` and `CodeSystem/$subsumes`."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.rest.made import issue
from tests.rest.operations import codes
from tests.rest.operations.codes import COLOURS, NOWHERE, PART, asked, returned

NDC = "http://hl7.org/fhir/sid/ndc"


@pytest.fixture(scope="module")
def ids(clinic: FlaskClient) -> dict[str, str]:
    return codes.store(clinic)


def _lookup(clinic: FlaskClient, **query: Any) -> TestResponse:
    return clinic.get("/fhir/CodeSystem/$lookup", query_string=query)


def _properties(answer: TestResponse) -> list[tuple[str, Any]]:
    assert answer.status_code == 200, answer.text
    found = []
    for one in answer.json["parameter"]:
        if one["name"] == "property":
            code, value = one["part"]
            found.append((code["valueCode"], next(held for name, held in value.items() if name != "name")))
    return found


def _designations(answer: TestResponse) -> list[str]:
    rows = [one["part"] for one in answer.json["parameter"] if one["name"] == "designation"]
    return [part["valueString"] for row in rows for part in row if part["name"] == "value"]


def test_all_that_is_known(clinic: FlaskClient, ids: dict[str, str]) -> None:
    answer = _lookup(clinic, system=COLOURS, code="red")
    found = returned(answer)
    assert (found["name"], found["version"], found["display"]) == ("Colours", "2", "Red")
    assert _designations(answer) == ["Rot", "Vermeil é"]
    assert _properties(answer) == [("definition", "As blood."), ("length", 700), ("child", "scarlet"), ("child", "rust")]
    gate = clinic.application.extensions["infusion_records"].gate
    assert [one for one in gate.check(answer.json, "Parameters") if one.severity == "error"] == []
    assert _properties(_lookup(clinic, system=COLOURS, code="rust")) == [("inactive", True), ("parent", "red")]
    coding = {"name": "coding", "valueCoding": {"system": COLOURS, "code": "red"}}
    assert asked(clinic, "CodeSystem/$lookup", coding).json == answer.json


def test_what_is_asked_for(clinic: FlaskClient, ids: dict[str, str]) -> None:
    answer = _lookup(clinic, system=COLOURS, code="red", property=["child", "url"])
    assert _properties(answer) == [("url", COLOURS), ("child", "scarlet"), ("child", "rust")]
    assert _designations(answer) == []
    assert _designations(_lookup(clinic, system=COLOURS, code="red", property="lang.de")) == ["Rot"]
    assert len(_designations(_lookup(clinic, system=COLOURS, code="red", property="designation"))) == 2
    assert returned(_lookup(clinic, system=COLOURS, code="red", displayLanguage="de"))["display"] == "Rot"
    assert returned(_lookup(clinic, system=COLOURS, code="rust", displayLanguage="de"))["display"] == "Rust"


def test_units_and_drug_codes(clinic: FlaskClient) -> None:
    assert returned(_lookup(clinic, system="http://unitsofmeasure.org", code="ug/kg/min"))["display"]
    forms = _properties(_lookup(clinic, system=NDC, code="0409-2051-05"))
    assert ("eleven-digits", "00409205105") in forms
    issue(_lookup(clinic, system=NDC, code="0409205105"), 404)
    issue(_lookup(clinic, system="http://unitsofmeasure.org", code="mgg"), 404)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 400),
        ({"code": "red"}, 400),
        ({"system": COLOURS}, 400),
        ({"system": COLOURS, "code": "red", "coding": "x"}, 400),
        ({"system": COLOURS, "code": "red", "date": "1999-01-01"}, 400),
        ({"system": COLOURS, "code": "red", "depth": "1"}, 400),
        ({"system": COLOURS, "code": "green"}, 404),
        ({"system": COLOURS, "code": "red", "version": "1"}, 404),
        ({"system": NOWHERE, "code": "red"}, 404),
        ({"system": "http://loinc.org", "code": "8867-4"}, 404),
        ({"system": "'; DROP TABLE resource; --", "code": "é" * 2000}, 404),
    ],
)
def test_what_is_not_here(clinic: FlaskClient, ids: dict[str, str], query: dict[str, Any], status: int) -> None:
    issue(_lookup(clinic, **query), status)


def _subsumes(clinic: FlaskClient, **query: Any) -> TestResponse:
    return clinic.get("/fhir/CodeSystem/$subsumes", query_string=query)


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        ("red", "scarlet", "subsumes"),
        ("scarlet", "red", "subsumed-by"),
        ("red", "red", "equivalent"),
        ("scarlet", "rust", "not-subsumed"),
        ("navy", "red", "not-subsumed"),
    ],
)
def test_how_codes_relate(clinic: FlaskClient, ids: dict[str, str], first: str, second: str, outcome: str) -> None:
    assert returned(_subsumes(clinic, system=COLOURS, codeA=first, codeB=second)) == {"outcome": outcome}
    assert returned(_subsumes(clinic, system=COLOURS, version="2", codeA=first, codeB=second)) == {"outcome": outcome}
    here = clinic.get(f"/fhir/CodeSystem/{ids[COLOURS]}/$subsumes", query_string={"codeA": first, "codeB": second})
    assert returned(here) == {"outcome": outcome}
    codings = [{"name": f"coding{name}", "valueCoding": {"system": COLOURS, "code": code}} for name, code in (("A", first), ("B", second))]
    assert returned(asked(clinic, "CodeSystem/$subsumes", *codings)) == {"outcome": outcome}


def test_of_a_part_only_what_is_certain_is_told(clinic: FlaskClient, ids: dict[str, str]) -> None:
    assert returned(_subsumes(clinic, system=PART, codeA="one", codeB="two")) == {"outcome": "subsumes"}
    issue(_subsumes(clinic, system=PART, codeA="one", codeB="three"), 422)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 400),
        ({"codeA": "red", "codeB": "rust"}, 400),
        ({"system": COLOURS, "codeA": "red"}, 400),
        ({"system": COLOURS, "codeA": "red", "codeB": "none"}, 404),
        ({"system": COLOURS, "version": "9", "codeA": "red", "codeB": "rust"}, 404),
        ({"system": NOWHERE, "codeA": "red", "codeB": "rust"}, 404),
        ({"system": "http://snomed.info/sct", "codeA": "1", "codeB": "2"}, 422),
        ({"system": "http://unitsofmeasure.org", "codeA": "mg", "codeB": "g"}, 422),
    ],
)
def test_what_cannot_be_compared(clinic: FlaskClient, ids: dict[str, str], query: dict[str, str], status: int) -> None:
    issue(_subsumes(clinic, **query), status)


def test_codes_of_two_systems_cannot_be_compared(clinic: FlaskClient, ids: dict[str, str]) -> None:
    codings = [
        {"name": f"coding{name}", "valueCoding": {"system": system, "code": "one"}} for name, system in (("A", COLOURS), ("B", PART))
    ]
    issue(asked(clinic, "CodeSystem/$subsumes", *codings), 400)
    issue(asked(clinic, f"CodeSystem/{ids[COLOURS]}/$subsumes", *codings), 400)
