"""A device gateway posts blood pressures, singly and in batches, over a network that loses answers."""

from typing import Any

from tests.stories.client import Client
from tests.stories.visit import Visit, address

_UNITS = "http://unitsofmeasure.org"


def _pressure(visit: Visit, number: int, systolic: int = 131) -> dict[str, Any]:
    def part(code: str, value: int) -> dict[str, Any]:
        amount = {"value": value, "unit": "mmHg", "system": _UNITS, "code": "mm[Hg]"}
        return {"code": {"coding": [{"system": "http://loinc.org", "code": code}]}, "valueQuantity": amount}

    return {
        "resourceType": "Observation",
        "identifier": [{"system": "https://gateway.example/reading", "value": f"{number}"}],
        "status": "final",
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]},
        "subject": {"reference": visit.place("Patient")},
        "encounter": {"reference": visit.place("Encounter")},
        "effectiveDateTime": f"{visit.day}T10:{number % 60:02d}:00-08:00",
        "device": {"reference": visit.place("Device", 1)},
        "component": [part("8480-6", systolic), part("8462-4", 84)],
    }


def _entry(body: dict[str, Any]) -> dict[str, Any]:
    reading = body["identifier"][0]
    condition = f"identifier={reading['system']}|{reading['value']}"
    return {"resource": body, "request": {"method": "POST", "url": "Observation", "ifNoneExist": condition}}


def _count(client: Client, number: int) -> int:
    total: int = client.get(f"Observation?identifier=https://gateway.example/reading|{number}&_summary=count").tree["total"]
    return total


def test_one_reading(client: Client, visit: Visit) -> None:
    """201 with its address and version; a refusal names the element and the rule."""
    answer = client.send("POST", "Observation", _pressure(visit, 1))
    assert answer.status == 201
    assert answer.headers["ETag"] == 'W/"1"'
    assert answer.headers["Location"].startswith(f"{client.base_url}/Observation/")
    wrong = _pressure(visit, 2)
    wrong["component"][1]["valueQuantity"]["value"] = "84"
    refused = client.send("POST", "Observation", wrong)
    assert refused.status == 422
    issue = refused.tree["issue"][0]
    assert issue["expression"] == ["Observation.component[1].valueQuantity.value"]
    assert issue["details"]["coding"][0]["code"]
    assert _count(client, 2) == 0


def test_a_batch_with_a_bad_entry(client: Client, visit: Visit) -> None:
    """Each entry is answered by itself, with the code that a single request would get."""
    bad = _pressure(visit, 12) | {"status": "finel"}
    unknown = _pressure(visit, 13) | {"subject": {"reference": "Patient/nobody"}}
    batch = {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [_entry(one) for one in (_pressure(visit, 11), bad, unknown, _pressure(visit, 14))],
    }
    answer = client.send("POST", "", batch)
    assert answer.status == 200
    responses = [entry["response"] for entry in answer.tree["entry"]]
    assert [one["status"][:3] for one in responses] == ["201", "422", "422", "201"]
    assert "Observation.status" in str(responses[1]["outcome"])
    assert "Patient/nobody" in str(responses[2]["outcome"])
    assert [_count(client, number) for number in (11, 12, 13, 14)] == [1, 0, 0, 1]


def test_a_batch_sent_again_creates_nothing_twice(client: Client, visit: Visit) -> None:
    """ifNoneExist finds what the lost answer was about."""
    batch = {"resourceType": "Bundle", "type": "batch", "entry": [_entry(_pressure(visit, number)) for number in range(20, 30)]}
    first = client.send("POST", "", batch).tree["entry"]
    second = client.send("POST", "", batch).tree["entry"]
    assert {entry["response"]["status"][:3] for entry in first} == {"201"}
    assert {entry["response"]["status"][:3] for entry in second} == {"200"}
    assert [address(one["response"]["location"]) for one in first] == [address(one["response"]["location"]) for one in second]
    assert all(_count(client, number) == 1 for number in range(20, 30))


def test_if_none_exist_on_a_single_post(client: Client, visit: Visit) -> None:
    """The same condition again answers 200 and the resource that is there."""
    condition = "identifier=https://gateway.example/reading|31"
    first = client.send("POST", "Observation", _pressure(visit, 31), If_None_Exist=condition)
    again = client.send("POST", "Observation", _pressure(visit, 31, systolic=140), If_None_Exist=condition)
    assert (first.status, again.status) == (201, 200)
    assert _count(client, 31) == 1


def test_an_idempotency_key(client: Client, visit: Visit) -> None:
    """A replay gets the first answer; the key with another body is refused."""
    body = _pressure(visit, 41)
    first = client.send("POST", "Observation", body, Idempotency_Key="reading-41")
    again = client.send("POST", "Observation", body, Idempotency_Key="reading-41")
    other = client.send("POST", "Observation", _pressure(visit, 42), Idempotency_Key="reading-41")
    assert (first.status, again.status, other.status) == (201, 201, 422)
    assert first.headers["Location"] == again.headers["Location"]
    assert first.document == again.document
    assert (_count(client, 41), _count(client, 42)) == (1, 0)
