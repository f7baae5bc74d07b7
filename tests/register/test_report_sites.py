"""Who is kept to a clinic sees the books of its sites in every report; of the others neither lines, nor inventories, nor sums."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from service.app import create_app
from service.config import Settings
from service.errors import BadRequest, Forbidden
from service.records.context import Context, Service
from service.records.register import (
    activity,
    amendments,
    book_inventory,
    expiries,
    inventories,
    losses,
    prescription_checks,
    recalls,
    receipts,
    recipients,
    reconciling,
    wastes,
)
from service.records.register.question import Question
from service.security.caller import Caller
from service.security.grant import Grant
from tests.access import admitted
from tests.databases import KINDS, Databases
from tests.register.books import EVER, MG, Books, asking, cells

FHIR = "application/fhir+json"
CLINIC = "https://clinic.example/fhir/CodeSystem/ketamine-clinic"
ASKED = replace(EVER, lot="LOT-1")
TAKER = {
    "resourceType": "Practitioner",
    "id": "taker",
    "active": True,
    "name": [{"text": "T. Aker"}],
    "qualification": [
        {
            "identifier": [{"system": "https://clinic.example/fhir/sid/ca-license", "value": "RN1"}],
            "code": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0360", "code": "RN"}]},
            "period": {"start": "2020-01-01", "end": "2999-12-31"},
        }
    ],
}
REPORTS = {
    "receipts": receipts.report,
    "wastes": wastes.report,
    "activity": activity.report,
    "recipients": recipients.report,
    "losses": losses.report,
    "expiries": expiries.report,
    "recalls": recalls.report,
    "reconciling": reconciling.report,
    "prescription-checks": prescription_checks.report,
    "book-inventory": book_inventory.report,
}
"""Each has a row for each site that may be seen, at least."""


@pytest.fixture(scope="module", params=KINDS)
def two_sites(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Flask]:
    """A service with the books of two sites, of two clinics, written alike."""
    with databases.fresh(request.param) as url:
        app = create_app(Settings(database_url=url, cursor_key="c" * 32, rate_limit=0))
        client = admitted(app)
        books = Books(app.extensions["infusion_records"])
        put(client, TAKER)
        for number in ("1", "2"):
            put(client, {"resourceType": "Organization", "id": f"clinic-{number}", "name": f"Clinic {number}"})
            managed = {"managingOrganization": {"reference": f"Organization/clinic-{number}"}}
            put(client, {"resourceType": "Location", "id": f"site-{number}", "name": f"Site {number}", **managed})
            inside = {"partOf": {"reference": f"Location/site-{number}"}}
            put(client, {"resourceType": "Location", "id": f"safe-{number}", "name": f"Safe {number}", **inside})
            _written(books, number)
            put(client, _inventory(number))
        yield app
        app.extensions["infusion_records"].database.dispose()


def put(client: Any, tree: dict[str, Any]) -> None:
    """Store a resource under its id."""
    answer = client.put(f"/fhir/{tree['resourceType']}/{tree['id']}", json=tree, content_type=FHIR)
    assert answer.status_code in (200, 201), answer.text


def _written(books: Books, number: str) -> None:
    id, place = f"vial-{number}", {"site": f"site-{number}", "safe": f"safe-{number}"}
    of_patient = {"patient": f"Patient/p{number}", "encounter": f"Encounter/e{number}"}
    books.add(id, 0, expires="2020-01-01", **place)
    books.post(id, "received", 500, target=f"vial/{id}@safe-{number}", **place)
    books.post(id, "drawn", 50, origin=f"vial/{id}@safe-{number}", target=f"syringe/d{number}@", draw=f"d{number}", **of_patient, **place)
    books.post(id, "given", 30, origin=f"syringe/d{number}@", target=f"given/@site-{number}", draw=f"d{number}", **of_patient, **place)
    books.post(
        id, "wasted", 20, origin=f"syringe/d{number}@", target="wasted/@", draw=f"d{number}", flags="unwitnessed", **of_patient, **place
    )
    books.post(id, "lost", 10, origin=f"vial/{id}@safe-{number}", target="lost/@", **place)


def _inventory(number: str) -> dict[str, Any]:
    """One that found nothing."""
    circumstances = [{"url": "moment", "valueCode": "inventory-opening"}, {"url": "kind", "valueCode": "inventory-annual"}]
    url = "https://clinic.example/fhir/StructureDefinition/inventory-circumstances"
    return {
        "resourceType": "List",
        "id": f"inventory-{number}",
        "meta": {"tag": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "CTLSUB"}]},
        "extension": [{"url": url, "extension": circumstances}],
        "status": "current",
        "mode": "snapshot",
        "code": {"coding": [{"system": CLINIC, "code": "cs-inventory"}]},
        "subject": {"reference": f"Location/safe-{number}"},
        "date": "2026-11-17T08:00:00Z",
        "source": {"reference": "Practitioner/taker"},
        "emptyReason": {"text": "nothing on hand"},
    }


def nurse(service: Service, *clinics: str) -> Context:
    """Somebody who works for these clinics and may read the register."""
    grant = Grant.of(service.identity.grammar.typed("ledger.read user/*.rs"))
    return Context(service, Caller("app", grant, user="Practitioner/nurse", role="clinician", organizations=clinics))


def told(report: Any) -> str:
    """All that a report says, rows and heading."""
    return repr([*report.texts(), *report.total_texts(), report.header])


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_is_of_the_sites_of_who_asks(two_sites: Flask, name: str) -> None:
    service = two_sites.extensions["infusion_records"]
    whole, mine, nothing = (REPORTS[name](ctx, ASKED) for ctx in (asking(service), nurse(service, "clinic-1"), nurse(service)))
    assert "Site 1" in told(whole)
    assert "Site 2" in told(whole)
    assert len(cells(mine)) < len(cells(whole)) or name == "activity"
    assert mine.rows
    for word in ("vial-2", "/p2", "/e2", "/d2", "Site 2", "Safe 2"):
        assert word not in told(mine), word
    assert list(nothing.rows) == []


def test_the_amounts_of_other_sites_are_in_no_sum(two_sites: Flask) -> None:
    service = two_sites.extensions["infusion_records"]
    ctx = nurse(service, "clinic-1")
    assert [row["given"] for row in cells(activity.report(ctx, ASKED))] == [30 * MG]
    assert [row["amount"] for row in cells(book_inventory.report(ctx, ASKED))] == [440 * MG]
    assert [row["given"] for row in cells(activity.report(asking(service), ASKED))] == [60 * MG]


def test_an_inventory_that_found_nothing_is_of_its_site(two_sites: Flask) -> None:
    service = two_sites.extensions["infusion_records"]
    for ctx, lists in ((asking(service), {"List/inventory-1", "List/inventory-2"}), (nurse(service, "clinic-2"), {"List/inventory-2"})):
        assert {row["inventory"] for row in cells(inventories.report(ctx, EVER))} == lists
    assert cells(inventories.report(asking(service), ASKED)) == []


@pytest.mark.parametrize("report", [*REPORTS.values(), inventories.report, amendments.report], ids=[*REPORTS, "inventories", "amendments"])
def test_a_site_of_others_is_as_if_it_had_no_books(two_sites: Flask, report: Any) -> None:
    service = two_sites.extensions["infusion_records"]
    says = []
    for site in ("site-2", "nowhere"):
        with pytest.raises(BadRequest) as refused:
            report(nurse(service, "clinic-1"), replace(ASKED, site=site))
        says.append(refused.value.issues)
    assert says[0] == says[1]


@pytest.mark.parametrize("report", [*REPORTS.values(), inventories.report, amendments.report], ids=[*REPORTS, "inventories", "amendments"])
def test_without_the_scope_or_with_a_patient_there_is_no_report(two_sites: Flask, report: Any) -> None:
    service = two_sites.extensions["infusion_records"]
    grants = (Grant(), Grant.of(service.identity.grammar.typed("ledger.write system/*.rs")))
    callers = [Caller("a", grant) for grant in grants] + [Caller("a", nurse(service).caller.grant, patients=("p1",))]
    for caller in callers:
        with pytest.raises(Forbidden):
            report(Context(service, caller), Question(0, 1))
