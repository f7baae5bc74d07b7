"""`ValueSet/$validate-code` and `CodeSystem/$validate-code`: true, false, and what cannot be told."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.rest.made import issue
from tests.rest.operations import codes
from tests.rest.operations.codes import COLOURS, MIXED, NOWHERE, PART, WARM, asked, returned

UCUM, LOINC, SNOMED = "http://unitsofmeasure.org", "http://loinc.org", "http://snomed.info/sct"


@pytest.fixture(scope="module")
def ids(clinic: FlaskClient) -> dict[str, str]:
    return codes.store(clinic)


def _in_set(clinic: FlaskClient, **query: Any) -> Any:
    return clinic.get("/fhir/ValueSet/$validate-code", query_string=query)


def _in_system(clinic: FlaskClient, **query: Any) -> Any:
    return clinic.get("/fhir/CodeSystem/$validate-code", query_string=query)


@pytest.mark.parametrize(
    ("url", "system", "code", "result"),
    [
        (WARM, COLOURS, "red", True),
        (WARM, COLOURS, "scarlet", True),
        (WARM, COLOURS, "navy", False),
        (WARM, COLOURS, "Red", False),
        (WARM, COLOURS, "none", False),
        (WARM, NOWHERE, "red", False),
        (MIXED, NOWHERE, "n1", True),
        (MIXED, NOWHERE, "n2", False),
        (MIXED, COLOURS, "blues", False),
        (MIXED, PART, "one", True),
        (MIXED, PART, "nine", False),
        (f"{WARM}|1", COLOURS, "red", True),
    ],
)
def test_what_is_known_of_a_value_set(clinic: FlaskClient, ids: dict[str, str], url: str, system: str, code: str, result: bool) -> None:
    found = returned(_in_set(clinic, url=url, system=system, code=code))
    assert found["result"] is result
    assert result or code in found["message"]


def test_groups_and_inactive_codes(clinic: FlaskClient, ids: dict[str, str]) -> None:
    group = {"url": MIXED, "system": COLOURS, "code": "blues"}
    assert "abstract=true" in returned(_in_set(clinic, **group))["message"]
    assert returned(_in_set(clinic, **group, abstract="true"))["result"] is True
    assert "inactive" in returned(_in_set(clinic, url=WARM, system=COLOURS, code="rust"))["message"]


@pytest.mark.parametrize(
    ("display", "result"), [("Red", True), ("rED ", True), ("Rot", True), ("vermeil é", True), ("Blue", False), ("Re", False)]
)
def test_displays(clinic: FlaskClient, ids: dict[str, str], display: str, result: bool) -> None:
    asked_of = {"code": "red", "display": display}
    for found in (_in_set(clinic, url=WARM, system=COLOURS, **asked_of), _in_system(clinic, url=COLOURS, **asked_of)):
        assert (returned(found)["result"], returned(found)["display"]) == (result, "Red")
    german = returned(_in_set(clinic, url=WARM, system=COLOURS, displayLanguage="de-CH", **asked_of))
    assert (german["result"], german["display"]) == (result, "Rot")


def test_a_display_that_nobody_knows_is_not_checked(clinic: FlaskClient, ids: dict[str, str]) -> None:
    found = returned(_in_set(clinic, url=MIXED, system=COLOURS, code="navy", display="Dark"))
    assert found["result"] is True
    assert "not checked" in found["message"]


def test_codings_and_concepts(clinic: FlaskClient, ids: dict[str, str]) -> None:
    red, navy = {"system": COLOURS, "code": "red"}, {"system": COLOURS, "code": "navy"}
    for url, name in ((f"ValueSet/{ids[WARM]}", WARM), (f"CodeSystem/{ids[COLOURS]}", COLOURS)):
        assert returned(asked(clinic, f"{url}/$validate-code", {"name": "coding", "valueCoding": red}))["result"] is True
        kind = url.partition("/")[0]
        found = asked(clinic, f"{kind}/$validate-code", {"name": "url", "valueUri": name}, {"name": "coding", "valueCoding": red})
        assert returned(found)["result"] is True

    def concept(*codings: dict[str, str]) -> dict[str, Any]:
        given = {"name": "codeableConcept", "valueCodeableConcept": {"coding": list(codings)}}
        return returned(asked(clinic, f"ValueSet/{ids[WARM]}/$validate-code", given))

    assert concept(navy, red)["result"] is True
    assert concept(navy)["result"] is False
    assert concept({**red, "display": "Blue"}, navy)["result"] is False
    sent = {"name": "valueSet", "resource": codes.WARM_SET}
    assert returned(asked(clinic, "ValueSet/$validate-code", sent, {"name": "coding", "valueCoding": red}))["result"] is True
    system = {"name": "codeSystem", "resource": {**codes.SYSTEM, "url": NOWHERE}}
    assert returned(asked(clinic, "CodeSystem/$validate-code", system, {"name": "code", "valueCode": "red"}))["result"] is True
    assert returned(asked(clinic, "CodeSystem/$validate-code", system, {"name": "code", "valueCode": "x"}))["result"] is False


def test_what_is_not_stored_is_never_true_or_false(clinic: FlaskClient, ids: dict[str, str]) -> None:
    told = issue(_in_set(clinic, url="http://snomed.info/sct?fhir_vs", system=SNOMED, code="1"), 422)
    assert (told["code"], told["details"]["coding"][0]["code"]) == ("not-supported", "code-not-checked")
    open_set = {"resourceType": "ValueSet", "status": "active", "compose": {"include": [{"system": NOWHERE}, {"system": COLOURS}]}}
    sent = {"name": "valueSet", "resource": open_set}
    unknown, known = {"system": NOWHERE, "code": "x"}, {"system": COLOURS, "code": "red"}
    issue(asked(clinic, "ValueSet/$validate-code", sent, {"name": "coding", "valueCoding": unknown}), 422)
    both = {"name": "codeableConcept", "valueCodeableConcept": {"coding": [unknown, known]}}
    assert returned(asked(clinic, "ValueSet/$validate-code", sent, both))["result"] is True
    neither = {"name": "codeableConcept", "valueCodeableConcept": {"coding": [unknown, {"system": COLOURS, "code": "x"}]}}
    issue(asked(clinic, "ValueSet/$validate-code", sent, neither), 422)
    for system in (LOINC, SNOMED, NOWHERE, "http://www.nlm.nih.gov/research/umls/rxnorm"):
        assert _in_system(clinic, url=system, code="x").status_code in (404, 422), system
    assert returned(_in_system(clinic, url=PART, code="two"))["result"] is True
    issue(_in_system(clinic, url=PART, code="nine"), 422)


@pytest.mark.parametrize(
    ("url", "code", "result"),
    [
        (UCUM, "mg/kg/h", True),
        (UCUM, "mm[Hg]", True),
        (UCUM, "mgg", False),
        (UCUM, "mg/", False),
        (UCUM, "m" * 500, False),
        ("urn:ietf:bcp:47", "de-CH", True),
        ("urn:ietf:bcp:47", "d", False),
        ("http://hl7.org/fhir/sid/ndc", "00409-2051-05", True),
        ("http://hl7.org/fhir/sid/ndc", "0409205105", False),
        ("http://hl7.org/fhir/observation-status", "final", True),
        ("http://hl7.org/fhir/observation-status", "Final", False),
    ],
)
def test_code_systems_of_the_library_and_of_grammars(clinic: FlaskClient, url: str, code: str, result: bool) -> None:
    assert returned(_in_system(clinic, url=url, code=code))["result"] is result


def test_versions(clinic: FlaskClient, ids: dict[str, str]) -> None:
    assert returned(_in_system(clinic, url=COLOURS, version="2", code="red"))["result"] is True
    issue(_in_system(clinic, url=COLOURS, version="1", code="red"), 404)
    issue(_in_system(clinic, url=f"{COLOURS}|1", version="2", code="red"), 400)
    assert returned(_in_set(clinic, url=WARM, system=COLOURS, systemVersion="2", code="red"))["result"] is True
    issue(_in_set(clinic, url=WARM, system=COLOURS, systemVersion="1", code="red"), 404)


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"url": WARM},
        {"url": WARM, "code": "red"},
        {"url": WARM, "system": COLOURS},
        {"url": WARM, "coding": f"{COLOURS}|red"},
        {"url": WARM, "code": "red", "system": COLOURS, "abstract": "maybe"},
        {"url": WARM, "code": "red", "system": COLOURS, "context": "x"},
        {"url": WARM, "code": "red", "system": COLOURS, "date": "2020"},
        {"url": WARM, "code": ["red", "red"], "system": COLOURS},
        {"code": "red", "system": COLOURS},
    ],
)
def test_what_a_value_set_is_asked_wrongly(clinic: FlaskClient, ids: dict[str, str], query: dict[str, Any]) -> None:
    issue(_in_set(clinic, **query), 400)


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"url": COLOURS},
        {"code": "red"},
        {"url": COLOURS, "code": "red", "system": COLOURS},
        {"url": COLOURS, "code": "red", "date": "2020"},
        {"url": COLOURS, "code": "red", "date": "yesterday"},
    ],
)
def test_what_a_code_system_is_asked_wrongly(clinic: FlaskClient, ids: dict[str, str], query: dict[str, Any]) -> None:
    issue(_in_system(clinic, **query), 400)


def test_what_is_sent_wrongly(clinic: FlaskClient, ids: dict[str, str]) -> None:
    url, red = f"ValueSet/{ids[WARM]}/$validate-code", {"system": COLOURS, "code": "red"}
    coding = {"name": "coding", "valueCoding": red}
    issue(asked(clinic, url, coding, {"name": "code", "valueCode": "red"}), 400)
    issue(asked(clinic, url, coding, {"name": "display", "valueString": "Red"}), 400)
    issue(asked(clinic, url, coding, {"name": "url", "valueUri": WARM}), 400)
    issue(asked(clinic, url, {"name": "coding", "valueCoding": {"system": COLOURS}}), 400)
    issue(asked(clinic, url, {"name": "codeableConcept", "valueCodeableConcept": {"text": "red"}}), 400)
    issue(asked(clinic, url, {"name": "coding", "valueQuantity": {"value": 1}}), 400)
    issue(asked(clinic, "ValueSet/none/$validate-code", coding), 404)
    issue(asked(clinic, "CodeSystem/none/$validate-code", coding), 404)
    other = {"name": "coding", "valueCoding": {"system": NOWHERE, "code": "red"}}
    issue(asked(clinic, f"CodeSystem/{ids[COLOURS]}/$validate-code", other), 400)
    issue(
        asked(clinic, "CodeSystem/$validate-code", {"name": "codeSystem", "resource": codes.FRAGMENT}, {"name": "url", "valueUri": PART}),
        400,
    )


def test_a_system_is_not_guessed(clinic: FlaskClient, ids: dict[str, str]) -> None:
    plain = {"name": "coding", "valueCoding": {"code": "red"}}
    assert returned(asked(clinic, f"ValueSet/{ids[WARM]}/$validate-code", plain))["result"] is False


def test_every_code_of_an_expansion_is_valid_and_no_other(clinic: FlaskClient, ids: dict[str, str]) -> None:
    status = "http://hl7.org/fhir/ValueSet/observation-status"
    for url in (WARM, MIXED, status):
        rows = clinic.get("/fhir/ValueSet/$expand", query_string={"url": url}).json["expansion"]["contains"]
        assert rows
        for row in rows:
            one = {"url": url, "system": row["system"], "abstract": "true"}
            assert returned(_in_set(clinic, **one, code=row["code"]))["result"] is True
            assert returned(_in_set(clinic, **one, code=f"{row['code']}-x"))["result"] is False
