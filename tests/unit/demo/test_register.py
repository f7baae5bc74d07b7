"""The demonstration as a register of controlled substances: complete and exact, but for what it shows on purpose."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from service.demo import clinic
from service.demo.history import LATE_REASON, RECORDED
from tests.unit.demo import register
from tests.unit.demo.register import Records, Spent, Tree, code, when

DAYS = [(1, date(2026, 11, 17)), (2, date(2027, 3, 15))]
HAPPENED = ("date", "occurrenceDateTime", "whenHandedOver", "effectiveDateTime")
LEDGER = ("List", "MedicationDispense", "MedicationAdministration", "SupplyDelivery")


@pytest.fixture(scope="module", params=DAYS, ids=["default", "other"])
def records(request: pytest.FixtureRequest) -> Records:
    """The clinic as it stands when all Bundles are in."""
    return register.read(list(clinic.bundles(*request.param)))


@pytest.fixture(scope="module")
def draws(records: Records) -> list[Spent]:
    found = register.draws(records)
    assert len(found) > 35
    return found


def visit_of(records: Records, one: Tree) -> Tree:
    return records.known[one["context"]["reference"]]


def named(records: Records, type: str, visit: str) -> list[Tree]:
    """Resources of a visit that have no identifier."""
    return [one for one in records.others if one["resourceType"] == type and one.get("encounter", {}).get("reference") == visit]


def test_every_draw_is_given_and_wasted(draws: list[Spent]) -> None:
    """To the microgram, but for the one line that keeps 0.05 mg."""
    assert all(len(one.given) == 1 and len(one.wasted) == 1 for one in draws)
    assert sorted(one.left for one in draws)[-2:] == [Decimal(0), Decimal("0.05")]
    assert min(one.left for one in draws) == 0


def test_time_runs_forward_in_every_draw(records: Records, draws: list[Spent]) -> None:
    """Ordered, drawn, given, wasted; consented before; the syringe still good at the end."""
    consents: dict[str, list[datetime]] = {}
    for one in (*records.of("Consent"), *(two for two in records.others if two["resourceType"] == "Consent")):
        consents.setdefault(one["patient"]["reference"], []).append(when(one["dateTime"]))
    for one in draws:
        dose, waste = one.given[0], one.wasted[0]
        order = records.known[dose["request"]["reference"]]
        span = dose["effectivePeriod"]
        times = (
            order["authoredOn"],
            one.draw["whenPrepared"],
            one.draw["whenHandedOver"],
            span["start"],
            span["end"],
            waste["effectiveDateTime"],
        )
        assert all(when(before) <= when(after) for before, after in pairwise(times))
        assert order["status"] in ("completed", "stopped")
        assert any(at <= when(span["start"]) for at in consents[dose["subject"]["reference"]])
        syringe = records.known[dose["medicationReference"]["reference"]]
        if "T" in syringe["batch"]["expirationDate"]:
            assert when(span["end"]) < when(syringe["batch"]["expirationDate"])


def test_everybody_is_there_who_must_be(records: Records, draws: list[Spent]) -> None:
    """A weight, an escort, the discharge criteria; two people at every waste but one, whose visit is not finished."""
    alone = []
    for one in draws:
        name, visit = one.draw["context"]["reference"], visit_of(records, one.draw)
        assert "ESC" in {kind["type"][0]["coding"][0]["code"] for kind in visit["participant"]}
        assert [form for form in named(records, "QuestionnaireResponse", name) if "discharge" in form["questionnaire"]]
        people = register.actors(one.wasted[0])
        assert len(set(people.values())) == len(people)
        if "WIT" not in people:
            alone.append(visit)
        else:
            assert visit["status"] == "finished"
    assert [visit["status"] for visit in alone] == ["in-progress"]
    assert all("end" not in visit["period"] for visit in alone)


def test_all_staff_is_active_and_licensed(records: Records) -> None:
    staff = records.of("Practitioner")
    assert len(staff) > 5
    assert all(one["active"] and one["qualification"][0]["period"]["end"] > "2027" for one in staff)


def test_every_count_is_the_book_but_one(records: Records) -> None:
    """In the order of events, whatever the order of the Bundles; the one that is short is of the closing inventory."""
    off = [(one, book - one["valueQuantity"]["value"]) for one, book in register.counts(records) if one["valueQuantity"]["value"] != book]
    assert [difference for _, difference in off] == [2]
    assert off[0][0]["effectiveDateTime"][11:13] == "18"


def test_inventories_hold_every_vial_on_hand(records: Records) -> None:
    """An initial one, of all that was received; a biennial one, of all."""
    kinds: dict[str, Any] = {}
    for one in records.of("List"):
        parts = {part["url"]: part["valueCode"] for found in one["extension"] for part in found.get("extension", ())}
        kinds[parts["kind"]] = {records.known[item["item"]["reference"]]["focus"][0]["reference"] for item in one["entry"]}
    received = {one["suppliedItem"]["itemReference"]["reference"] for one in records.of("SupplyDelivery")}
    vials = {
        name for name, one in records.known.items() if name.startswith("Medication?") and register.is_controlled(one) and "sid/vial" in name
    }
    assert kinds.keys() == {"inventory-initial", "inventory-biennial"}
    assert kinds["inventory-biennial"] == vials
    assert kinds["inventory-initial"] == {one for one in received if "00417" not in one}
    assert len(vials - received) == 1


def test_a_vial_expires_soon(records: Records) -> None:
    day = max(one["date"] for one in records.of("List"))[:10]
    ends = [
        one["batch"]["expirationDate"] for one in records.of("Medication") if "amount" in one and "T" not in one["batch"]["expirationDate"]
    ]
    soon = [end for end in ends if end < (date.fromisoformat(day) + timedelta(days=30)).isoformat()]
    assert len(soon) == 1
    assert soon[0] > day


def test_all_was_written_down_in_time_but_one_that_says_why(records: Records) -> None:
    """Every controlled record says when; 24 hours are the limit."""
    late = []
    told = [one for type in LEDGER for one in records.of(type) if register.is_controlled(one)]
    told += [one for one in records.of("Observation") if code(one).startswith("cs-")]
    for one in told:
        extensions = {found["url"]: found for found in one["extension"]}
        happened = next((one[name] for name in HAPPENED if name in one), None) or one["effectivePeriod"]["end"]
        lag = when(extensions[RECORDED]["valueDateTime"]) - when(happened)
        assert lag > timedelta(0)
        if lag > timedelta(hours=24):
            late.append(one)
        assert (LATE_REASON in extensions) == (lag > timedelta(hours=24))
    assert len(told) > 150
    assert [one["resourceType"] for one in late] == ["MedicationAdministration"]


def test_a_correction_names_the_version_before_it() -> None:
    """The mistyped waste first, in a visit that is still open; the mended one with reason, version and signatures."""
    bundles = list(clinic.bundles())
    at, mending = next((at, one) for at, one in enumerate(bundles) if any("ifMatch" in entry["request"] for entry in one["entry"]))
    by_type = {entry["resource"]["resourceType"]: entry for entry in mending["entry"]}
    waste, told = by_type["Observation"]["resource"], by_type["Provenance"]["resource"]
    first = next(entry for entry in bundles[at - 1]["entry"] if entry["resource"].get("id") == waste["id"])
    opened = next(entry["resource"] for entry in bundles[at - 1]["entry"] if entry["resource"]["resourceType"] == "Encounter")
    assert first["request"] == {"method": "PUT", "url": f"Observation/{waste['id']}"}
    assert (first["resource"]["status"], waste["status"]) == ("final", "amended")
    assert waste["valueQuantity"]["value"] - first["resource"]["valueQuantity"]["value"] == 1
    assert (opened["status"], by_type["Encounter"]["resource"]["status"]) == ("in-progress", "finished")
    assert told["entity"] == [{"role": "revision", "what": {"reference": f"Observation/{waste['id']}/_history/1", "type": "Observation"}}]
    assert told["reason"][0]["text"]
    assert "Modification Signature" in {one["type"][0]["display"] for one in told["signature"]}
