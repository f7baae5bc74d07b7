"""Code systems, value sets and concept maps for the tests of terminology operations, and how those are asked."""

import json
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.rest.made import FHIR

ROOT = "https://clinic.example/fhir/test"
COLOURS = f"{ROOT}/CodeSystem/colours"
PART = f"{ROOT}/CodeSystem/part"
WARM = f"{ROOT}/ValueSet/warm"
MIXED = f"{ROOT}/ValueSet/mixed"
MAP = f"{ROOT}/ConceptMap/colours"
NOWHERE = f"{ROOT}/CodeSystem/nowhere"
USE = {"system": f"{ROOT}/CodeSystem/use", "code": "poetic"}

SYSTEM: dict[str, Any] = {
    "resourceType": "CodeSystem",
    "url": COLOURS,
    "version": "2",
    "name": "Colours",
    "status": "active",
    "caseSensitive": True,
    "content": "complete",
    "hierarchyMeaning": "is-a",
    "property": [
        {"code": "notSelectable", "uri": "http://hl7.org/fhir/concept-properties#notSelectable", "type": "boolean"},
        {"code": "inactive", "uri": "http://hl7.org/fhir/concept-properties#inactive", "type": "boolean"},
        {"code": "length", "type": "integer"},
    ],
    "concept": [
        {
            "code": "red",
            "display": "Red",
            "definition": "As blood.",
            "designation": [{"language": "de", "value": "Rot"}, {"language": "fr-CH", "use": USE, "value": "Vermeil é"}],
            "property": [{"code": "length", "valueInteger": 700}],
            "concept": [
                {"code": "scarlet", "display": "Scarlet bright", "designation": [{"language": "de", "value": "Scharlach"}]},
                {"code": "rust", "display": "Rust", "property": [{"code": "inactive", "valueBoolean": True}]},
            ],
        },
        {"code": "blues", "display": "Blues", "property": [{"code": "notSelectable", "valueBoolean": True}], "concept": [{"code": "navy"}]},
    ],
}
FRAGMENT: dict[str, Any] = {
    "resourceType": "CodeSystem",
    "url": PART,
    "status": "active",
    "content": "fragment",
    "concept": [{"code": "one", "display": "One", "concept": [{"code": "two"}]}, {"code": "three"}],
}
WARM_SET: dict[str, Any] = {
    "resourceType": "ValueSet",
    "url": WARM,
    "version": "1",
    "name": "Warm",
    "status": "active",
    "compose": {"include": [{"system": COLOURS, "filter": [{"property": "concept", "op": "is-a", "value": "red"}]}]},
}
MIXED_SET: dict[str, Any] = {
    "resourceType": "ValueSet",
    "url": MIXED,
    "status": "active",
    "compose": {
        "include": [
            {"system": NOWHERE, "concept": [{"code": "n1", "display": "Listed"}]},
            {"system": COLOURS},
            {"system": PART, "concept": [{"code": "one"}]},
        ]
    },
}
COLOUR_MAP: dict[str, Any] = {
    "resourceType": "ConceptMap",
    "url": MAP,
    "version": "1",
    "status": "active",
    "sourceCanonical": WARM,
    "group": [
        {
            "source": COLOURS,
            "target": NOWHERE,
            "element": [
                {"code": "red", "target": [{"code": "r", "display": "R", "equivalence": "wider"}]},
                {"code": "rust", "target": [{"equivalence": "unmatched"}]},
                {
                    "code": "scarlet",
                    "target": [
                        {
                            "code": "s",
                            "equivalence": "equivalent",
                            "dependsOn": [{"property": "urn:test:light", "value": "day"}],
                            "product": [{"property": "urn:test:tone", "system": NOWHERE, "value": "bright"}],
                        }
                    ],
                },
            ],
        }
    ],
}
STORED = (SYSTEM, FRAGMENT, WARM_SET, MIXED_SET, COLOUR_MAP)


def store(clinic: FlaskClient) -> dict[str, str]:
    """Stores them all; the id of each by its URL."""
    ids = {}
    for tree in STORED:
        answer = clinic.post(f"/fhir/{tree['resourceType']}", data=json.dumps(tree), content_type=FHIR)
        assert answer.status_code == 201, answer.text
        ids[tree["url"]] = answer.json["id"]
    return ids


def asked(clinic: FlaskClient, url: str, *parameters: dict[str, Any]) -> TestResponse:
    """POSTs Parameters."""
    return clinic.post(f"/fhir/{url}", json={"resourceType": "Parameters", "parameter": list(parameters)}, content_type=FHIR)


def returned(answer: TestResponse) -> dict[str, Any]:
    """The single values of the Parameters that came back, by name."""
    assert answer.status_code == 200, answer.text
    assert answer.json["resourceType"] == "Parameters"
    return {one["name"]: next(value for name, value in one.items() if name != "name") for one in answer.json["parameter"]}
