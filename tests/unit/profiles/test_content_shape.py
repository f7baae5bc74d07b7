"""The clinic's definitions and examples have the shape that the guide promises, and each example is right or wrong as its name says."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from service.fhir import definitions, guide, library
from service.fhir.document import stored
from service.fhir.profile.merge import Profiles
from service.validation.check import Gate
from service.validation.profile.hold import Holder

ROOT = Path(__file__).resolve().parents[3] / "fhir_profiles"
DEFINITIONS = sorted((ROOT / "clinic").glob("*.json"))
VALID = sorted((ROOT / "examples" / "valid").glob("*.json"))
INVALID = sorted((ROOT / "examples" / "invalid").glob("*.json"))
PROFILES = [path for path in DEFINITIONS if path.name.startswith("StructureDefinition-")]
BASE = guide.BASE
CORE = "http://hl7.org/fhir/StructureDefinition/"
METADATA = ("id", "url", "version", "name", "title", "status", "experimental", "date", "publisher", "description")
WITHOUT_TITLE = {"SearchParameter"}
"""R4 gives these no title."""
WARNINGS = {"extensible-binding", "item-text"}
Tree = dict[str, Any]


def tree(path: Path) -> Tree:
    read: Tree = stored(path.read_text(encoding="utf-8")).tree
    return read


@cache
def shelf() -> library.Library:
    return library.load()


@cache
def gate() -> Gate:
    known = definitions.load()
    return Gate(known, Holder(known, shelf(), "", False))


def errors(resource: Tree) -> list[str]:
    return [f"{issue.rule} {issue.expression}: {issue.diagnostics}" for issue in gate().check(resource) if issue.severity == "error"]


def named(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("path", DEFINITIONS, ids=named)
def test_a_definition_says_what_it_is(path: Path) -> None:
    stated = tree(path)
    kind, id = stated["resourceType"], stated["id"]
    assert path.name == f"{kind}-{id}.json"
    assert stated["url"] == f"{BASE}/{kind}/{id}"
    wanted = [name for name in METADATA if name != "title" or kind not in WITHOUT_TITLE]
    assert [name for name in wanted if name not in stated] == []
    assert (stated["status"], stated["experimental"], stated["date"], stated["publisher"]) == (
        "active",
        False,
        "2026-11-22",
        "Infusion Records",
    )
    assert stated["version"] == ("1.0" if kind == "Questionnaire" else "1.0.0")
    assert stated["name"][0].isupper()
    assert stated["name"].isalnum()
    assert path.read_text(encoding="utf-8") == json.dumps(json.loads(path.read_text(encoding="utf-8")), indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("path", DEFINITIONS, ids=named)
def test_a_definition_passes_the_gate(path: Path) -> None:
    assert errors(tree(path)) == []


def test_published_definitions_pass_the_gate_too() -> None:
    published = list(guide.complete(shelf(), definitions.load()))
    assert len(published) == len(DEFINITIONS)
    assert {one["id"]: errors(dict(one)) for one in published if errors(dict(one))} == {}


@pytest.mark.parametrize("path", PROFILES, ids=named)
def test_a_profile_is_a_differential_in_our_own_words(path: Path) -> None:
    stated = tree(path)
    assert (stated["fhirVersion"], stated["abstract"], stated["derivation"]) == ("4.0.1", False, "constraint")
    assert "snapshot" not in stated
    elements = stated["differential"]["element"]
    assert (elements[0]["id"], elements[0]["path"]) == (stated["type"], stated["type"])
    assert len({one["id"] for one in elements}) == len(elements)
    for one in elements:
        assert ".".join(part.partition(":")[0] for part in one["id"].split(".")) == one["path"]
        assert one.get("short"), one["id"]
        assert one.get("definition"), one["id"]


@pytest.mark.parametrize("path", PROFILES, ids=named)
def test_a_profile_refers_to_what_exists(path: Path) -> None:
    stated = tree(path)
    base = stated["baseDefinition"]
    assert base == CORE + stated["type"] or shelf().find("StructureDefinition", base)
    assert Profiles(definitions.load(), shelf()).find(stated["url"]) is not None
    missing = [url for url in _referred(stated) if not _is_known(url)]
    assert missing == []


def _referred(stated: Tree) -> list[str]:
    """Every profile, target profile and value set that a differential names."""
    found = []
    for element in stated["differential"]["element"]:
        for type in element.get("type", ()):
            found += [*type.get("profile", ()), *type.get("targetProfile", ())]
        if "valueSet" in element.get("binding", {}):
            found.append(element["binding"]["valueSet"])
    return found


def _is_known(url: str) -> bool:
    own_type = url.startswith(CORE) and url.removeprefix(CORE) in definitions.load().structures
    return own_type or any(shelf().find(type, url) for type in ("StructureDefinition", "ValueSet"))


@pytest.mark.parametrize("path", [path for path in PROFILES if tree(path)["type"] != "Extension"], ids=named)
def test_a_profile_has_examples(path: Path) -> None:
    id = tree(path)["id"]
    assert len([one for one in VALID if one.stem.startswith(f"{id}--")]) >= 2
    assert len([one for one in INVALID if one.stem.startswith(f"{id}--")]) >= 1


@pytest.mark.parametrize("path", [path for path in PROFILES if tree(path)["type"] == "Extension"], ids=named)
def test_an_extension_is_used(path: Path) -> None:
    url = f'"{tree(path)["url"]}"'
    used = [*VALID, *(one for one in DEFINITIONS if one != path)]
    assert any(url in one.read_text(encoding="utf-8") for one in used) or _is_written_by_the_service(url.strip('"'))


def _is_written_by_the_service(url: str) -> bool:
    return any(url in one.read_text(encoding="utf-8") for one in (ROOT.parent / "service").rglob("*.py"))


def test_examples_are_named_after_a_profile() -> None:
    ids = {tree(path)["id"] for path in PROFILES}
    assert [path.name for path in (*VALID, *INVALID) if path.stem.partition("--")[0] not in ids] == []


def test_examples_have_ids_of_their_own() -> None:
    addresses = [f"{one['resourceType']}/{one['id']}" for one in map(tree, VALID)]
    assert len(set(addresses)) == len(addresses) > 0


@pytest.mark.parametrize("path", VALID, ids=named)
def test_a_valid_example_is_valid(path: Path) -> None:
    resource = tree(path)
    profile = f"{BASE}/StructureDefinition/{path.stem.partition('--')[0]}"
    if tree(ROOT / "clinic" / f"StructureDefinition-{path.stem.partition('--')[0]}.json")["type"] != "Extension":
        assert profile in resource["meta"]["profile"]
    assert errors(resource) == []


@pytest.mark.parametrize("path", INVALID, ids=named)
def test_an_invalid_example_breaks_the_rule_of_its_name_and_no_other(path: Path) -> None:
    _, rule, *_ = path.stem.split("--")
    found = [issue for issue in gate().check(tree(path)) if issue.severity in ("error", "warning")]
    wrong = {issue.rule for issue in found if issue.severity == "error"}
    if _is_warning(path, rule):
        assert wrong == set()
        assert rule in {issue.rule for issue in found}
    else:
        assert wrong == {rule}


def _is_warning(path: Path, rule: str) -> bool:
    """Whether the rule only warns: some invariants do, and these."""
    stated = tree(ROOT / "clinic" / f"StructureDefinition-{path.stem.partition('--')[0]}.json")
    constraints = [one for element in stated["differential"]["element"] for one in element.get("constraint", ())]
    return rule in WARNINGS or any(one["key"] == rule and one["severity"] == "warning" for one in constraints)


def test_something_was_looked_at() -> None:
    assert len(DEFINITIONS) > 100
    assert len(PROFILES) > 40
    assert len(VALID) >= 2 * 35
    assert len(INVALID) > 300
