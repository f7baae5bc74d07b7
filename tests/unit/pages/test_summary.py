"""A resource in a few words, and its times as the clinic reads them."""

import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from service.web.pages import summary
from service.web.pages.site import Site, universal_time

SITE = Site("http://127.0.0.1:8080/fhir", ZoneInfo("America/Los_Angeles"))
VISIT = Path(__file__).parents[2] / "data/example-visit.json"


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"name": [{"family": "Sample", "given": ["Jordan", None]}]}, "Jordan Sample"),
        ({"name": "Room 3"}, "Room 3"),
        ({"name": "PreInfusionChecklist", "title": "Pre-infusion checklist"}, "Pre-infusion checklist"),
        ({"code": {"text": "Nausea", "coding": [{"code": "x"}]}}, "Nausea"),
        ({"code": {"coding": [{"code": "85354-9"}]}}, "85354-9"),
        ({"class": {"code": "AMB"}}, "AMB"),
        ({"medicationReference": {"reference": "Medication/m"}, "category": {"text": "Infusion"}}, "Infusion"),
        ({"medicationReference": {"reference": "Medication/m", "display": "Vial 7"}}, "Vial 7"),
        ({"name": [], "code": {}, "type": [None]}, ""),
        ({}, ""),
    ],
)
def test_label(tree: dict[str, Any], words: str) -> None:
    assert summary.label(tree) == words


def test_label_reads_references_by_the_names_it_is_given() -> None:
    assert summary.label({"medicationReference": {"reference": "Medication/m"}}, {"Medication/m": "Vial 7"}) == "Vial 7"


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"valueQuantity": {"value": "72.50", "unit": "kg"}}, "72.50 kg"),
        ({"valueQuantity": {"comparator": "<", "value": "1", "code": "mg"}}, "<1 mg"),
        ({"valueCodeableConcept": {"text": "Low risk"}}, "Low risk"),
        ({"valueString": "as told"}, "as told"),
        ({"component": [{"code": {"text": "Systolic"}, "valueQuantity": {"value": "124", "unit": "mmHg"}}]}, "Systolic 124 mmHg"),
        ({"dosage": {"dose": {"value": "21.7", "unit": "mg"}, "rateQuantity": {"value": "42", "unit": "mL/h"}}}, "21.7 mg · 42 mL/h"),
        ({"identifier": [{"value": "KET-1"}], "birthDate": "1982-05", "gender": "other"}, "KET-1 · born 1982-05 · other"),
        ({"severity": {"coding": [{"code": "mild"}]}}, "severity mild"),
        ({"batch": {"lotNumber": "K7"}}, "lot K7"),
        ({}, ""),
    ],
)
def test_details(tree: dict[str, Any], words: str) -> None:
    assert summary.details(tree) == words


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"effectiveDateTime": "2026-03-14T16:40:00Z"}, "2026-03-14 09:40"),
        ({"effectiveDateTime": "2026-03"}, "2026-03"),
        ({"period": {"start": "2026-03-14T09:30:00-07:00", "end": "2026-03-14T11:20:00-07:00"}}, "2026-03-14 09:30 – 11:20"),
        ({"period": {"start": "2026-03-14"}}, "2026-03-14 –"),
        ({"effectiveDateTime": "0001-01-01T00:00:00Z"}, "0001-01-01T00:00"),
        ({}, ""),
    ],
)
def test_when(tree: dict[str, Any], words: str) -> None:
    assert summary.when(tree, SITE) == words


def test_an_instant_is_told_in_both_clocks() -> None:
    assert SITE.local_time("2026-03-14T16:40:00.125Z") == "2026-03-14 09:40:00 PDT"
    assert universal_time("2026-03-14T09:40:00.125-07:00") == "2026-03-14 16:40:00.125 UTC"
    assert SITE.local_time("soon") == universal_time("soon") == "soon"


def test_every_resource_of_the_visit_says_something() -> None:
    entries = json.loads(VISIT.read_text(), parse_float=str, parse_int=str)["entry"]
    silent = {
        entry["resource"]["resourceType"]
        for entry in entries
        if not (summary.label(entry["resource"]) or summary.details(entry["resource"]) or summary.when(entry["resource"], SITE))
    }
    assert silent == set()
