"""The register: who may read it reads all of its reports, and nobody else learns that there is anything in it."""

from typing import Any

import pytest

from service.rest.operations.operation import Operation
from service.rest.operations.table import OPERATIONS
from service.security.roles import ROLES
from tests.leaks.principals import Principal
from tests.leaks.sender import FHIR, Sender

REPORTS = tuple(one for one in OPERATIONS if one.reports)
_NEEDED = {"lot": "LOT-1"}


def _asked(operation: Operation) -> str:
    """The URL of the operation with what it needs."""
    needed = "&".join(f"{one.name}={_NEEDED[one.name]}" for one in operation.parameters if one.required)
    return f"${operation.code}?{needed}".removesuffix("?")


def _body(operation: Operation) -> dict[str, Any]:
    needed = [{"name": one.name, "valueString": _NEEDED[one.name]} for one in operation.parameters if one.required]
    return {"resourceType": "Parameters", **({"parameter": needed} if needed else {})}


def test_there_are_reports_to_be_refused() -> None:
    assert len(REPORTS) >= 11
    assert "ledger.read" in ROLES["auditor"].scopes


@pytest.mark.parametrize("operation", REPORTS, ids=lambda one: str(one.code))
def test_leak_12_the_register_is_for_those_who_inspect_it(sender: Sender, who: Principal, operation: Operation) -> None:
    answers = [
        sender.send("GET", _asked(operation)),
        sender.send("POST", f"${operation.code}", _body(operation)),
        *(sender.send("GET", f"{_asked(operation)}{'&' if '?' in _asked(operation) else '?'}_format={one}") for one in ("csv", "json")),
    ]
    assert {one.status_code for one in answers} == ({200} if who.name == "auditor" else {403})


@pytest.mark.parametrize("operation", REPORTS, ids=lambda one: str(one.code))
def test_leak_12_a_refusal_does_not_depend_on_what_was_asked_for(sender: Sender, who: Principal, operation: Operation) -> None:
    if who.name == "auditor":
        return
    names = {one.name for one in operation.parameters}
    told = set()
    for value in ("personA", "personB", "never"):
        joint = "&" if "?" in _asked(operation) else "?"
        query = f"{_asked(operation)}{joint}patient={value}" if "patient" in names else f"{_asked(operation)}{joint}site={value}"
        if {"patient", "site"} & names:
            told.add(sender.send("GET", query, Accept=FHIR).text)
    assert len(told) <= 1
