"""Small resources and requests for the tests of the interactions."""

import itertools
import json
import uuid
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

BASE = "http://127.0.0.1:8080/fhir"
FHIR = "application/fhir+json"
SYSTEM = "https://clinic.example/fhir/sid/test"

_numbers = itertools.count()


def fresh() -> str:
    """A value that no other test uses."""
    return f"{uuid.uuid4().hex[:12]}-{next(_numbers)}"


def patient(value: str = "", **members: Any) -> dict[str, Any]:
    """A Patient with an identifier."""
    return {"resourceType": "Patient", "identifier": [{"system": SYSTEM, "value": value or fresh()}], "active": True, **members}


def observation(subject: str, value: str = "1.10", **members: Any) -> str:
    """The JSON text of an Observation of a local code; `value` is written as it is."""
    tree = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "https://clinic.example/fhir/CodeSystem/local", "code": "test"}]},
        "subject": {"reference": subject},
        "effectiveDateTime": "2026-03-14T10:00:00Z",
        "valueQuantity": {"value": "NUMBER", "unit": "mg"},
        **members,
    }
    return json.dumps(tree).replace('"NUMBER"', value)


def create(api: FlaskClient, resource: dict[str, Any] | str, **headers: str) -> TestResponse:
    """POSTs a resource to its type."""
    text = resource if isinstance(resource, str) else json.dumps(resource)
    return api.post(f"/fhir/{json.loads(text)['resourceType']}", data=text, content_type=FHIR, headers=named(headers))


def put(api: FlaskClient, url: str, resource: dict[str, Any], **headers: str) -> TestResponse:
    """PUTs a resource to `url`, below the base."""
    return api.put(f"/fhir/{url}", data=json.dumps(resource), content_type=FHIR, headers=named(headers))


def made(api: FlaskClient, resource: dict[str, Any] | str) -> dict[str, Any]:
    """The resource as it was stored."""
    response = create(api, resource)
    assert response.status_code == 201, response.text
    tree: dict[str, Any] = response.json
    return tree


def bundle(kind: str, *entries: dict[str, Any]) -> dict[str, Any]:
    """A Bundle to be processed."""
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def entry(method: str, url: str, resource: dict[str, Any] | None = None, full_url: str | None = None, **request: str) -> dict[str, Any]:
    """An entry of a Bundle; `request` are further members of `entry.request`."""
    found: dict[str, Any] = {"request": {"method": method, "url": url, **request}}
    if resource is not None:
        found["resource"] = resource
    if full_url is not None:
        found["fullUrl"] = full_url
    return found


def process(api: FlaskClient, kind: str, *entries: dict[str, Any], **headers: str) -> TestResponse:
    """POSTs a Bundle to the base."""
    return api.post("/fhir", data=json.dumps(bundle(kind, *entries)), content_type=FHIR, headers=named(headers))


def named(headers: dict[str, str]) -> dict[str, str]:
    """Header fields from keyword arguments: `if_match` is If-Match."""
    return {name.replace("_", "-"): value for name, value in headers.items()}


def issue(response: TestResponse, status: int) -> dict[str, Any]:
    """The first issue of a refusal, which is an OperationOutcome with the status expected."""
    assert response.status_code == status, response.text
    assert response.json["resourceType"] == "OperationOutcome"
    first: dict[str, Any] = response.json["issue"][0]
    assert first["severity"] in ("error", "fatal")
    assert first["diagnostics"]
    return first
