"""The table of facts in `fhir_profiles/README.md`: complete, and every definition, element and code that it names exists."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from service.fhir import definitions, library

FOLDER = Path(__file__).resolve().parents[3] / "fhir_profiles"
BASE = "https://clinic.example/fhir/"
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"
CORE = re.compile(r"us-core-[a-z-]+")
SYSTEMS = {
    "snomed": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
    "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "mdc": "urn:iso:std:iso:11073:10101",
}
UNCONFIRMED = {
    "snomed": "225624000 40917007 85949006 406444002 292165004 304495004 182836005 37031009 225444004 457441000124102",
    "loinc": "19889-5 93373-9 93245-9 LA9194-7",
    "rxnorm": "6130 6960 311700 26225 884173 8782",
    "mdc": "157784 184508 184504 157760 157924",
}
"""Codes that were read in a secondary source only."""
_TURN = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


@cache
def text() -> str:
    return (FOLDER / "README.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading."""
    section = text().split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


FACTS = rows("Where each fact of the work is held")
NAMES = [(number, name) for number, _, held in FACTS for name in re.findall(r"`([^`]+)`", held)]


@cache
def ids() -> frozenset[str]:
    return frozenset(path.stem.split("-", 1)[1] for path in (FOLDER / "clinic").glob("*.json"))


def codes(concepts: list[dict[str, Any]]) -> Iterator[str]:
    for concept in concepts:
        yield concept["code"]
        yield from codes(concept.get("concept", []))


def links(items: list[dict[str, Any]]) -> Iterator[str]:
    for item in items:
        yield item["linkId"]
        yield from links(item.get("item", []))


def read(name: str) -> Any:
    return json.loads((FOLDER / "clinic" / name).read_text(encoding="utf-8"))


def is_loinc(code: str) -> bool:
    """Whether the check digit is right (mod 10)."""
    digits, check = code.split("-")
    doubled = "".join(str(int(digit) * (2 if place % 2 == 0 else 1)) for place, digit in enumerate(reversed(digits)))
    return (10 - sum(map(int, doubled)) % 10) % 10 == int(check)


def is_snomed(code: str) -> bool:
    """Whether the check digit is right (Verhoeff)."""
    check = 0
    for place, digit in enumerate(reversed(code)):
        check = _times(check, _turned(place % 8, int(digit)))
    return check == 0


def _turned(times: int, digit: int) -> int:
    for _ in range(times):
        digit = _TURN[digit]
    return digit


def _times(left: int, right: int) -> int:
    """Multiplication in the dihedral group of ten."""
    if left < 5:
        return (left + right) % 5 if right < 5 else 5 + (left + right) % 5
    return 5 + (left - right) % 5 if right < 5 else (left - right) % 5


def exists(name: str) -> bool:
    if "#" in name:
        questionnaire, link = name.split("#")
        return link in links(read(f"Questionnaire-{questionnaire}.json")["item"])
    if ":" in name:
        return is_code(*name.split(":"))
    if "." in name:
        return definitions.load("all").element(name) is not None
    return library.load().find("StructureDefinition", US_CORE + name) is not None if CORE.fullmatch(name) else name in ids()


def is_code(system: str, code: str) -> bool:
    if system == "local":
        return code in codes(read("CodeSystem-ketamine-clinic.json")["concept"])
    if system == "loinc":
        return is_loinc(code)
    if system == "snomed":
        return is_snomed(code)
    found = library.load().find("CodeSystem", f"http://terminology.hl7.org/CodeSystem/{system}")
    return found is not None and code in codes(list(found.tree["concept"]))


def test_all_facts_are_there() -> None:
    assert [int(number) for number, _, _ in FACTS] == list(range(1, 53))
    assert all(fact and held for _, fact, held in FACTS)


@pytest.mark.parametrize(("number", "name"), NAMES, ids=str)
def test_what_a_fact_names_exists(number: str, name: str) -> None:
    assert exists(name), f"row {number}"


def test_every_profile_holds_a_fact() -> None:
    named = {name for _, name in NAMES}
    profiles = (read(path.name) for path in (FOLDER / "clinic").glob("StructureDefinition-*.json"))
    unused = [one["id"] for one in profiles if one["kind"] == "resource" and one["id"] not in named]
    answers = ["discharge-checklist-response", "pre-infusion-checklist-response"]
    assert sorted(unused) == answers, "only the answers to checklists are named by their questions"


def used(value: Any) -> Iterator[tuple[str, str]]:
    """(system, code) of everything in a tree that looks like one."""
    if isinstance(value, dict):
        system = value.get("system") or value.get("source") or value.get("target")
        members = [value, *value.get("concept", []), *value.get("element", [])] if isinstance(system, str) else []
        yield from ((str(system), one["code"]) for one in members if isinstance(one, dict) and isinstance(one.get("code"), str))
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from used(one)


def test_unconfirmed_codes_in_use_are_listed() -> None:
    paths = [*(FOLDER / "clinic").glob("*.json"), *(FOLDER / "examples").rglob("*.json")]
    found = {pair for path in paths for pair in used(json.loads(path.read_text(encoding="utf-8")))}
    assert len(found) > 100
    doubtful = {(SYSTEMS[name], code) for name, listed in UNCONFIRMED.items() for code in listed.split()}
    listed = {(SYSTEMS[name], code) for cell, _, _ in rows("Codes that are not confirmed") for name, code in [cell.strip("`").split(":")]}
    assert listed == found & doubtful


def test_check_digits_tell_wrong_codes() -> None:
    assert [code for code in ("3150-0", "3150-6", "93373-1", "93374-9") if is_loinc(code)] == ["3150-0"]
    assert [code for code in ("433296005", "182722004", "433296050") if is_snomed(code)] == ["433296005"]


def test_codes_in_use_have_their_check_digit() -> None:
    paths = [*(FOLDER / "clinic").glob("*.json"), *(FOLDER / "examples" / "valid").glob("*.json")]
    found = {pair for path in paths for pair in used(json.loads(path.read_text(encoding="utf-8")))}
    snomed = {code for system, code in found if system == SYSTEMS["snomed"]}
    loinc = {code for system, code in found if system == SYSTEMS["loinc"] and not code.startswith("LA")}
    assert len(snomed) > 40
    assert len(loinc) > 15
    assert [code for code in snomed if not is_snomed(code)] == []
    assert [code for code in loinc if not is_loinc(code)] == []
