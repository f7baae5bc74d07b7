"""The formats of primitive types (https://hl7.org/fhir/R4/datatypes.html#primitive)."""

from decimal import Decimal
from typing import Any

import pytest

from service.fhir.definitions import load
from service.fhir.document import Number
from service.validation.primitive import rule_for

STRUCTURES = load().structures
LONGEST = 1024 * 1024

GOOD: dict[str, list[Any]] = {
    "boolean": [True, False],
    "integer": [0, -5, 2147483647, -2147483648],
    "unsignedInt": [0, 2147483647],
    "positiveInt": [1, 2147483647],
    "decimal": [0, -1, Number("1.10"), Number("1E-22"), Number("-0.000"), 10**17],
    "string": ["a", " a ", "a\tb\r\nc", "é", "\u00a0", "💉", "x" * LONGEST],
    "markdown": ["# a\n\n* b"],
    "uri": ["a", "urn:oid:1.2", "http://x.example/é?a=b#c", "#a"],
    "url": ["mailto:a@x.example"],
    "canonical": ["http://x.example/a|1.0#b"],
    "code": ["a", "a b", "<=", "text/plain"],
    "id": ["a", "A-1.b", "x" * 64],
    "oid": ["urn:oid:1.2.3", "urn:oid:2.0"],
    "uuid": ["urn:uuid:c757873d-ec9a-4326-a141-556f43239520"],
    "date": ["2026", "2026-02", "2026-02-28", "2024-02-29", "0001-01-01", "9999-12-31"],
    "dateTime": [
        "2026",
        "2026-02",
        "2026-02-28",
        "2026-02-28T23:59:60Z",
        "2026-02-28T00:00:00.123456789+14:00",
        "2026-02-28T10:00:00-00:00",
    ],
    "instant": ["2026-02-28T10:00:00Z", "2026-02-28T10:00:00.1-08:00"],
    "time": ["00:00:00", "23:59:59.5", "23:59:60"],
    "base64Binary": ["YWJj", "YQ==", "YW Jj\nYWJj", "+/+/"],
}
BAD: dict[str, list[Any]] = {
    "boolean": ["true", 1, 0, None],
    "integer": ["1", True, Number("1.0"), 2147483648, -2147483649],
    "unsignedInt": [-1, True],
    "positiveInt": [0, -1],
    "decimal": ["1.0", True, None, Decimal("NaN"), Decimal("Infinity")],
    "string": ["", 1, None, "a\x00", "a\x1f", "x" * (LONGEST + 1)],
    "markdown": ["", "\x07"],
    "uri": ["", "a b", "a\u2003b", "a\n"],
    "url": ["", " "],
    "canonical": ["a b"],
    "code": ["", " a", "a ", "a  b", "a\n"],
    "id": ["", "a b", "a_b", "é", "x" * 65, "a\n", 1],
    "oid": ["1.2.3", "urn:oid:3.1", "urn:oid:1.02", "urn:oid:1"],
    "uuid": ["c757873d-ec9a-4326-a141-556f43239520", "urn:uuid:C757873D-EC9A-4326-A141-556F43239520"],
    "date": [
        "",
        "26",
        "2026-13",
        "2026-00-01",
        "2026-02-29",
        "2026-04-31",
        "1900-02-29",
        "0000",
        "2026-02-28T10:00:00Z",
        "2026-2-8",
        2026,
        "２０２６",
    ],
    "dateTime": [
        "2026-02-30T10:00:00Z",
        "2026-02-28T10:00",
        "2026-02-28T10:00:00",
        "2026-02-28T24:00:00Z",
        "2026-02-28T10:00:00+15:00",
        "2026-02-28 10:00:00Z",
    ],
    "instant": ["2026", "2026-02-28", "2026-02-30T10:00:00Z", "2026-02-28T10:00:00"],
    "time": ["10:00", "24:00:00", "10:00:00Z", "10:60:00"],
    "base64Binary": ["", " ", "YWJ", "Y===", "YWJj!", "YQ==YQ==", "é", 1],
}


def cases(table: dict[str, list[Any]]) -> list[Any]:
    return [pytest.param(name, value, id=f"{name}-{index}") for name, values in table.items() for index, value in enumerate(values)]


@pytest.mark.parametrize(("name", "value"), cases(GOOD))
def test_a_well_formed_value_passes(name: str, value: Any) -> None:
    assert rule_for(STRUCTURES[name])(value) is None


@pytest.mark.parametrize(("name", "value"), cases(BAD))
def test_a_malformed_value_is_told_what_it_must_be(name: str, value: Any) -> None:
    assert str(rule_for(STRUCTURES[name])(value)).startswith("must be")


def test_every_primitive_type_has_a_rule() -> None:
    primitives = {name for name, structure in STRUCTURES.items() if structure.kind == "primitive"}
    assert primitives == GOOD.keys() | {"xhtml"} == BAD.keys() | {"xhtml"}
    assert rule_for(STRUCTURES["xhtml"])("") is not None
