"""The clinic of many years: as many infusions as are asked for, the same every time, and every vial adds up."""

import math
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from service.demo import years_day
from service.demo.years import CONTENT_MG, Years, foundation
from service.fhir import definitions
from service.fhir.document import Document, encode
from service.validation.check import Gate

SMALL = Years(days=7, rooms=2, visits=10, patients=50)


@pytest.fixture(scope="module")
def resources() -> list[dict[str, object]]:
    return [one for batch in (*foundation(SMALL), *years_day.days(SMALL)) for one in batch]


def test_is_as_large_as_the_clinic() -> None:
    """50,000 infusions; working days only, without a gap longer than a weekend, up to the last one."""
    whole = Years()
    days = [whole.day(number) for number in range(whole.days)]
    assert whole.administrations == 50_000
    assert {day.weekday() for day in days} == {0, 1, 2, 3, 4}
    assert days == sorted(set(days))
    assert max(later - earlier for earlier, later in pairwise(days)) == timedelta(days=3)
    assert days[-1] == whole.last
    assert timedelta(days=690) < days[-1] - days[0] < timedelta(days=731)


def test_is_the_same_every_time_and_another_for_another_seed() -> None:
    one, same, other = (encode(years_day.room_day(Years(seed=seed), 3, 4)) for seed in (1, 1, 2))
    assert one == same != other


def test_passes_the_gate(resources: list[dict[str, object]]) -> None:
    gate = Gate(definitions.load())
    assert [
        issue for one in resources for issue in gate.check(Document.of(one).tree, str(one["resourceType"])) if issue.severity == "error"
    ] == []


def test_every_id_is_given_once_and_every_reference_leads_somewhere(resources: list[dict[str, object]]) -> None:
    names = [f"{one['resourceType']}/{one['id']}" for one in resources]
    assert len(set(names)) == len(names)
    assert set(_references(resources)) <= set(names)


def _references(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [value["reference"]] if isinstance(value.get("reference"), str) else []
        return own + [found for inner in value.values() for found in _references(inner)]
    return [found for one in value for found in _references(one)] if isinstance(value, list) else []


def test_a_vial_is_empty_when_ten_patients_had_of_it() -> None:
    day = years_day.room_day(Years(), 0, 0)
    drawn = [one["quantity"]["value"] for one in day if one["resourceType"] == "MedicationDispense"]
    given = [one["dosage"]["dose"]["value"] for one in day if one["resourceType"] == "MedicationAdministration"]
    entries = {kind: [one["valueQuantity"]["value"] for one in day if one["id"].endswith(kind)] for kind in ("-waste", "-count")}
    assert sum(drawn) == CONTENT_MG
    assert sum(given) + sum(entries["-waste"]) == sum(drawn)
    assert entries["-count"] == [0]
    assert all(isinstance(dose, Decimal) and dose == math.floor(dose) for dose in given)
    assert len(set(given)) > 1
