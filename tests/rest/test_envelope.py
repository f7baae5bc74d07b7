"""The Bundle around the entries is held to its definition too (https://hl7.org/fhir/R4/bundle.html)."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.rest.made import FHIR, bundle, entry, patient


def refused(api: FlaskClient, tree: dict[str, Any]) -> set[tuple[str, str]]:
    """Rule and element of each issue of a Bundle that is refused with 422."""
    answer = api.post("/fhir", data=json.dumps(tree), content_type=FHIR)
    assert answer.status_code == 422, answer.text
    return {(issue["details"]["coding"][0]["code"], issue["expression"][0]) for issue in answer.json["issue"]}


@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_unknown_and_malformed_members_of_the_bundle_are_named(api: FlaskClient, kind: str) -> None:
    tree = bundle(kind, entry("POST", "Patient", patient())) | {"foo": 1, "timestamp": "today"}
    assert refused(api, tree) == {("unknown-element", "Bundle.foo"), ("primitive-format", "Bundle.timestamp")}


def test_an_entry_of_a_transaction_is_held_to_the_definition(api: FlaskClient) -> None:
    odd = entry("POST", "Patient", patient()) | {"response": {"status": "200"}, "foo": 1}
    assert refused(api, bundle("transaction", odd)) == {("unknown-element", "Bundle.entry[0].foo"), ("bdl-4", "Bundle")}


def test_an_odd_entry_of_a_batch_does_not_stop_the_others(api: FlaskClient) -> None:
    tree = bundle("batch", entry("POST", "Patient", patient()) | {"foo": 1}, entry("POST", "Patient", patient()))
    answer = api.post("/fhir", data=json.dumps(tree), content_type=FHIR)
    first, second = (one["response"] for one in answer.json["entry"])
    assert (first["status"][:3], second["status"][:3]) == ("422", "201")
    assert first["outcome"]["issue"][0]["expression"] == ["Bundle.entry[0].foo"]
