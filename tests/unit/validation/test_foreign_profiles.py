"""Profiles of packages that are not whole here, and extensions where published definitions put them."""

import json
from typing import Any

from service.fhir import definitions, library
from service.validation.check import Gate
from service.validation.profile.hold import Holder

KNOWN = definitions.load("all")
EXTENSIONS = "http://hl7.org/fhir/StructureDefinition/"
URL = "https://other.example/StructureDefinition/note"
SYSTEM_STRING = "http://hl7.org/fhirpath/System.String"


def gate(*profiles: dict[str, Any]) -> Gate:
    known = library.load()
    known.add("other#1", [("StructureDefinition", one["url"], None, json.dumps(one)) for one in profiles])
    return Gate(KNOWN, Holder(KNOWN, known))


def errors(resource: dict[str, Any], *profiles: dict[str, Any]) -> list[str]:
    return [issue.rule for issue in gate(*profiles).check(resource) if issue.severity == "error"]


def test_a_profile_with_an_unknown_parent_is_read_from_its_snapshot() -> None:
    rows = [
        {"id": "Basic", "path": "Basic", "min": 0, "max": "*"},
        {"id": "Basic.id", "path": "Basic.id", "min": 0, "max": "1", "type": [{"code": SYSTEM_STRING}]},
        {"id": "Basic.author", "path": "Basic.author", "min": 1, "max": "1", "type": [{"code": "Reference"}]},
    ]
    profile = {
        "resourceType": "StructureDefinition",
        "url": URL,
        "type": "Basic",
        "kind": "resource",
        "derivation": "constraint",
        "baseDefinition": "https://nowhere.example/StructureDefinition/parent",
        "snapshot": {"element": rows},
        "differential": {"element": rows[2:]},
    }
    note = {"resourceType": "Basic", "id": "n", "meta": {"profile": [URL]}, "code": {"text": "note"}}
    assert errors({**note, "author": {"reference": "Practitioner/p"}}, profile) == []
    assert errors(note, profile) == ["required-element"]


def test_an_extension_of_any_element_stands_on_a_resource_too() -> None:
    status = {"url": EXTENSIONS + "structuredefinition-standards-status", "valueCode": "trial-use"}
    assert errors({"resourceType": "Basic", "extension": [status], "code": {"text": "note"}}) == []


def test_expectations_stand_where_published_search_parameters_have_them() -> None:
    expected = {"extension": [{"url": EXTENSIONS + "capabilitystatement-expectation", "valueCode": "MAY"}]}
    parameter = {
        "resourceType": "SearchParameter",
        "url": "https://other.example/SearchParameter/x",
        "name": "X",
        "status": "active",
        "description": "x",
        "code": "x",
        "base": ["Basic"],
        "type": "token",
        "expression": "Basic.code",
        "multipleOr": True,
        "_multipleOr": expected,
    }
    assert errors(parameter) == []


def test_a_list_that_has_grown_refuses_no_new_code() -> None:
    group = {"url": EXTENSIONS + "structuredefinition-wg", "valueCode": "newest"}
    assert errors({"resourceType": "Basic", "extension": [group], "code": {"text": "note"}}) == []
