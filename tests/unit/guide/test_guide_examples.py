"""The examples of the guide: every valid one is accepted, every invalid one is refused for the one rule that its name says."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from service.errors import Issue
from service.fhir import definitions, library
from service.fhir.document import Limits, decode
from service.validation.check import Gate
from service.validation.profile.hold import Holder

FOLDER = Path(__file__).resolve().parents[3] / "fhir_profiles"
VALID = sorted((FOLDER / "examples" / "valid").glob("*.json"))
INVALID = sorted((FOLDER / "examples" / "invalid").glob("*.json"))
BASE = "https://clinic.example/fhir/StructureDefinition/"


@cache
def gate() -> Gate:
    known = definitions.load("all")
    return Gate(known, Holder(known, library.load()))


def issues(path: Path) -> list[Issue]:
    return gate().check(decode(path.read_bytes(), Limits()).tree)


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def profiles() -> Iterator[Mapping[str, Any]]:
    """The clinic's StructureDefinitions of resources."""
    for path in (FOLDER / "clinic").glob("StructureDefinition-*.json"):
        structure = read(path)
        if structure["kind"] == "resource":
            yield structure


def has(path: Path, extension: str) -> bool:
    return f'"url": "{extension}"' in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_a_valid_example_is_accepted(path: Path) -> None:
    assert [issue for issue in issues(path) if issue.severity == "error" or issue.rule == "unknown-profile"] == []


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_an_invalid_example_breaks_its_rule_and_no_other(path: Path) -> None:
    rule = path.stem.split("--")[1]
    found = issues(path)
    errors = {issue.rule for issue in found if issue.severity == "error"}
    warnings = {issue.rule for issue in found if issue.severity == "warning"}
    assert errors == {rule} or (not errors and rule in warnings), found


def test_every_profile_has_two_valid_examples() -> None:
    known = {structure["id"] for structure in profiles()}
    assert len(known) >= 25
    claimed = Counter(path.stem.split("--")[0] for path in VALID)
    assert [name for name in known if claimed[name] < 2] == []


@pytest.mark.parametrize("path", [*VALID, *INVALID], ids=lambda path: path.stem)
def test_an_example_claims_its_profile_or_carries_its_extension(path: Path) -> None:
    name = path.stem.split("--")[0]
    claimed = read(path).get("meta", {}).get("profile", [])
    assert any(one.split("|")[0] == BASE + name for one in claimed) or has(path, BASE + name)


def test_every_invariant_has_an_example_that_breaks_it() -> None:
    shown = {tuple(path.stem.split("--")[:2]) for path in INVALID}
    keys = [
        (structure["id"], constraint["key"])
        for structure in profiles()
        for element in structure["differential"]["element"]
        for constraint in element.get("constraint", [])
    ]
    assert len(keys) >= 30
    assert [pair for pair in keys if pair not in shown] == []


def test_ids_of_valid_examples_are_unique() -> None:
    ids = Counter((example["resourceType"], example["id"]) for example in map(read, VALID))
    assert [one for one, count in ids.items() if count > 1] == []
