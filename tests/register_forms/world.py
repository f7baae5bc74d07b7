"""A clinic with a safe, a patient's visit and people who handle controlled substances, invented; and how a form is filled in there."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from werkzeug.test import TestResponse

from service.ledger.entry import Entry
from service.records import people
from service.records.change import Update
from service.records.commit import commit
from service.records.context import Context, Service
from service.storage import ledger
from service.storage import people as accounts
from service.storage.ledger import Asked
from tests.access import TESTS
from tests.people.clinic import PASSWORD, Browser, hidden
from tests.records.samples import document

ZONE = "America/Los_Angeles"
WHEN = "2026-03-14T07:40:00"
"""By the clock of the clinic, a few minutes before the tests begin (tests.people.clinic.BEGIN)."""
PEOPLE = {"amy": "custodian", "ben": "clinician", "sue": "custodian", "aud": "auditor", "leo": "clinician", "una": "clinician"}
"""Sue works in the south, the others in the north; Leo has no licence, and Una's does not say until when."""
SIGNED = {"name": "ben", "password": PASSWORD, "code": ""}
DELIVERED = {
    "supplier": "Organization/wholesaler",
    "invoice": "INV-1",
    "safe": "Location/safe-1",
    "substance": "6130",
    "strength": "50",
    "volume": "10",
    "ndc": "67457000110",
    "lot": "KET24A117",
    "expires": "2027-08-31",
    "serials": "V-1",
    "when": "2026-03-14T07:00:00",
    **SIGNED,
}
WASTED = {"amount": "17.8", "volume": "17.8", "reason": "infusion-remainder", "method": "sequestration-container", "when": WHEN, **SIGNED}
_DEA = "http://terminology.hl7.org/NamingSystem/USDEANumber"
_KIND = "http://terminology.hl7.org/CodeSystem/location-physical-type"


def founded(service: Service) -> None:
    """The record of the clinics, and an account with the same password for everybody."""
    ctx = Context(service, TESTS)
    commit(ctx, [Update(tree["resourceType"], tree["id"], document(tree)) for tree in _record()])
    people.add(ctx, "amy", "amy", PEOPLE["amy"], PASSWORD)
    [amy] = people.every(ctx)
    with service.database.write() as tx:
        for login, role in PEOPLE.items():
            if login != "amy":  # the same hash for everybody: a hash takes its time
                accounts.add(tx, replace(amy, id=f"account-{login}", login=login, practitioner=login, role=role))


def _record() -> list[dict[str, Any]]:
    return [*_places(), *_staff(), *_visit()]


def _places() -> list[dict[str, Any]]:
    north, south = {"reference": "Organization/north"}, {"reference": "Organization/south"}
    dea = [{"system": _DEA, "value": "RE1234563"}]
    return [
        {"resourceType": "Organization", "id": "north", "name": "North", "identifier": [{"system": _DEA, "value": "FK1234563"}]},
        {"resourceType": "Organization", "id": "south", "name": "South"},
        {"resourceType": "Organization", "id": "wholesaler", "name": "Example Wholesale", "identifier": dea},
        {"resourceType": "Location", "id": "site-1", "name": "Site", "physicalType": _kind("si"), "managingOrganization": north},
        {"resourceType": "Location", "id": "site-2", "name": "Site south", "physicalType": _kind("si"), "managingOrganization": south},
        _safe("safe-1", "site-1"),
        _safe("safe-2", "site-1"),
        _safe("safe-south", "site-2"),
        {"resourceType": "Location", "id": "room", "name": "Room", "physicalType": _kind("ro"), "partOf": {"reference": "Location/site-1"}},
    ]


def _safe(id: str, site: str) -> dict[str, Any]:
    return {
        "resourceType": "Location",
        "id": id,
        "name": id.capitalize(),
        "physicalType": _kind("ca"),
        "partOf": {"reference": f"Location/{site}"},
    }


def _kind(code: str) -> dict[str, Any]:
    return {"coding": [{"system": _KIND, "code": code}]}


def _staff() -> list[dict[str, Any]]:
    nurse = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0360", "code": "RN"}]}
    licence = [{"code": nurse, "period": {"start": "2020-01-01", "end": "2030-01-01"}}]
    found: list[dict[str, Any]] = []
    for login in PEOPLE:
        named: dict[str, Any] = {"resourceType": "Practitioner", "id": login, "name": [{"given": [login.title()], "family": "Sample"}]}
        clinic = {"reference": "Organization/south" if login == "sue" else "Organization/north"}
        found += [
            named | ({"leo": {}, "una": {"qualification": [{"code": nurse}]}}.get(login, {"qualification": licence})),
            {
                "resourceType": "PractitionerRole",
                "id": login,
                "active": True,
                "practitioner": {"reference": f"Practitioner/{login}"},
                "organization": clinic,
            },
        ]
    return found


def _visit() -> list[dict[str, Any]]:
    subject = {"reference": "Patient/pat"}
    ketamine = {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "6130"}], "text": "ketamine"}
    return [
        {
            "resourceType": "Patient",
            "id": "pat",
            "name": [{"text": "Pat of N-1"}],
            "managingOrganization": {"reference": "Organization/north"},
        },
        {
            "resourceType": "Encounter",
            "id": "visit",
            "status": "in-progress",
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
            "subject": subject,
            "period": {"start": "2026-03-14T14:00:00Z"},
        },
        {
            "resourceType": "MedicationRequest",
            "id": "order",
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": ketamine,
            "subject": subject,
            "encounter": {"reference": "Encounter/visit"},
            "authoredOn": "2026-03-14T14:10:00Z",
            "dosageInstruction": [{"text": "Ketamine 36.4 mg over 52 min"}],
        },
    ]


def fill(browser: Browser, form: str, about: str = "", /, **typed: str) -> TestResponse:
    """Open the form for what `about` says (`draw=...`), type into it and send it."""
    path = f"/register/{form}{'?' if about else ''}{about}"
    page = browser.open(path)
    assert page.status_code == 200, page.text
    return browser.send(f"/register/{form}", {**hidden(page.text), **typed})


def made(answer: TestResponse) -> list[str]:
    """The resources that a form made, as `Type/id`, without the vials."""
    assert answer.status_code == 303, told(answer)
    where = answer.headers["Location"]
    assert where.startswith("/register/recorded?form=")
    return [one for one in where.partition("&of=")[2].split(",") if not one.startswith("Medication/")]


def received(browser: Browser, serials: str = "V-1", /, **typed: str) -> list[str]:
    """Receive vials; the ids of their Medications."""
    answer = fill(browser, "receive", **{**DELIVERED, "serials": serials, **typed})
    assert answer.status_code == 303, told(answer)
    names = answer.headers["Location"].partition("&of=")[2].split(",")
    return [name.removeprefix("Medication/") for name in names if name.startswith("Medication/")]


def drawn(browser: Browser, vial: str, amount: str = "50", when: str = "2026-03-14T07:30:00") -> str:
    """Draw from a vial for the visit; the id of the MedicationDispense."""
    diluted = {"diluted": "50", "until": "2026-03-14T11:30:00"}
    answer = fill(browser, "draw", "visit=visit", vial=vial, order="MedicationRequest/order", amount=amount, when=when, **diluted)
    return made(answer)[0].removeprefix("MedicationDispense/")


def told(answer: TestResponse) -> str:
    """What a page says is wrong, on top and beside its fields."""
    found = re.findall(r'class="wrong"[^>]*>([^<]*)<', answer.text)
    issues = re.findall(r'<div class="issue error">(.*?)</div>', answer.text, re.DOTALL)
    return " | ".join([*found, *issues]) or answer.text[:500]


def wrong(answer: TestResponse) -> dict[str, str]:
    """What stands beside each field."""
    return dict(re.findall(r'id="wrong-(\w+)-1">([^<]*)<', answer.text))


def lines(service: Service) -> list[tuple[str, int, str, str]]:
    """The ledger: kind, micrograms, performer, witness of each line."""
    with service.database.read() as tx:
        entries = [Entry(**row._mapping) for row in ledger.lines(tx, Asked())]
    return [(one.kind, one.amount_ug, one.performer, one.witness) for one in entries]


def typed(fields: Mapping[str, str], **changes: str) -> dict[str, str]:
    """Some fields, changed."""
    return {**fields, **changes}
