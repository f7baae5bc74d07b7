"""The demonstration clinic: the same every time, right by every rule, and its ledger adds up."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from service.demo import clinic
from service.demo.schedule import DAY, Incident, Irregularity, Kind
from service.fhir import definitions
from service.fhir.document import Limits, decode, encode
from service.validation.check import Gate
from tests.unit.demo import register

_ALLOWED = re.compile(r"^urn:uuid:|^[A-Z][A-Za-z]+\?identifier=[^|]+\|.+$|^Observation/[a-z0-9-]+/_history/1$")


@pytest.fixture(scope="module")
def bundles() -> list[Any]:
    """The clinic as it is delivered."""
    return list(clinic.bundles())


def _resources(bundles: list[Any], kind: str) -> list[Any]:
    return [entry["resource"] for bundle in bundles for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind]


@pytest.mark.parametrize(("seed", "day"), [(1, date(2026, 11, 17)), (2, date(2026, 11, 17)), (1, date(2027, 3, 15))])
def test_passes_the_gate_without_a_word(seed: int, day: date) -> None:
    """No error and no warning, on other seeds and days too."""
    gate = Gate(definitions.load())
    for bundle in clinic.bundles(seed, day):
        tree = decode(encode(bundle).encode(), Limits()).tree
        assert gate.check(tree, "Bundle") == []


def test_is_the_same_every_time(bundles: list[Any]) -> None:
    """Byte for byte; another seed is another clinic."""
    text = [encode(bundle) for bundle in bundles]
    assert text == [encode(bundle) for bundle in clinic.bundles()]
    assert text != [encode(bundle) for bundle in clinic.bundles(seed=2)]


def test_has_every_kind_of_visit() -> None:
    """Twelve patients in three rooms; every kind and every incident."""
    assert len(DAY) == 12
    assert {plan.room for plan in DAY} == {1, 2, 3}
    assert {plan.kind for plan in DAY} == set(Kind)
    assert {plan.incident for plan in DAY} == {*Incident, None}
    assert {plan.irregularity for plan in DAY} == {*Irregularity, None} - {Irregularity.LATE}


def test_one_patient_at_a_time_in_a_room(bundles: list[Any]) -> None:
    """No two visits overlap in a room, the example visit included."""
    stays: dict[str, list[tuple[datetime, datetime]]] = {}
    for encounter in register.read(bundles).of("Encounter"):
        for stay in encounter.get("location", []):
            reference = stay["location"]["reference"]
            room = "ROOM-3" if reference.startswith("urn:") else reference.rpartition("|")[2]
            span = (datetime.fromisoformat(stay["period"]["start"]), datetime.fromisoformat(stay["period"]["end"]))
            stays.setdefault(room, []).append(span)
    assert len(stays) == 3
    for spans in stays.values():
        ordered = sorted(spans)
        assert all(end <= start for (_, end), (start, _) in pairwise(ordered))


def test_references_lead_somewhere(bundles: list[Any]) -> None:
    """A urn into the same Bundle, or the one resource of an earlier Bundle that has the identifier."""
    known: Counter[str] = Counter()
    for bundle in bundles:
        urls = {entry["fullUrl"] for entry in bundle["entry"]}
        assert len(urls) == len(bundle["entry"])
        for text in _references(bundle):
            assert _ALLOWED.match(text), text
            assert text in urls or known[text.partition("/_history/")[0]] == 1, text
        for entry in bundle["entry"]:
            listed = entry["resource"].get("identifier", [])
            for one in listed if isinstance(listed, list) else []:
                name = f"{entry['resource']['resourceType']}?identifier={one.get('system')}|{one['value']}"
                known[name] += not (known[name] and ("ifNoneExist" in entry["request"] or entry["request"]["method"] == "PUT"))
            known[f"{entry['resource']['resourceType']}/{entry['resource'].get('id')}"] = 1


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (inner for name, inner in value.items() if name == "reference" and isinstance(inner, str))
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def test_segments_add_up_to_their_infusion(bundles: list[Any]) -> None:
    """Contiguous, and the doses and the rates agree with the parent."""
    for bundle in bundles:
        given = [entry for entry in bundle["entry"] if entry["resource"]["resourceType"] == "MedicationAdministration"]
        for parent in given:
            parts = [one["resource"] for one in given if one["resource"].get("partOf", [{}])[0].get("reference") == parent["fullUrl"]]
            if not parts:
                continue
            whole = parent["resource"]
            assert sum(part["dosage"]["dose"]["value"] for part in parts) == whole["dosage"]["dose"]["value"]
            assert parts[0]["effectivePeriod"]["start"] == whole["effectivePeriod"]["start"]
            assert parts[-1]["effectivePeriod"]["end"] == whole["effectivePeriod"]["end"]
            assert all(one["effectivePeriod"]["end"] == two["effectivePeriod"]["start"] for one, two in pairwise(parts))


def test_no_vial_goes_below_zero(bundles: list[Any]) -> None:
    """No count is below zero, and each has a number of its own."""
    counts = [one for one in _resources(bundles, "Observation") if one["code"]["coding"][0]["code"] == "cs-count"]
    assert all(count["valueQuantity"]["value"] >= Decimal(0) for count in counts)
    assert len({one["identifier"][0]["value"] for one in counts}) == len(counts)


def test_controlled_records_carry_the_tag(bundles: list[Any]) -> None:
    """Every draw, count and waste."""
    entries = [one for one in _resources(bundles, "Observation") if one["code"]["coding"][0]["code"] in ("cs-count", "cs-waste")]
    draws = _resources(bundles, "MedicationDispense")
    assert entries
    assert draws
    assert all(one["meta"]["tag"][0]["code"] == "CTLSUB" for one in (*entries, *draws))
