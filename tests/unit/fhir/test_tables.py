"""The tables under `fhir_profiles/r4/` and the scripts that write them."""

import json
from pathlib import Path
from typing import Any

import pytest

from scripts.r4 import codes, elements

R4 = Path(__file__).resolve().parents[3] / "fhir_profiles" / "r4"
CORE = elements.CORE


def element(path: str, **members: Any) -> dict[str, Any]:
    """An element of a snapshot, with prose that must stay behind."""
    base = members.pop("base", path)
    return {"path": path, "min": 0, "max": "1", "base": {"path": base}, "definition": "Prose.", "short": "Prose", **members}


def definition(name: str, base: str, *rest: dict[str, Any], kind: str = "complex-type") -> dict[str, Any]:
    """A StructureDefinition of a type."""
    snapshot = {"element": [element(name), *rest]}
    return {
        "resourceType": "StructureDefinition", "type": name, "kind": kind, "abstract": False,
        "baseDefinition": CORE + base, "derivation": "specialization", "snapshot": snapshot,
    }  # fmt: skip


ID = {"base": "Element.id", "type": [{"code": elements.SYSTEM_TYPE + "String"}]}
BOUND = {
    "strength": "required",
    "valueSet": "a:set|4.0.1",
    "extension": [{"url": elements.MAXIMAL_SET, "valueCanonical": elements.LANGUAGES}],
}
PACKAGE = [
    definition("Element", "", element("Element.id", **ID)),
    definition(
        "Thing",
        "Element",
        element("Thing.id", **ID),
        element("Thing.code", type=[{"code": "code"}], binding=BOUND, isSummary=True),
        element("Thing.part", type=[{"code": "Element"}], max="*"),
        element("Thing.part.id", **ID),
        element("Thing.part.who", type=[{"code": "Reference", "targetProfile": [CORE + "Patient"]}]),
    ),
    {**definition("Thing", "Thing"), "derivation": "constraint"},
]


def test_a_row_holds_the_facts_and_leaves_out_prose_and_what_is_inherited() -> None:
    row = elements.structure_row(PACKAGE[1], elements.base_definitions(PACKAGE))
    assert row == {
        "name": "Thing",
        "kind": "complex",
        "base": "Element",
        "elements": [
            {
                "path": "Thing.code", "min": 0, "max": "1", "types": {"code": []}, "summary": True,
                "binding": ["required", "a:set|4.0.1"], "languages": True,
            },
            {"path": "Thing.part", "min": 0, "max": "*", "types": {"Element": []}},
            {"path": "Thing.part.who", "min": 0, "max": "1", "types": {"Reference": ["Patient"]}},
        ],
    }  # fmt: skip


def test_the_tables_are_written_the_same_each_time(tmp_path: Path) -> None:
    first = [path.read_bytes() for path in elements.write(PACKAGE, tmp_path)]
    assert first == [path.read_bytes() for path in elements.write(list(reversed(PACKAGE)), tmp_path)]
    assert first[0].startswith(b'{"name":"Element"')


def test_value_sets_are_expanded_from_lists_and_whole_code_systems() -> None:
    system = {"content": "complete", "concept": [{"code": "a", "concept": [{"code": "b"}]}]}
    compose = {"include": [{"system": "s"}, {"system": "t", "concept": [{"code": "c"}]}]}
    assert codes.row("a:set", {"compose": compose}, {"s": system}) == {"url": "a:set", "codes": {"s": ["a", "b"], "t": ["c"]}}
    assert codes.row("a:set", {"compose": {"include": [{"system": "urn:ietf:bcp:13"}]}}, {}) == {"url": "a:set", "syntax": "mime-type"}


@pytest.mark.parametrize(
    "compose",
    [
        {"include": [{"system": "s", "filter": [{}]}]},
        {"include": [{"system": "s"}]},
        {"include": [{"system": "s", "concept": [{"code": "a"}]}], "exclude": [{}]},
    ],
)
def test_a_composition_that_is_not_understood_stops_the_script(compose: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="teach"):
        codes.row("a:set", {"compose": compose}, {"s": {"content": "fragment"}})


@pytest.mark.parametrize(("name", "key"), [("structures.ndjson", "name"), ("value-sets.ndjson", "url")])
def test_the_committed_tables_are_sorted_one_row_a_line(name: str, key: str) -> None:
    lines = (R4 / name).read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row[key] for row in rows] == sorted(row[key] for row in rows)
    assert all(line == elements.compact(row) for line, row in zip(lines, rows, strict=True))
    assert all(line.startswith(f'{{"{key}":"') for line in lines)
