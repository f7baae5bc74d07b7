"""What is stated of AuditEvent is what there is: in the CapabilityStatement, in openapi.yaml, in the code."""

import re
from pathlib import Path
from typing import Any

from service.records import audit_events
from service.rest import capability
from service.rest.operations.table import OPERATIONS
from service.search.audit import parameters
from tests.audit_view.conftest import Trail

ROOT = Path(__file__).parents[2]


def _resources(trail: Trail) -> dict[str, Any]:
    return {one["type"]: one for one in capability.statement(trail.service)["rest"][0]["resource"]}


def test_the_statement_lists_what_can_be_searched(trail: Trail) -> None:
    stated = _resources(trail)["AuditEvent"]
    assert {one["name"] for one in stated["searchParam"]} == parameters.MODIFIERS.keys()
    assert [one["code"] for one in stated["interaction"]] == ["read", "vread", "history-instance", "search-type"]
    assert stated.keys().isdisjoint({"searchInclude", "searchRevInclude"})


def test_nothing_states_a_way_from_the_record_to_the_trail(trail: Trail) -> None:
    stated = [name for one in _resources(trail).values() for name in one.get("searchRevInclude", ())]
    assert len(stated) > 100
    assert [name for name in stated if name.startswith("AuditEvent:")] == []


def test_the_contract_lists_the_same() -> None:
    text = (ROOT / "openapi.yaml").read_text()
    [told] = re.findall(r"\*\*AuditEvent\*\* is kept apart .*?; no chain", text, re.DOTALL)
    named = set(re.findall(r"`([^`]+)`", told))
    assert named == {*parameters.MODIFIERS, *parameters.RESULT}


def test_the_names_of_operations_are_no_secret() -> None:
    assert {f"${one.code}" for one in OPERATIONS} == audit_events.OPERATIONS
