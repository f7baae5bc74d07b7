"""Two clinics and their people, invented: what the tests of sign-in, witnessing and emergencies happen in."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from html import unescape
from typing import Any

import pyotp
from flask import Flask
from sqlalchemy import text
from werkzeug.test import TestResponse

from service.records import people
from service.records.change import Update
from service.records.commit import commit
from service.records.context import Context, Service
from service.storage import people as accounts
from tests.access import TESTS
from tests.records.samples import document

BEGIN = 1_773_500_000_000_000
MINUTE = 60 * 1_000_000
PASSWORD = "a quiet morning 4 all"
PEOPLE = {"amy": "clinician", "ben": "clinician", "sue": "clinician", "pia": "privacy-officer", "aud": "auditor", "ada": "admin"}
"""Amy and Ben work in the north, Sue in the south; the others work for no clinic."""
HTML = {"Accept": "text/html"}


class Hand:
    """A clock that stands still until it is moved."""

    def __init__(self, now: int = BEGIN) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def move(self, minutes: float) -> None:
        """Go on by so many minutes."""
        self.now += int(minutes * MINUTE)


def founded(service: Service) -> None:
    """The record of both clinics, and an account with the same password for everybody."""
    ctx = Context(service, TESTS)
    commit(ctx, [Update(tree["resourceType"], tree["id"], document(tree)) for tree in _record()])
    people.add(ctx, "amy", "amy", PEOPLE["amy"], PASSWORD)
    [amy] = people.every(ctx)
    with service.database.write() as tx:
        for login, role in PEOPLE.items():
            if login != "amy":  # the same hash for everybody: a hash takes its time
                accounts.add(tx, replace(amy, id=f"account-{login}", login=login, practitioner=login, role=role))


def _record() -> list[dict[str, Any]]:
    north, south = ({"reference": f"Organization/{name}"} for name in ("north", "south"))
    past, now = {"start": "2020-01-01", "end": "2021-01-01"}, {"start": "2020-01-01"}
    staff = [{"resourceType": "Practitioner", "id": login, "name": [{"given": [login.title()], "family": "Sample"}]} for login in PEOPLE]
    roles = [
        role("amy", north),
        role("ben", north, period=now),
        role("sue", south),
        role("amy-inactive", south, practitioner="amy", active=False),
        role("amy-past", south, practitioner="amy", period=past),
    ]
    return [
        {"resourceType": "Organization", "id": "north", "name": "North"},
        {"resourceType": "Organization", "id": "south", "name": "South"},
        *staff,
        *roles,
        _patient("pat-north", north, "N-1"),
        _patient("pat-south", south, "S-1"),
        {
            "resourceType": "Observation",
            "id": "mood",
            "status": "final",
            "code": {"text": "mood"},
            "subject": {"reference": "Patient/pat-north"},
        },
    ]


def role(id: str, organization: Mapping[str, str], practitioner: str = "", **members: Any) -> dict[str, Any]:
    """A PractitionerRole: somebody works for an organization."""
    who = {"reference": f"Practitioner/{practitioner or id}"}
    return {"resourceType": "PractitionerRole", "id": id, "active": True, "practitioner": who, "organization": organization, **members}


def _patient(id: str, clinic: Mapping[str, str], number: str) -> dict[str, Any]:
    identifier = [{"system": "https://clinic.example/mrn", "value": number}]
    return {
        "resourceType": "Patient",
        "id": id,
        "identifier": identifier,
        "name": [{"text": f"Pat of {number}"}],
        "managingOrganization": clinic,
    }


class Browser:
    """A browser without JavaScript: it keeps cookies, opens pages and sends the forms that it finds there."""

    def __init__(self, site: Flask) -> None:
        self.client = site.test_client()

    def open(self, path: str, **headers: str) -> TestResponse:
        """GET."""
        return self.client.get(path, headers={**HTML, **headers})

    def fields(self, path: str, action: str = "") -> dict[str, str]:
        """The hidden fields of the form on the page at `path`, the one whose field `action` has that value."""
        return hidden(self.open(path).text, action)

    def send(self, path: str, fields: Mapping[str, str], **headers: str) -> TestResponse:
        """POST of a form, as it is."""
        return self.client.post(path, data=fields, headers={**HTML, **headers})

    def fill(self, path: str, action: str = "", **typed: str) -> TestResponse:
        """Open the page, type into its form, send it."""
        return self.send(path.partition("?")[0], {**self.fields(path, action), **typed})

    def sign_in(self, name: str, password: str = PASSWORD, code: str = "", path: str = "/sign-in") -> TestResponse:
        """Try to sign in."""
        return self.fill(path, name=name, password=password, code=code)

    def signed_in(self, name: str) -> "Browser":
        """This browser, once it is signed in."""
        assert self.sign_in(name).status_code == 303
        return self

    def cookie(self, name: str = "session") -> str | None:
        """The value of a cookie."""
        found = self.client.get_cookie(name)
        return found.value if found else None


def hidden(page: str, action: str = "") -> dict[str, str]:
    """The hidden fields of one form of a page: of the one with that `action` field, or of the first that is not the one for signing out."""
    forms = [form for form in re.findall(r"<form.*?</form>", page, re.DOTALL) if "/sign-out" not in form and 'method="post"' in form]
    found = [dict(_inputs(form)) for form in forms]
    return next(fields for fields in found if fields.get("action", "") == action or not action)


def _inputs(form: str) -> list[tuple[str, str]]:
    return [(name, unescape(value)) for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)]


def token_of(browser: Browser, path: str = "/account") -> str:
    """The form token of who is signed in."""
    return browser.fields(path)["form_token"]


def events(service: Service) -> list[dict[str, Any]]:
    """The audit trail, the oldest entry first, as AuditEvents."""
    with service.database.glance() as tx:
        rows = tx.connection.execute(text("SELECT body FROM audit_event ORDER BY serial")).all()
    return [json.loads(bytes(row.body)) for row in rows]


def told(service: Service, subtype: str) -> list[tuple[str, str | None, str]]:
    """Of the events with that subtype: outcome, who (the reference), and what was done."""
    found = []
    for event in events(service):
        if [one["code"] for one in event.get("subtype", ())] == [subtype]:
            who = next((agent["who"].get("reference") for agent in event["agent"] if agent["requestor"]), None)
            details = [detail["valueString"] for entity in event.get("entity", ()) for detail in entity.get("detail", ())]
            found.append((event["outcome"], who, " ".join(details)))
    return found


def with_codes(browser: Browser, hand: Hand) -> pyotp.TOTP:
    """Set up one-time codes in the account of who is signed in."""
    page = browser.fill("/account", "begin-codes", password=PASSWORD).text
    [secret] = re.findall(r"<code>([A-Z2-7]{32})</code>", page)
    codes = pyotp.TOTP(secret)
    answer = browser.send("/account", {**hidden(page, "confirm-codes"), "code": codes.at(hand.now // 1_000_000)})
    assert answer.status_code == 303
    return codes
