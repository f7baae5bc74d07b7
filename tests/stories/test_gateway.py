"""A device gateway posts blood pressures, singly and in batches, over a network that loses answers.

It has the role `gateway`: it writes vital signs of its own device and reads nothing. What became of them is asked by the charting app.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from service import clock
from tests.server import Live
from tests.stories import principals
from tests.stories.client import Client
from tests.stories.visit import Visit, address

_UNITS = "http://unitsofmeasure.org"
_SYSTEM = "https://gateway.example/reading"
_MONITOR = 1


@pytest.fixture(scope="module")
def gateway(live: Live, visit: Visit) -> Iterator[Client]:
    """The gateway of the monitor of the visit."""
    with Client.of(live.url, live.admit(principals.gateway(visit.place("Device", _MONITOR), visit.year))) as one:
        yield one


def _pressure(visit: Visit, number: int, systolic: int = 131, hours_ago: float = 0) -> dict[str, Any]:
    def part(code: str, value: int) -> dict[str, Any]:
        amount = {"value": value, "unit": "mmHg", "system": _UNITS, "code": "mm[Hg]"}
        return {"code": {"coding": [{"system": "http://loinc.org", "code": code}]}, "valueQuantity": amount}

    return {
        "resourceType": "Observation",
        "identifier": [{"system": _SYSTEM, "value": f"{visit.year}-{number}"}],
        "status": "final",
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]},
        "subject": {"reference": visit.place("Patient")},
        "encounter": {"reference": visit.place("Encounter")},
        "effectiveDateTime": _before_now(hours_ago),
        "device": {"reference": visit.place("Device", _MONITOR)},
        "component": [part("8480-6", systolic), part("8462-4", 84)],
    }


def _entry(body: dict[str, Any]) -> dict[str, Any]:
    return {"resource": body, "request": {"method": "POST", "url": "Observation"}}


def _batch(*bodies: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "batch", "entry": [_entry(body) for body in bodies]}


def _statuses(answer: Any) -> list[str]:
    return [entry["response"]["status"][:3] for entry in answer.tree["entry"]]


def _count(charting: Client, visit: Visit, number: int) -> int:
    total: int = charting.get(f"Observation?identifier={_SYSTEM}|{visit.year}-{number}&_summary=count").tree["total"]
    return total


def test_one_reading(charting: Client, gateway: Client, visit: Visit) -> None:
    """201 with its address and version, and no body; a refusal names the element and the rule."""
    answer = gateway.send("POST", "Observation", _pressure(visit, 1), Prefer="return=representation")
    assert answer.status == 201
    assert answer.document is None
    assert answer.headers["ETag"] == 'W/"1"'
    assert answer.headers["Location"].startswith(f"{gateway.base_url}/Observation/")
    assert charting.get(address(answer.headers["Location"])).tree["component"][0]["valueQuantity"]["value"] == 131
    wrong = _pressure(visit, 2)
    wrong["component"][1]["valueQuantity"]["value"] = "84"
    refused = gateway.send("POST", "Observation", wrong)
    assert refused.status == 422
    issue = refused.tree["issue"][0]
    assert issue["expression"] == ["Observation.component[1].valueQuantity.value"]
    assert issue["details"]["coding"][0]["code"]
    assert _count(charting, visit, 2) == 0


def test_a_batch_with_a_bad_entry(charting: Client, gateway: Client, visit: Visit) -> None:
    """Each entry is answered by itself, with the code that a single request would get."""
    bad = _pressure(visit, 12) | {"status": "finel"}
    unknown = _pressure(visit, 13) | {"subject": {"reference": "Patient/nobody"}}
    answer = gateway.send("POST", "", _batch(_pressure(visit, 11), bad, unknown, _pressure(visit, 14)))
    assert answer.status == 200
    assert _statuses(answer) == ["201", "422", "422", "201"]
    outcomes = [str(entry["response"].get("outcome")) for entry in answer.tree["entry"]]
    assert "Observation.status" in outcomes[1]
    assert "Patient/nobody" in outcomes[2]
    assert [_count(charting, visit, number) for number in (11, 12, 13, 14)] == [1, 0, 0, 1]


def test_a_batch_sent_again_creates_nothing_twice(charting: Client, gateway: Client, visit: Visit) -> None:
    """The Idempotency-Key finds the answer that was lost; the same readings without it are other readings."""
    batch = _batch(*(_pressure(visit, number) for number in range(20, 30)))
    first, second = (gateway.send("POST", "", batch, Idempotency_Key=f"batch-{visit.year}") for _ in range(2))
    assert _statuses(first) == ["201"] * 10
    assert first.document == second.document
    assert all(_count(charting, visit, number) == 1 for number in range(20, 30))


def test_an_idempotency_key(charting: Client, gateway: Client, visit: Visit) -> None:
    """A replay gets the first answer; the key with another body is refused."""
    body, key = _pressure(visit, 41), f"reading-{visit.year}-41"
    first = gateway.send("POST", "Observation", body, Idempotency_Key=key)
    again = gateway.send("POST", "Observation", body, Idempotency_Key=key)
    other = gateway.send("POST", "Observation", _pressure(visit, 42), Idempotency_Key=key)
    assert (first.status, again.status, other.status) == (201, 201, 422)
    assert first.headers["Location"] == again.headers["Location"]
    assert (_count(charting, visit, 41), _count(charting, visit, 42)) == (1, 0)


def test_a_key_is_the_clients_own(charting: Client, gateway: Client, visit: Visit) -> None:
    """Another client that uses the same key gets no answer but its own."""
    key = f"reading-{visit.year}-45"
    ours = gateway.send("POST", "Observation", _pressure(visit, 45), Idempotency_Key=key)
    theirs = charting.send("POST", "Observation", _pressure(visit, 46), Idempotency_Key=key)
    assert (ours.status, theirs.status) == (201, 201)
    assert ours.headers["Location"] != theirs.headers["Location"]


def test_conditions_are_refused(charting: Client, gateway: Client, visit: Visit) -> None:
    """A condition is a search, and its answer would tell what is there: alone and in a Bundle, met or not."""
    condition = f"identifier={_SYSTEM}|{visit.year}-51"
    assert gateway.send("POST", "Observation", _pressure(visit, 51), If_None_Exist=condition).status == 403
    conditional = _entry(_pressure(visit, 51))
    conditional["request"]["ifNoneExist"] = condition
    answer = gateway.send("POST", "", {"resourceType": "Bundle", "type": "batch", "entry": [conditional, _entry(_pressure(visit, 52))]})
    assert _statuses(answer) == ["403", "201"]
    assert gateway.send("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": [conditional]}).status == 403
    assert (_count(charting, visit, 51), _count(charting, visit, 52)) == (0, 1)


def test_it_reads_nothing(gateway: Client, visit: Visit) -> None:
    """Not even what it wrote, nor the patient that it names; what is not there is refused in the same way."""
    own = address(gateway.send("POST", "Observation", _pressure(visit, 61)).headers["Location"])
    for path in (own, f"{own}/_history", f"{own}/_history/1", "Observation/nothing", "Observation", "Observation/$lastn"):
        assert gateway.send("GET", path).status == 403, path
    for path in (visit.place("Patient"), "Patient/nobody", "Patient", visit.place("Encounter"), f"{visit.place('Patient')}/$everything"):
        assert gateway.send("GET", path).status == 403, path
    assert gateway.send("PUT", own, _pressure(visit, 61)).status == 403
    assert gateway.send("DELETE", own).status == 403
    assert gateway.send("POST", "Patient", {"resourceType": "Patient"}).status == 403


def test_only_vital_signs_of_its_own_device(charting: Client, gateway: Client, visit: Visit) -> None:
    """Another category, another device or none: refused, and nothing is stored."""
    other = _pressure(visit, 71)
    other["category"][0]["coding"][0]["code"] = "laboratory"
    pump = _pressure(visit, 72) | {"device": {"reference": visit.place("Device")}}
    without = {name: value for name, value in _pressure(visit, 73).items() if name != "device"}
    for body in (other, pump, without):
        assert gateway.send("POST", "Observation", body).status in (403, 422)
    assert [_count(charting, visit, number) for number in (71, 72, 73)] == [0, 0, 0]


def test_without_an_encounter_and_late(charting: Client, gateway: Client, visit: Visit) -> None:
    """A reading need not say during which visit it was taken. What comes days later is taken and marked; what lies ahead is refused."""
    walk_in = {name: value for name, value in _pressure(visit, 81).items() if name != "encounter"}
    assert gateway.send("POST", "Observation", walk_in).status == 201
    late = gateway.send("POST", "Observation", _pressure(visit, 82, hours_ago=30))
    prompt = gateway.send("POST", "Observation", _pressure(visit, 83, hours_ago=1))
    ahead = gateway.send("POST", "Observation", _pressure(visit, 84, hours_ago=-1))
    assert (late.status, prompt.status, ahead.status) == (201, 201, 422)
    tags = [charting.get(address(one.headers["Location"])).tree["meta"].get("tag", []) for one in (late, prompt)]
    assert [len(some) for some in tags] == [1, 0]


def _before_now(hours: float) -> str:
    return (clock.to_datetime(clock.now()) - timedelta(hours=hours)).isoformat(timespec="seconds")
