"""Emergency accesses: one patient of another clinic, for a stated reason, an hour long, and looked at afterwards."""

import json

import pytest
from flask import Flask

from service.records import emergency
from service.records.clients import Registration
from service.records.context import Service
from tests.access import admitted
from tests.people.clinic import Browser, Hand, events, token_of, told

SOUTH = "/fhir/Patient/pat-south"
REASON = "unconscious on arrival"
REVIEW = "called the clinic, the visit was real"


def test_a_clinician_reaches_a_patient_of_another_clinic_for_an_hour(amy: Browser, hand: Hand) -> None:
    assert amy.open(SOUTH).status_code == 404
    answer = amy.fill("/break-glass", "open", patient="pat-south", reason=REASON)
    assert answer.headers["Location"] == SOUTH
    page = amy.open(SOUTH)
    assert (page.status_code, "Emergency access to" in page.text) == (200, True)
    for _ in range(5):
        hand.move(10)
        assert amy.open("/account").status_code == 200
    hand.move(9.99)
    assert amy.open(SOUTH).status_code == 200
    hand.move(0.02)
    assert amy.open(SOUTH).status_code == 404


def test_it_is_for_one_patient_and_one_person(site: Flask, amy: Browser) -> None:
    amy.fill("/break-glass", "open", patient="S-1", reason=REASON)
    assert amy.open(SOUTH).status_code == 200
    assert amy.open("/fhir/Patient/pat-south-2").status_code == 404
    assert Browser(site).signed_in("ben").open(SOUTH).status_code == 404


def test_it_gives_no_right_that_the_role_has_not(amy: Browser) -> None:
    before = {path: amy.open(path).status_code for path in ("/fhir/Group", "/fhir/Task", "/fhir/List")}
    amy.fill("/break-glass", "open", patient="pat-south", reason=REASON)
    assert {path: amy.open(path).status_code for path in before} == before
    assert set(before.values()) == {403}


def test_it_can_be_closed_early(amy: Browser) -> None:
    amy.fill("/break-glass", "open", patient="pat-south", reason=REASON)
    assert amy.fill("/break-glass", "close").headers["Location"] == "/break-glass"
    assert amy.open(SOUTH).status_code == 404


def test_nobody_closes_anothers(site: Flask, clinic: Service, amy: Browser) -> None:
    amy.fill("/break-glass", "open", patient="pat-south", reason=REASON)
    id = amy.fields("/break-glass", "close")["access"]
    ben = Browser(site).signed_in("ben")
    assert ben.send("/break-glass", {"form_token": token_of(ben), "action": "close", "access": id}).status_code == 404
    assert amy.open(SOUTH).status_code == 200


def test_what_is_not_stated_does_not_open(clinic: Service, amy: Browser) -> None:
    cases = {("pat-south", "too short"): 400, ("pat-south", " " * 40): 400, ("pat-south", "x" * 501): 400}
    cases |= {(named, REASON): 404 for named in ("", "none", "pat-south,pat-north", "Observation/mood", "*", "%")}
    for (patient, reason), status in cases.items():
        assert amy.fill("/break-glass", "open", patient=patient, reason=reason).status_code == status, (patient, reason)
    assert told(clinic, "110127") == []
    assert amy.open(SOUTH).status_code == 404


@pytest.mark.parametrize("name", ["aud", "pia", "ada"])
def test_other_roles_have_none(site: Flask, clinic: Service, name: str) -> None:
    other = Browser(site).signed_in(name)
    fields = {"form_token": token_of(other), "action": "open", "patient": "pat-south", "reason": REASON}
    assert other.send("/break-glass", fields).status_code == 403
    assert other.open("/break-glass").status_code == (200 if name == "pia" else 403)
    assert told(clinic, "110127") == []


def test_it_is_in_the_trail_with_purpose_and_patient(clinic: Service, amy: Browser, hand: Hand) -> None:
    amy.fill("/break-glass", "open", patient="pat-south", reason=REASON)
    amy.open(SOUTH)
    hand.move(61)
    assert emergency.sweep(clinic) == 1
    assert emergency.sweep(clinic) == 0
    assert told(clinic, "110127") == [("0", "Practitioner/amy", REASON)]
    assert told(clinic, "110138") == [("0", "Practitioner/amy", "time over")]
    during = [event for event in events(clinic) if event.get("purposeOfEvent")]
    assert [event["subtype"][0]["code"] for event in during] == ["110127", "read", "110138"]
    assert {event["purposeOfEvent"][0]["coding"][0]["code"] for event in during} == {"ETREAT"}
    assert all("Patient/pat-south" in json.dumps(event["entity"]) for event in during)


def test_the_privacy_officer_reviews_it(site: Flask, clinic: Service, amy: Browser, hand: Hand) -> None:
    amy.fill("/break-glass", "open", patient="pat-south", reason=REASON)
    pia = Browser(site).signed_in("pia")
    page = pia.open("/break-glass").text
    assert REASON in page
    assert "Can be reviewed when it is over" in page
    amy.fill("/break-glass", "close")
    assert pia.fill("/break-glass", "review", reason="ok").status_code == 400
    assert pia.fill("/break-glass", "review", reason=REVIEW).status_code == 303
    page = pia.open("/break-glass").text
    assert REVIEW in page
    assert 'name="action" value="review"' not in page
    [reviewed] = [event for event in events(clinic) if event["type"]["code"] == "110101"]
    assert [agent["who"]["reference"] for agent in reviewed["agent"] if agent["requestor"]] == ["Practitioner/pia"]
    assert f"reviewed: {REVIEW}" in json.dumps(reviewed)


def test_a_review_happens_once_and_by_somebody_else(site: Flask, clinic: Service, amy: Browser) -> None:
    amy.fill("/break-glass", "open", patient="pat-south", reason=REASON)
    id = amy.fields("/break-glass", "close")["access"]
    pia = Browser(site).signed_in("pia")
    review = {"action": "review", "access": id, "reason": REVIEW}
    assert pia.send("/break-glass", {**review, "form_token": token_of(pia)}).status_code == 409, "it is open"
    assert amy.send("/break-glass", {**review, "form_token": token_of(amy)}).status_code == 403
    amy.fill("/break-glass", "close")
    assert pia.send("/break-glass", {**review, "form_token": token_of(pia)}).status_code == 303
    assert pia.send("/break-glass", {**review, "form_token": token_of(pia)}).status_code == 409
    assert pia.send("/break-glass", {**review, "access": "none", "form_token": token_of(pia)}).status_code == 404


def test_after_72_hours_a_review_is_overdue(site: Flask, amy: Browser, hand: Hand) -> None:
    amy.fill("/break-glass", "open", patient="pat-south", reason=REASON)
    hand.move(72 * 60)
    assert "overdue" not in Browser(site).signed_in("pia").open("/break-glass").text
    hand.move(0.01)
    assert "overdue" in Browser(site).signed_in("pia").open("/break-glass").text


DECLARED = {"X-Purpose-Of-Use": "ETREAT", "X-Purpose-Reason": REASON, "X-Purpose-Patient": "pat-south"}


def test_a_token_may_declare_it_too(site: Flask, clinic: Service) -> None:
    clinician = Registration("charting", role="clinician")
    client = admitted(site, clinician, user="Practitioner/amy")
    assert client.get(SOUTH).status_code == 404
    assert client.get(SOUTH, headers=DECLARED).status_code == 200
    assert client.get(SOUTH, headers=DECLARED).status_code == 200
    assert told(clinic, "110127") == [("0", "Practitioner/amy", REASON)]


def test_a_declaration_that_will_not_do_is_refused(site: Flask, clinic: Service) -> None:
    client = admitted(site, Registration("charting", role="clinician"), user="Practitioner/amy")
    cases = {
        ("X-Purpose-Reason", "short"): 400,
        ("X-Purpose-Reason", ""): 400,
        ("X-Purpose-Patient", ""): 404,
        ("X-Purpose-Of-Use", "FUN"): 400,
    }
    for (name, value), status in cases.items():
        assert client.get(SOUTH, headers={**DECLARED, name: value}).status_code == status, name
    others = (Registration("ehr", role="ehr"), None), (Registration("auditing", role="auditor"), "Practitioner/aud")
    for registration, user in others:
        assert admitted(site, registration, user=user).get("/fhir/Encounter", headers=DECLARED).status_code == 403
    assert told(clinic, "110127") == []
