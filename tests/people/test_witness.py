"""A second person signs inside the first one's form, and leaves nothing behind but the signature."""

import json

from flask import Flask
from sqlalchemy import text

from service.records import people
from service.records.change import Update
from service.records.commit import commit
from service.records.context import Context, Service
from service.records.read import read
from service.security import lockout
from tests.access import TESTS
from tests.people.clinic import PASSWORD, Browser, Hand, events, told, with_codes
from tests.records.samples import document, observation

FORM = "/witness?target=Observation/mood"
REASON = "Two millilitres were poured away before us both."
SIGNED = {"reason": REASON, "name": "ben", "password": PASSWORD}


def test_two_people_sign_one_version(clinic: Service, amy: Browser) -> None:
    assert "/witness?target=Observation/mood" in amy.open("/fhir/Observation/mood").text
    answer = amy.fill(FORM, **SIGNED)
    place = answer.headers["Location"]
    assert amy.open(place).status_code == 200
    written = json.loads(read(Context(clinic, TESTS), "Provenance", place.rpartition("/")[2]).text or "")
    assert written["target"] == [{"reference": "Observation/mood/_history/1"}]
    assert [(one["type"]["coding"][0]["code"], one["who"]["reference"]) for one in written["agent"]] == [
        ("author", "Practitioner/amy"),
        ("WIT", "Practitioner/ben"),
    ]
    assert written["reason"] == [{"text": REASON}]
    assert written["recorded"].startswith("2026-03-14T")


def test_a_co_signature_leaves_no_session_behind(clinic: Service, amy: Browser) -> None:
    before = amy.cookie()
    answer = amy.fill(FORM, **SIGNED)
    assert answer.status_code == 303
    assert answer.headers.getlist("Set-Cookie") == []
    assert amy.cookie() == before
    assert "Amy Sample" in amy.open("/account").text
    with clinic.database.glance() as tx:
        users = [row.user for row in tx.connection.execute(text('SELECT "user" FROM session')).all()]
    assert users == ["Practitioner/amy"]


def test_nobody_witnesses_alone(clinic: Service, amy: Browser) -> None:
    for name in ("amy", "AMY "):
        answer = amy.fill(FORM, **{**SIGNED, "name": name})
        assert (answer.status_code, "must be another one" in answer.text) == (403, True)
    assert _provenances(clinic) == 0
    assert told(clinic, "110122")[-1] == ("4", "Practitioner/amy", "witness of Observation/mood: the same person, refused")


def test_who_is_not_believed_signs_nothing(clinic: Service, amy: Browser) -> None:
    for typed in ({"password": "wrong password"}, {"name": "nobody"}, {"name": ""}, {"password": ""}):
        answer = amy.fill(FORM, **{**SIGNED, **typed})
        assert (answer.status_code, "Name, password or code is wrong" in answer.text) == (403, True), typed
    people.disable(Context(clinic, TESTS), "ben")
    assert amy.fill(FORM, **SIGNED).status_code == 403
    assert _provenances(clinic) == 0


def test_what_was_typed_is_kept_but_no_password(amy: Browser) -> None:
    page = amy.fill(FORM, **{**SIGNED, "password": "wrong password"}).text
    assert REASON in page
    assert "wrong password" not in page


def test_the_form_is_no_way_to_guess(site: Flask, amy: Browser) -> None:
    for _ in range(lockout.FREE_FAILURES + 1):
        amy.fill(FORM, **{**SIGNED, "password": "wrong password"})
    assert amy.fill(FORM, **SIGNED).status_code == 403
    assert Browser(site).sign_in("ben").status_code == 401
    assert amy.open("/account").status_code == 200


def test_the_witness_needs_the_code_too_and_uses_it_up(site: Flask, clinic: Service, amy: Browser, hand: Hand) -> None:
    codes = with_codes(Browser(site).signed_in("ben"), hand)
    hand.move(1)
    code = codes.at(hand.now // 1_000_000)
    assert amy.fill(FORM, **SIGNED).status_code == 403
    assert amy.fill(FORM, **SIGNED, code=code).status_code == 303
    assert amy.fill(FORM, **SIGNED, code=code).status_code == 403
    assert _provenances(clinic) == 1


def test_a_witness_sees_what_is_witnessed(clinic: Service, amy: Browser) -> None:
    for name in ("sue", "ada"):
        answer = amy.fill(FORM, **{**SIGNED, "name": name})
        assert (answer.status_code, "may not see this" in answer.text) == (403, True), name
    assert _provenances(clinic) == 0


def test_what_changed_meanwhile_is_not_witnessed(clinic: Service, amy: Browser) -> None:
    fields = {**amy.fields(FORM), **SIGNED}
    changed = observation("Patient/pat-north", id="mood", status="amended")
    commit(Context(clinic, TESTS), [Update("Observation", "mood", document(changed))])
    answer = amy.send("/witness", fields)
    assert (answer.status_code, "was changed meanwhile" in answer.text) == (409, True)
    assert _provenances(clinic) == 0


def test_what_cannot_be_witnessed_is_refused(amy: Browser) -> None:
    statuses = {
        "Observation/none": 404,
        "Patient/pat-south": 404,
        "AuditEvent/x": 403,
        "Observation": 400,
        "Nonsense/1": 400,
        "": 400,
        "Observation/mood/_history/1": 400,
        "<script>/1": 400,
    }
    found = {target: amy.client.get("/witness", query_string={"target": target}, headers={"Accept": "text/html"}) for target in statuses}
    assert {target: answer.status_code for target, answer in found.items()} == statuses
    assert not any("<script" in answer.text for answer in found.values())


def test_the_form_refuses_what_it_did_not_make(amy: Browser) -> None:
    fields = {**amy.fields(FORM), **SIGNED}
    for typed in ({"reason": "short"}, {"reason": " " * 50}, {"version": "x"}, {"version": ""}, {"reason": "x" * 501}, {"target": "?"}):
        assert amy.send("/witness", {**fields, **typed}).status_code == 400, typed
    assert amy.send("/witness", {**fields, "version": "2"}).status_code == 409


def test_both_people_are_in_the_trail(clinic: Service, amy: Browser) -> None:
    amy.fill(FORM, **SIGNED)
    assert told(clinic, "110122")[-1] == ("0", "Practitioner/ben", "witness of Observation/mood")
    created = [event for event in events(clinic) if event["action"] == "C" and "Provenance/" in json.dumps(event.get("entity", []))]
    assert [agent["who"].get("reference") for agent in created[-1]["agent"] if agent["requestor"]] == ["Practitioner/amy"]


def test_the_form_lends_no_scope_to_anything_else(amy: Browser) -> None:
    answer = amy.client.post("/fhir/Provenance", json={"resourceType": "Provenance"}, content_type="application/fhir+json")
    assert answer.status_code == 401


def _provenances(service: Service) -> int:
    with service.database.glance() as tx:
        return int(tx.connection.scalar(text("SELECT count(*) FROM version WHERE body LIKE '%\"Provenance\"%'")) or 0)
