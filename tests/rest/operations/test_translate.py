"""`ConceptMap/$translate`."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.rest.made import FHIR, issue
from tests.rest.operations import codes
from tests.rest.operations.codes import COLOURS, MAP, NOWHERE, WARM, asked, returned

NDC = "http://hl7.org/fhir/sid/ndc"
MDC, LOINC = "urn:iso:std:iso:11073:10101", "http://loinc.org"


@pytest.fixture(scope="module")
def ids(clinic: FlaskClient) -> dict[str, str]:
    return codes.store(clinic)


def _translate(clinic: FlaskClient, **query: Any) -> TestResponse:
    return clinic.get("/fhir/ConceptMap/$translate", query_string=query)


def _matches(answer: TestResponse) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    rows = [one["part"] for one in answer.json["parameter"] if one["name"] == "match"]
    return [{part["name"]: next((value for name, value in part.items() if name != "name"), None) for part in row} for row in rows]


def _pairs(answer: TestResponse) -> list[tuple[str, str | None]]:
    return [(one["equivalence"], one.get("concept", {}).get("code")) for one in _matches(answer)]


def test_every_way_to_name_the_map(clinic: FlaskClient, ids: dict[str, str]) -> None:
    red = {"name": "coding", "valueCoding": {"system": COLOURS, "code": "red"}}
    answers = [
        _translate(clinic, system=COLOURS, code="red"),
        _translate(clinic, url=MAP, system=COLOURS, code="red"),
        _translate(clinic, url=MAP, conceptMapVersion="1", system=COLOURS, code="red"),
        clinic.get(f"/fhir/ConceptMap/{ids[MAP]}/$translate", query_string={"system": COLOURS, "code": "red"}),
        asked(clinic, "ConceptMap/$translate", red),
        asked(clinic, "ConceptMap/$translate", red, {"name": "conceptMap", "resource": codes.COLOUR_MAP}),
        clinic.post(f"/fhir/ConceptMap/$translate?system={COLOURS}&code=red", data=json.dumps(codes.COLOUR_MAP), content_type=FHIR),
        asked(clinic, "ConceptMap/$translate", {"name": "codeableConcept", "valueCodeableConcept": {"coding": [red["valueCoding"]]}}),
    ]
    for answer in answers:
        assert returned(answer)["result"] is True
        (match,) = _matches(answer)
        assert match == {"equivalence": "wider", "concept": {"system": NOWHERE, "code": "r", "display": "R"}, "source": MAP}


def test_what_does_not_match(clinic: FlaskClient, ids: dict[str, str]) -> None:
    for query in ({"code": "navy"}, {"code": "red", "targetsystem": LOINC}, {"code": "red", "source": f"{codes.ROOT}/ValueSet/other"}):
        found = _translate(clinic, system=COLOURS, **query)
        assert returned(found)["result"] is False
        assert returned(found)["message"]
        assert _matches(found) == []
    excluded = _translate(clinic, system=COLOURS, code="rust")
    assert (returned(excluded)["result"], _pairs(excluded)) == (False, [("unmatched", None)])
    assert _pairs(_translate(clinic, system=COLOURS, code="red", source=WARM, targetsystem=NOWHERE)) == [("wider", "r")]


def test_dependencies_and_products(clinic: FlaskClient, ids: dict[str, str]) -> None:
    assert "urn:test:light" in returned(_translate(clinic, system=COLOURS, code="scarlet"))["message"]
    scarlet = {"name": "coding", "valueCoding": {"system": COLOURS, "code": "scarlet"}}

    def depending(**concept: Any) -> TestResponse:
        element, value = {"name": "element", "valueUri": "urn:test:light"}, {"name": "concept", "valueCodeableConcept": concept}
        return asked(clinic, "ConceptMap/$translate", scarlet, {"name": "dependency", "part": [element, value]})

    assert _pairs(depending(text="night")) == []
    for answer in (depending(text="day"), depending(coding=[{"code": "day"}])):
        (match,) = _matches(answer)
        assert match["concept"]["code"] == "s"
        element, concept = match["product"]
        assert (element["valueUri"], concept["valueCoding"]) == ("urn:test:tone", {"system": NOWHERE, "code": "bright"})
    issue(asked(clinic, "ConceptMap/$translate", scarlet, {"name": "dependency", "valueString": "day"}), 400)
    issue(asked(clinic, "ConceptMap/$translate", scarlet, {"name": "dependency", "part": [{"name": "element", "valueString": "x"}]}), 400)


def test_backwards(clinic: FlaskClient, ids: dict[str, str]) -> None:
    (match,) = _matches(_translate(clinic, url=MAP, system=NOWHERE, code="r", reverse="true"))
    assert (match["equivalence"], match["concept"]["code"]) == ("narrower", "red")


def test_maps_of_the_library(clinic: FlaskClient) -> None:
    (match,) = _matches(_translate(clinic, system=MDC, code="150020", targetsystem=LOINC))
    assert match["concept"]["code"] == "85354-9"
    assert match["source"] == "https://clinic.example/fhir/ConceptMap/mdc-to-loinc"


def test_drug_codes(clinic: FlaskClient) -> None:
    assert _pairs(_translate(clinic, system=NDC, code="0409-2051-05")) == [("equal", "00409205105")]
    back = _translate(clinic, system=NDC, code="00409205105", reverse="true")
    assert ("inexact", "0409-2051-05") in _pairs(back)
    unclear = returned(_translate(clinic, system=NDC, code="0409205105"))
    assert unclear["result"] is False
    assert unclear["message"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 400),
        ({"code": "red"}, 400),
        ({"system": COLOURS}, 400),
        ({"system": COLOURS, "code": "red", "url": "http://x.example/none"}, 404),
        ({"system": COLOURS, "code": "red", "url": MAP, "conceptMapVersion": "9"}, 404),
        ({"system": COLOURS, "code": "red", "conceptMapVersion": "1"}, 400),
        ({"system": COLOURS, "code": "red", "reverse": "perhaps"}, 400),
        ({"system": COLOURS, "code": "red", "dependency": "x"}, 400),
        ({"system": COLOURS, "code": "red", "conceptMap": "x"}, 400),
        ({"system": COLOURS, "code": "red", "limit": "1"}, 400),
    ],
)
def test_what_is_asked_wrongly(clinic: FlaskClient, ids: dict[str, str], query: dict[str, str], status: int) -> None:
    issue(_translate(clinic, **query), status)


def test_who_is_meant_has_to_be_clear(clinic: FlaskClient, ids: dict[str, str]) -> None:
    here = f"/fhir/ConceptMap/{ids[MAP]}/$translate"
    issue(clinic.get(here, query_string={"system": COLOURS, "code": "red", "url": MAP}), 400)
    issue(clinic.get("/fhir/ConceptMap/none/$translate", query_string={"system": COLOURS, "code": "red"}), 404)
    red = {"name": "coding", "valueCoding": {"system": COLOURS, "code": "red"}}
    both = ({"name": "url", "valueUri": MAP}, {"name": "conceptMap", "resource": codes.COLOUR_MAP})
    issue(asked(clinic, "ConceptMap/$translate", red, *both), 400)
    issue(asked(clinic, "ConceptMap/$translate", red, {"name": "conceptMap", "resource": {"resourceType": "ConceptMap"}}), 422)
