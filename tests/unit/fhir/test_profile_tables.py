"""The tables of profiles and terminology, and the scripts that write them."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from scripts import balp, packages, trimming
from scripts.r4 import profiles
from service.fhir.profile.differential import spelled_out

FOLDER = Path(__file__).resolve().parents[3] / "fhir_profiles"
COUNTS = {
    "r4/profiles.ndjson": {"StructureDefinition": 439},
    "r4/terminology.ndjson": {"CodeSystem": 1060, "ValueSet": 1311},
    "us-core/6.1.0.ndjson": {"CapabilityStatement": 1, "CodeSystem": 5, "StructureDefinition": 59, "ValueSet": 36},
    "balp/1.1.ndjson": {"CodeSystem": 2, "StructureDefinition": 13, "ValueSet": 5},
}
URL = "http://hl7.org/fhir/us/core/StructureDefinition/"
PROSE = {"description", "short", "definition", "comment", "requirements", "mapping", "copyright", "designation", "snapshot", "meta"}


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]


def members(value: Any) -> set[str]:
    """Every member name anywhere in a tree."""
    if isinstance(value, dict):
        return set(value) | {name for one in value.values() for name in members(one)}
    return {name for one in value for name in members(one)} if isinstance(value, list) else set()


def profile(*elements: dict[str, Any], snapshot: list[dict[str, Any]] | None = None, base: str = "Observation") -> dict[str, Any]:
    return {
        "resourceType": "StructureDefinition", "id": "one", "url": URL + "one", "name": "One", "status": "draft", "date": "2026-01-01",
        "description": "Prose.", "type": "Observation", "baseDefinition": base, "derivation": "constraint",
        "differential": {"element": list(elements)}, **({"snapshot": {"element": snapshot}} if snapshot else {}),
    }  # fmt: skip


@pytest.mark.parametrize("name", COUNTS)
def test_each_line_of_a_table_is_a_definition_without_prose(name: str) -> None:
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    trees = rows(name)
    assert {kind: sum(one["resourceType"] == kind for one in trees) for kind in COUNTS[name]} == COUNTS[name]
    assert len(trees) == sum(COUNTS[name].values())
    for line, tree in zip(lines, trees, strict=True):
        assert list(tree)[:2] == ["resourceType", "url"]
        assert "version" not in tree or list(tree)[2] == "version"
        assert not members(tree) & (PROSE - ({"definition"} if tree["resourceType"] == "CapabilityStatement" else set()))
        assert trimming.line(tree) == line
    keys = [(tree["resourceType"], tree["url"], tree.get("version", "")) for tree in trees]
    assert keys == sorted(set(keys))


def test_the_table_of_audit_profiles_is_what_the_script_writes(tmp_path: Path) -> None:
    written = trimming.write_table(tmp_path / "table", reversed(list(balp.definitions())))
    assert written.read_bytes() == (FOLDER / "balp/1.1.ndjson").read_bytes()


def test_only_profiles_and_extensions_are_profiles_and_examples_are_left_out(tmp_path: Path) -> None:
    one = profile({"id": "Observation", "path": "Observation"})
    kept = {"resourceType": "ValueSet", "id": "examplescenario-actor-type", "url": "u", "compose": {"include": [{"system": "s"}]}}
    given = [one, {**one, "derivation": "specialization"}, kept, {**kept, "id": "example-filter", "url": "e"}]
    first = [path.read_text() for path in profiles.write(given, tmp_path)]
    assert [json.loads(text)["id"] for text in first] == ["one", "examplescenario-actor-type"]
    assert first == [path.read_text() for path in profiles.write(list(reversed(given)), tmp_path)]


def test_an_element_keeps_its_rules_and_loses_the_rest() -> None:
    element = {
        "id": "Observation.code", "path": "Observation.code", "short": "Prose", "min": 1, "patternString": "a", "alias": ["b"],
        "slicing": {"description": "Prose", "rules": "open"}, "condition": ["x"],
        "type": [{"code": "http://hl7.org/fhirpath/System.String"}, {"code": "Coding", "extension": [{"url": "x"}]}],
        "binding": {"valueSet": "v", "description": "Prose", "extension": [{"url": trimming.MAXIMAL_SET}, {"url": "x"}]},
        "constraint": [{"key": "k", "severity": "error", "human": "Rule", "xpath": "x", "extension": [{"url": "x"}]}],
    }  # fmt: skip
    assert trimming.element(element) == {
        "id": "Observation.code", "path": "Observation.code", "min": 1, "patternString": "a", "slicing": {"rules": "open"},
        "type": [{"code": "Coding"}],
        "binding": {"extension": [{"url": trimming.MAXIMAL_SET}], "valueSet": "v"},
        "constraint": [{"key": "k", "severity": "error", "human": "Rule"}],
    }  # fmt: skip


def test_a_code_system_keeps_hierarchy_and_states() -> None:
    inner = {"code": "b", "definition": "Prose", "property": [{"code": "notSelectable", "valueBoolean": True}, {"code": "colour"}]}
    system = {
        "resourceType": "CodeSystem",
        "url": "s",
        "content": "complete",
        "concept": [{"code": "a", "display": "A", "concept": [inner]}],
    }
    concept = {"code": "a", "display": "A", "concept": [{"code": "b", "property": [{"code": "notSelectable", "valueBoolean": True}]}]}
    assert trimming.code_system({**system, "description": "Prose"}) == {**system, "concept": [concept]}


def test_a_value_set_keeps_its_expansion_only_without_a_composition() -> None:
    include = {"system": "s", "concept": [{"code": "a", "display": "A", "designation": []}]}
    both = {"resourceType": "ValueSet", "url": "v", "compose": {"include": [include], "inactive": False}, "expansion": {"total": 1}}
    composition = {"inactive": False, "include": [{"system": "s", "concept": [{"code": "a", "display": "A"}]}]}
    assert trimming.value_set(both) == {"resourceType": "ValueSet", "url": "v", "compose": composition}
    del both["compose"]
    assert trimming.value_set(both) == both


@pytest.mark.parametrize("types", [["Quantity"], ["Quantity", "string"]])
def test_a_choice_by_the_name_of_its_type_is_written_as_the_snapshot_has_it(types: list[str]) -> None:
    choice = {"id": "Observation.value[x]", "type": [{"code": code} for code in types], "slicing": {"rules": "open"}}
    snapshot = [choice, {"id": "Observation.value[x]:valueQuantity", "type": [{"code": "Quantity"}]}]
    short = [{"id": f"Observation.{path}", "path": f"Observation.{path}"} for path in ("valueQuantity", "valueQuantity.unit")]
    written = {one["id"]: one for one in spelled_out(profile({**short[0], "min": 1}, short[1], snapshot=snapshot))}
    if len(types) == 1:
        assert list(written) == ["Observation.value[x]", "Observation.value[x].unit"]
        narrowed = written["Observation.value[x]"]
    else:
        assert list(written) == [choice["id"], snapshot[1]["id"], "Observation.value[x]:valueQuantity.unit"]
        assert written["Observation.value[x]"]["slicing"] == {"rules": "open"}
        narrowed = written["Observation.value[x]:valueQuantity"]
    assert (narrowed["type"], narrowed["min"]) == ([{"code": "Quantity"}], 1)
    assert {one["path"] for one in written.values()} == {"Observation.value[x]", "Observation.value[x].unit"}


def test_a_name_that_the_snapshot_does_not_know_stops_the_script() -> None:
    with pytest.raises(ValueError, match="not in the snapshot"):
        list(spelled_out(profile({"id": "Observation.colour", "path": "Observation.colour"}, snapshot=[{"id": "Observation"}])))


def test_a_profile_on_a_parent_of_another_package_is_put_on_the_type() -> None:
    own, theirs = (
        {"key": "a", "source": "http://other.example/P"},
        {"key": "b", "source": "http://hl7.org/fhir/StructureDefinition/Element"},
    )
    snapshot = [{"id": "Observation", "path": "Observation", "constraint": [own, theirs]}]
    [near, far] = packages.grounded(
        [profile(snapshot=snapshot, base=URL + "one"), profile(snapshot=snapshot, base="http://other.example/P")]
    )
    assert near["baseDefinition"] == URL + "one"
    assert far["baseDefinition"] == "http://hl7.org/fhir/StructureDefinition/Observation"
    assert far["differential"]["element"] == [{"id": "Observation", "path": "Observation", "constraint": [own]}]


def test_a_package_becomes_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "some.tgz"
    manifest = {"name": "hl7.fhir.us.thing", "version": "1.0.0", "fhirVersions": ["4.0.1"]}
    files = {
        "package/package.json": manifest,
        "package/.index.json": {},
        "package/StructureDefinition-one.json": profile({"id": "Observation", "path": "Observation"}, base=URL + "one"),
        "package/example/Patient-a.json": {"resourceType": "Patient"},
        "package/SearchParameter-a.json": {"resourceType": "SearchParameter", "url": "s", "id": "a"},
    }
    with tarfile.open(package, "w:gz") as tar:
        for name, tree in files.items():
            content = json.dumps(tree).encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    monkeypatch.setattr(packages, "TABLES", tmp_path)
    monkeypatch.setattr("sys.argv", ["packages", str(package)])
    packages.main()
    [line] = (tmp_path / "us-thing" / "1.0.0.ndjson").read_text().splitlines()
    assert json.loads(line)["id"] == "one"
    assert "date" not in json.loads(line)
