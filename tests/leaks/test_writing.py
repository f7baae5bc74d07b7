"""The leak table, writing: changes by which a server may tell what is there, or let somebody move things into reach or out of it."""

from contextlib import suppress
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from service.errors import Conflict
from service.records import read as reading
from service.records import tokens
from service.records.clients import Registration, register
from service.records.context import Context
from tests.access import TESTS, bearer
from tests.leaks.principals import Principal
from tests.leaks.sender import Sender
from tests.leaks.world import CATEGORY, World

NEVER = "never-was-here"


def _observation(id: str | None, patient: str, category: str = "vital-signs", **more: Any) -> dict[str, Any]:
    value = {"value": 120, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"}
    about = {"status": "final", "code": {"text": "pressure"}, "subject": {"reference": f"Patient/{patient}"}, "valueQuantity": value}
    coded = {"category": [{"coding": [{"system": CATEGORY, "code": category}]}], "effectiveDateTime": "2026-01-01T10:00:00Z"}
    return {"resourceType": "Observation", **({"id": id} if id else {}), **about, **coded, **more}


@pytest.fixture(autouse=True)
def _nothing_of_others_changes(world: World, who: Principal) -> Any:
    """Whatever is sent, what is out of reach stays at its version."""
    everyone = Context(world.service, TESTS)
    before = _versions(world, everyone)
    yield
    assert _versions(world, everyone) == before, who.name


def _versions(world: World, ctx: Context) -> dict[str, int]:
    return {one.address: reading.read(ctx, one.type, one.id).version for one in world.kept.values() if not one.is_deleted}


def admitted_with(app: Flask, client: Registration, scopes: str) -> FlaskClient:
    """A test client of a registered client with some of its scopes."""
    service = app.extensions["infusion_records"]
    with suppress(Conflict):
        register(service, client)
    sender = app.test_client()
    sender.environ_base["HTTP_AUTHORIZATION"] = bearer(tokens.issue(service, client.id, scopes).text)["Authorization"]
    return sender


def _told(answer: TestResponse, *ids: str) -> tuple[int, str]:
    text = answer.text
    for id in ids:
        text = text.replace(id, "ID")
    return answer.status_code, text


def test_leak_19_an_update_does_not_leave_its_category(sender: Sender, who: Principal) -> None:
    for id in ("vitalB", "vitalA"):
        answer = sender.send("PUT", f"Observation/{id}", _observation(id, f"person{id[-1]}", "social-history"), If_Match='W/"99"')
        assert answer.status_code in (403, 404, 412)
    if who.name == "vital-signs":
        assert sender.send("PUT", "Observation/vitalA", _observation("vitalA", "personA", "laboratory")).status_code == 403


def test_leak_20_nothing_is_moved_to_another_patient(sender: Sender, who: Principal) -> None:
    if who.name in ("patient-app", "clinician"):
        moved = _observation("vitalA", "personB")
        assert sender.send("PUT", "Observation/vitalA", moved).status_code == 403
        patch = [{"op": "replace", "path": "/subject/reference", "value": "Patient/personB"}]
        answer = sender.client.patch("/fhir/Observation/vitalA", json=patch, content_type="application/json-patch+json")
        sender.look("PATCH", answer)
        assert answer.status_code == 403
    assert sender.send("PUT", "Observation/vitalB", _observation("vitalB", "personA"), If_Match='W/"99"').status_code in (403, 404)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("headers", [{}, {"If-Match": 'W/"1"'}, {"If-None-Match": "*"}])
def test_leak_21_a_hidden_id_is_a_free_one(sender: Sender, who: Principal, method: str, headers: dict[str, str]) -> None:
    body = {id: _observation(id, "personA") if method == "PUT" else None for id in ("vitalB", NEVER)}
    if who.name == "clinician" and method == "DELETE":
        assert sender.send("DELETE", "Observation/vitalB").status_code == 403
    hidden, never = (_told(sender.send(method, f"Observation/{id}", body[id], **headers), id) for id in ("vitalB", NEVER))
    assert hidden == never


def test_leak_22_an_id_in_a_created_body_means_nothing(sender: Sender, world: World, who: Principal) -> None:
    answer = sender.send("POST", "Observation", _observation("vitalB", "personA", device={"reference": "Device/free"}))
    assert answer.status_code == (201 if who.name in ("patient-app", "clinician", "gateway") else 403)
    if answer.status_code == 201:
        id = answer.headers["Location"].rpartition("/Observation/")[2].partition("/")[0]
        assert id != "vitalB"
        reading.read(Context(world.service, TESTS), "Observation", id)


@pytest.mark.parametrize("condition", ["patient=personB", "_id=vitalB", "subject=Patient/personB&category=vital-signs"])
def test_leak_23_24_conditions(sender: Sender, who: Principal, condition: str) -> None:
    needs_search = who.name == "gateway"
    created = sender.send("PUT", f"Observation?{condition}", _observation(None, "personB"))
    deleted = sender.send("DELETE", f"Observation?{condition}")
    if needs_search:
        answer = sender.send(
            "POST", "Observation", _observation(None, "personA", device={"reference": "Device/free"}), If_None_Exist=condition
        )
        assert answer.status_code == 403
    assert created.status_code in (403, 404)
    assert deleted.status_code in (403, 204)
    if who.name == "patient-app":
        assert deleted.status_code == 204


def test_leak_25_the_patient_of_another(sender: Sender, who: Principal) -> None:
    hidden, never = (_told(sender.send("POST", "Observation", _observation(None, id)), id) for id in ("personB", NEVER))
    if who.name in ("patient-app", "auditor", "ehr", "vital-signs"):
        assert hidden == never
        assert hidden[0] == 403


def test_leak_26_a_batch_answers_each_entry(sender: Sender, world: World, who: Principal) -> None:
    ids = ("vitalA", "vitalB", NEVER, "labA", "labB")
    entries = [{"request": {"method": "GET", "url": f"Observation/{id}"}} for id in ids]
    answer = sender.send("POST", "", {"resourceType": "Bundle", "type": "batch", "entry": entries})
    statuses = [entry["response"]["status"][:3] for entry in answer.get_json()["entry"]]
    for id, status in zip(ids, statuses, strict=True):
        is_seen = id != NEVER and who.sees_now(world.kept[f"Observation/{id}"])
        assert status == ("200" if is_seen else "404" if who.reads("Observation") else "403")


def test_leak_26_a_transaction_refuses_in_one_way(sender: Sender, who: Principal) -> None:
    told = set()
    for url in ("Observation/vitalB", f"Observation/{NEVER}", "Observation/labB", "Patient/personB", "Task/x"):
        entries = [{"request": {"method": "GET", "url": "Observation/vitalA"}}, {"request": {"method": "GET", "url": url}}]
        answer = sender.send("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
        if answer.status_code == 403:
            told.add(answer.text)
        if who.name in ("patient-app", "gateway"):
            assert answer.status_code == 403, url
    assert len(told) <= 1


def test_leak_27_conditional_references_are_searches(sender: Sender, who: Principal) -> None:
    entry = {"resource": _observation(None, "x", device={"reference": "Device/free"}), "request": {"method": "POST", "url": "Observation"}}
    entry["resource"]["subject"] = {"reference": "Patient?name=FamilyB"}
    answer = sender.send("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
    assert answer.status_code == (403 if who.name not in ("patient-app", "clinician") else 412), answer.text


def test_leak_28_another_patient_inside(sender: Sender, who: Principal) -> None:
    inner = {"resourceType": "Patient", "id": "inner", "name": [{"family": "FamilyB"}]}
    body = _observation(None, "personA", contained=[inner], focus=[{"reference": "#inner"}])
    answer = sender.send("POST", "Observation", body)
    if who.name == "patient-app":
        assert answer.status_code == 422
    if who.name in ("ehr", "auditor", "vital-signs"):
        assert answer.status_code == 403


def test_leak_16_a_cursor_is_its_readers(sender: Sender, place: Any, who: Principal) -> None:
    first = sender.send("GET", "Observation?_count=1")
    if first.status_code != 200:
        return
    link = next((one["url"].partition("/fhir/")[2] for one in first.get_json()["link"] if one["relation"] == "next"), None)
    for other, client in place[1].items():
        if link and other != who.name:
            assert client.get(f"/fhir/{link}").status_code in (400, 403)


def test_RULE16_who_may_not_read_gets_nothing_back(sender: Sender, who: Principal) -> None:
    if who.name == "gateway":
        body = _observation(None, "personA", device={"reference": "Device/free"})
        answer = sender.send("POST", "Observation", body, Prefer="return=representation")
        assert (answer.status_code, answer.text) == (201, "")
        assert sender.send("GET", answer.headers["Location"].partition("/fhir/")[2]).status_code == 403


def test_a_refused_deletion_names_only_what_may_be_seen(sender: Sender, world: World, who: Principal) -> None:
    if who.name == "patient-app":
        answer = sender.send("DELETE", "Patient/personA")
        assert answer.status_code == 409
        hidden = [one.address for one in world.kept.values() if not who.sees_now(one)]
        assert [address for address in hidden if address in answer.text] == []


def test_a_gateway_speaks_for_its_own_device(sender: Sender, who: Principal) -> None:
    if who.name == "gateway":
        other = _observation(None, "personA", device={"reference": "Device/pumpB"})
        assert sender.send("POST", "Observation", other).status_code == 403
        assert sender.send("POST", "Observation", _observation(None, "personA")).status_code == 403


def test_a_key_gives_no_more_than_its_token_reaches(world: World, who: Principal, place: Any) -> None:
    if who.name != "patient-app":
        return
    app = place[1][who.name].application
    registered = Registration("two-tokens", "system/Observation.crs system/Patient.rs")
    both, fewer = (admitted_with(app, registered, scopes) for scopes in (registered.scopes, "system/Observation.c system/Patient.rs"))
    sent = {"headers": {"Idempotency-Key": "one-key", "Prefer": "return=representation"}, "content_type": "application/fhir+json"}
    body = _observation(None, "personB")
    first, again, weaker = (client.post("/fhir/Observation", json=body, **sent) for client in (both, both, fewer))
    assert (first.status_code, again.status_code, weaker.status_code) == (201, 201, 422)
    assert first.get_json() == again.get_json()
    assert "pressure" not in weaker.text
