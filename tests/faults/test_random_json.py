"""Random JSON at every route that takes a body: never a 5xx, and an OperationOutcome for every refusal (Hypothesis)."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from service.fhir import definitions
from tests.faults.hostile import TEXTS
from tests.faults.target import JSON, RULES

TYPES = (
    "Patient",
    "Observation",
    "Encounter",
    "MedicationAdministration",
    "Bundle",
    "Parameters",
    "ValueSet",
    "Questionnaire",
    "Binary",
    "List",
)
QUICK, LONG = 60, 1_000
_DEFINITIONS = definitions.load("")

_COMMON = """
    id meta text div status code coding system value reference subject extension url contained name family period start end entry
    resource request method type resourceType identifier _birthDate valueQuantity valueReference parameter part path op link tag
    versionId lastUpdated data contentType
"""
_scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=12), st.sampled_from(TEXTS)
)
_names = st.text(max_size=6) | st.sampled_from(_COMMON.split())
_anything = st.recursive(_scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_names, inner, max_size=5), max_leaves=25)


@st.composite
def _resources(draw: st.DrawFn) -> tuple[str, Any]:
    """A type and something that calls itself a resource of it: members that exist, filled with anything."""
    type = draw(st.sampled_from(TYPES))
    names = st.sampled_from(_members(type)) | _names
    members = draw(st.dictionaries(names, _anything, max_size=6))
    return type, {"resourceType": type, **members}


def _members(type: str) -> list[str]:
    structure = _DEFINITIONS.structures[type]
    return [name for element in structure.elements.values() for name in element.properties]


@st.composite
def _bundles(draw: st.DrawFn) -> Any:
    entry = st.fixed_dictionaries(
        {},
        optional={
            "fullUrl": _scalars,
            "resource": _resources().map(lambda pair: pair[1]) | _anything,
            "request": st.fixed_dictionaries(
                {},
                optional={
                    "method": st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]) | _scalars,
                    "url": st.sampled_from([*TYPES, "Patient/a", "Patient?identifier=a", "Patient/a/_history/1", "metadata", "_history"])
                    | _scalars,
                    "ifMatch": _scalars,
                    "ifNoneExist": _scalars,
                    "ifNoneMatch": _scalars,
                },
            )
            | _anything,
        },
    )
    kind = draw(st.sampled_from(["transaction", "batch"]))
    return {"resourceType": "Bundle", "type": kind, "entry": draw(st.lists(entry | _anything, max_size=4))}


@st.composite
def _patches(draw: st.DrawFn) -> Any:
    places = [
        "/active",
        "/name",
        "/name/0",
        "/name/-",
        "/name/0/family",
        "/id",
        "/meta",
        "/meta/tag",
        "",
        "/",
        "/identifier/0/value",
        "/text/div",
    ]
    operation = st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]), "path": st.sampled_from(places)},
        optional={"from": st.sampled_from(places) | _scalars, "value": _anything},
    )
    return draw(st.lists(operation | _anything, max_size=4) | _anything)


def _require(answer: Any, what: object) -> None:
    said = (what, answer.status_code, answer.text[:400])
    assert answer.status_code < 500, said
    if answer.status_code >= 400:
        outcome = json.loads(answer.text)
        assert outcome["resourceType"] == "OperationOutcome", said
        assert all(issue["diagnostics"] for issue in outcome["issue"]), said
        assert outcome["issue"][0]["details"]["coding"][0]["system"] == RULES, said
    elif answer.text and "json" in answer.content_type:
        for entry in json.loads(answer.text).get("entry", []) if answer.text.startswith("{") else []:
            assert not entry.get("response", {}).get("status", "").startswith("5"), said


@pytest.fixture
def patient(client: FlaskClient) -> str:
    """The address of a patient to be changed."""
    tree = {"resourceType": "Patient", "active": True, "name": [{"family": "x"}], "identifier": [{"value": "a"}]}
    made = client.post("/fhir/Patient", json=tree, content_type=JSON)
    assert made.status_code == 201
    return f"Patient/{made.get_json(force=True)['id']}"


def _examples(count: int) -> Any:
    return settings(
        max_examples=count,
        deadline=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.large_base_example,
        ],
    )


COUNTS = [pytest.param(QUICK, id="some"), pytest.param(LONG, id="many", marks=pytest.mark.nightly)]


@pytest.mark.parametrize("count", COUNTS)
def test_resources(client: FlaskClient, count: int) -> None:
    @_examples(count)
    @given(_resources(), _anything)
    def check(resource: tuple[str, Any], anything: Any) -> None:
        type, tree = resource
        _require(client.post(f"/fhir/{type}", data=json.dumps(tree), content_type=JSON), tree)
        _require(client.put(f"/fhir/{type}/a", data=json.dumps({**tree, "id": "a"}), content_type=JSON), tree)
        _require(client.put(f"/fhir/{type}?_id=zz", data=json.dumps(tree), content_type=JSON), tree)
        _require(client.post(f"/fhir/{type}", data=json.dumps(anything), content_type=JSON), anything)

    check()


@pytest.mark.parametrize("count", COUNTS)
def test_bundles(client: FlaskClient, count: int) -> None:
    @_examples(count)
    @given(_bundles())
    def check(bundle: Any) -> None:
        _require(client.post("/fhir/", data=json.dumps(bundle), content_type=JSON), bundle)

    check()


@pytest.mark.parametrize("count", COUNTS)
def test_patches(client: FlaskClient, patient: str, count: int) -> None:
    @_examples(count)
    @given(_patches(), _resources())
    def check(patch: Any, resource: tuple[str, Any]) -> None:
        _require(client.patch(f"/fhir/{patient}", data=json.dumps(patch), content_type="application/json-patch+json"), patch)
        parameters = {**resource[1], "resourceType": "Parameters"}
        _require(client.patch(f"/fhir/{patient}", data=json.dumps(parameters), content_type=JSON), parameters)
        assert client.get(f"/fhir/{patient}").status_code == 200

    check()


@pytest.mark.parametrize("count", COUNTS)
def test_bytes(client: FlaskClient, count: int) -> None:
    @_examples(count)
    @given(st.binary(max_size=200), st.text(max_size=60))
    def check(raw: bytes, text: str) -> None:
        for body in (raw, text.encode("utf-8", "surrogatepass"), b'{"resourceType":"Patient","x":' + raw + b"}"):
            _require(client.post("/fhir/Patient", data=body, content_type=JSON), body)
            _require(client.post("/fhir/", data=body, content_type=JSON), body)
            _require(client.patch("/fhir/Patient/a", data=body, content_type="application/json-patch+json"), body)
            _require(client.post("/fhir/Patient/_search", data=body, content_type="application/x-www-form-urlencoded"), body)

    check()
