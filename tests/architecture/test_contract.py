"""One contract, told three times: the routes, the CapabilityStatement and openapi.yaml say the same. And openapi.yaml is valid."""

import hashlib
import json
import re
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
from service.rest.operations.operation import CLINIC, STANDARD, Operation
from service.rest.operations.table import OPERATIONS
from service.rest.routes import ID, OPERATION, ROUTES, TYPE, VERSION
from tests.databases import Databases

ROOT = Path(__file__).parents[2]
VERBS = {"get", "put", "post", "delete", "patch", "head", "options", "trace"}
BASE = "/fhir"
INTERACTION = "x-fhir-interaction"
MODE = "x-authentication"
"""Of a route that is there in one mode alone: `builtin` or `external`."""
SYSTEM_ALONE = {"system"}
"""The levels of an operation of the whole system."""
BATCH = {"batch"}  # shares its route with the transaction
NOT_LISTED = {"capabilities", "operation"}  # a CapabilityStatement lists neither the interaction that shows it nor operations as one


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


class _Once(yaml.SafeLoader):
    """Refuses a mapping that has a key twice, as other readers of YAML do."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping of `node`."""
        names = [self.construct_object(name, deep=True) for name, _ in node.value]  # type: ignore[no-untyped-call]
        assert len(names) == len(set(names)), f"twice in a mapping of line {node.start_mark.line + 1}: {sorted(names)}"
        return super().construct_mapping(node, deep)


def test_the_contract_says_nothing_twice() -> None:
    with (ROOT / "openapi.yaml").open() as source:
        assert yaml.load(source, _Once)["openapi"].startswith("3.1")


def test_the_contract_has_the_routes(contract: Any) -> None:
    told = {(verb, path, operation[INTERACTION]) for verb, path, operation in _operations(contract) if INTERACTION in operation}
    offered = {(route.method, f"{BASE}{route.template}".rstrip("/"), route.interaction) for route in ROUTES}
    assert told == offered


def test_the_contract_has_the_pages_and_health_routes(contract: Any, app: Flask) -> None:
    told = {
        (verb, path)
        for verb, path, operation in _operations(contract)
        if INTERACTION not in operation and operation.get(MODE) != "external"
    }
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint not in ("fhir", "pages.static")]
    assert told == {(verb, _templated(rule.rule)) for rule in rules for verb in (rule.methods or set()) - {"HEAD", "OPTIONS"}}


def _templated(rule: str) -> str:
    """A rule of Flask as a path of OpenAPI."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)


def test_the_capability_statement_has_the_interactions(contract: Any, app: Flask) -> None:
    statement = capability.statement(app.extensions["infusion_records"])
    [rest] = statement["rest"]
    told = {one["code"] for one in rest["interaction"]} | {one["code"] for type in rest["resource"] for one in type["interaction"]}
    routed = {route.interaction for route in ROUTES}
    assert (told - BATCH) | NOT_LISTED == routed == INTERACTIONS.keys()
    assert routed == {operation[INTERACTION] for _, _, operation in _operations(contract) if INTERACTION in operation}


def test_the_operations_have_their_routes() -> None:
    declared = {
        (method, *pattern)
        for one in OPERATIONS
        for level in one.levels
        for pattern in _patterns(one, level)
        for method in (("POST",) if one.changes_state else ("GET", "POST"))
    }
    assert {(route.method, *route.pattern) for route in ROUTES if route.interaction == OPERATION} == declared
    assert {route.operation for route in ROUTES if route.writes} == {one.code for one in OPERATIONS if one.changes_state}


def _patterns(operation: Operation, level: str) -> Iterator[tuple[str, ...]]:
    below = {"system": (), "type": (), "instance": (ID,), "version": (ID, "_history", VERSION)}[level]
    for name in sorted(operation.types) or [TYPE]:
        yield (*(() if level == "system" else (name,)), *below, f"${operation.code}")


def test_the_capability_statement_has_the_operations(app: Flask) -> None:
    [rest] = capability.statement(app.extensions["infusion_records"])["rest"]
    told = {(type["type"], one["name"], one["definition"]) for type in rest["resource"] for one in type["operation"]}
    types = {type["type"]: {one["code"] for one in type["interaction"]} for type in rest["resource"]}
    assert told == {
        (name, one.code, one.definition)
        for one in OPERATIONS
        for name, interactions in types.items()
        if one.levels != SYSTEM_ALONE and name in (one.types or types) and ("update" in interactions or not one.changes_state)
    }
    of_all = [(one["name"], one["definition"]) for one in rest["operation"]]
    assert of_all == [(one.code, one.definition) for one in OPERATIONS if "system" in one.levels]
    assert "meta" in dict(of_all)


def test_the_contract_has_the_parameters_of_the_operations(contract: Any) -> None:
    known = contract["components"]["parameters"]
    for one in OPERATIONS:
        for name in sorted(one.types) or [f"${one.code}" if one.levels == SYSTEM_ALONE else TYPE]:
            path = next(path for path in contract["paths"] if path.endswith(f"${one.code}") and path.startswith(f"/fhir/{name}"))
            told = [known[item["$ref"].rpartition("/")[2]] for item in contract["paths"][path].get("get", {}).get("parameters", [])]
            primitive = {item.name for item in one.parameters if item.type[0].islower() or item.type == "Period"}
            assert primitive <= {item["name"] for item in told}, one.code


def test_what_deviates_from_r4_is_defined(app: Flask) -> None:
    """An operation of the clinic has an OperationDefinition, which is valid and says what the declaration says."""
    gate = app.extensions["infusion_records"].gate
    definitions = {
        tree["url"]: tree
        for path in (ROOT / "fhir_profiles/clinic").glob("OperationDefinition-*.json")
        if (tree := json.loads(path.read_text()))
    }
    own = {one.definition: one for one in OPERATIONS if one.definition.startswith(CLINIC)}
    assert definitions.keys() == own.keys()
    for url, tree in definitions.items():
        assert [issue for issue in gate.check(tree) if issue.severity == "error"] == [], url
        told = {(item["name"], item.get("type"), item["max"] == "*", item["min"] == 1) for item in tree["parameter"] if item["use"] == "in"}
        one = own[url]
        assert told == {(item.name, item.type, item.many, item.required) for item in one.parameters}, url
        types = one.types or (set() if one.levels == SYSTEM_ALONE else {"Resource"})
        assert (tree["code"], set(tree.get("resource", ())), tree["affectsState"]) == (one.code, types, one.changes_state)
        assert {level for level in ("system", "type", "instance") if tree[level]} == one.levels
        assert tree.get("base", STANDARD).startswith(STANDARD)
        assert "base" in tree or one.levels == SYSTEM_ALONE, "what is like an operation of R4 says which"


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
