"""One contract, told three times: the routes, the CapabilityStatement and openapi.yaml say the same. And openapi.yaml is valid."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask
from openapi_spec_validator import validate

from service.app import create_app
from service.config import Settings
from service.rest import capability
from service.rest.dispatch import INTERACTIONS
from service.rest.routes import ROUTES
from tests.databases import Databases

ROOT = Path(__file__).parents[2]
VERBS = {"get", "put", "post", "delete", "patch", "head", "options", "trace"}
BASE = "/fhir"
INTERACTION = "x-fhir-interaction"
BATCH = {"batch"}  # shares its route with the transaction
CAPABILITIES = {"capabilities"}  # a CapabilityStatement does not list the interaction that shows it


@pytest.fixture(scope="module")
def contract() -> Any:
    """openapi.yaml as a tree."""
    return yaml.safe_load((ROOT / "openapi.yaml").read_text())


@pytest.fixture(scope="module")
def app(databases: Databases) -> Iterator[Flask]:
    """The application on an empty database."""
    with databases.fresh("sqlite") as url:
        yield create_app(Settings(database_url=url))


def _operations(contract: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in contract["paths"].items():
        for verb in item.keys() & VERBS:
            yield verb.upper(), path, item[verb]


def test_the_contract_is_valid(contract: Any) -> None:
    validate(contract)


def test_the_contract_has_the_routes(contract: Any) -> None:
    told = {(verb, path, operation[INTERACTION]) for verb, path, operation in _operations(contract) if INTERACTION in operation}
    offered = {(route.method, f"{BASE}{route.template}".rstrip("/"), route.interaction) for route in ROUTES}
    assert told == offered


def test_the_contract_has_the_pages_and_health_routes(contract: Any, app: Flask) -> None:
    told = {(verb, path) for verb, path, operation in _operations(contract) if INTERACTION not in operation}
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint not in ("fhir", "pages.static")]
    assert told == {(verb, rule.rule) for rule in rules for verb in (rule.methods or set()) - {"HEAD", "OPTIONS"}}


def test_the_capability_statement_has_the_interactions(contract: Any, app: Flask) -> None:
    statement = capability.statement(app.extensions["infusion_records"])
    [rest] = statement["rest"]
    told = {one["code"] for one in rest["interaction"]} | {one["code"] for type in rest["resource"] for one in type["interaction"]}
    routed = {route.interaction for route in ROUTES}
    assert (told - BATCH) | CAPABILITIES == routed == INTERACTIONS.keys()
    assert routed == {operation[INTERACTION] for _, _, operation in _operations(contract) if INTERACTION in operation}


def test_every_operation_has_a_name_a_summary_and_an_answer(contract: Any) -> None:
    operations = [operation for _, _, operation in _operations(contract)]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    assert [operation["operationId"] for operation in operations if not (operation.get("summary") and operation.get("responses"))] == []


def test_refusals_are_operation_outcomes(contract: Any) -> None:
    responses = contract["components"]["responses"]
    refusals = {
        reference.rpartition("/")[2]
        for _, path, operation in _operations(contract)
        for status, answer in operation["responses"].items()
        if status >= "400" and path.startswith(BASE) and (reference := answer.get("$ref", ""))
    }
    schema = {"$ref": "#/components/schemas/OperationOutcome"}
    assert refusals
    assert [name for name in refusals if responses[name]["content"]["application/fhir+json"]["schema"] != schema] == []


def test_the_static_files_of_others_are_unchanged() -> None:
    vendor = ROOT / "service/web/pages/static/vendor"
    sums = dict(reversed(line.split(maxsplit=1)) for line in (vendor / "SHA512SUMS").read_text().splitlines())
    files = {path.relative_to(vendor).as_posix() for path in vendor.rglob("*") if path.is_file()} - {"SHA512SUMS", "README.md"}
    assert files == sums.keys()
    assert {name: hashlib.sha512((vendor / name).read_bytes()).hexdigest() for name in files} == sums
