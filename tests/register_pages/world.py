"""Books in which every mark occurs, alone and together, for the tests of the register's pages."""

from dataclasses import replace

from service.ledger.entry import Entry
from service.records.change import Update
from service.records.commit import commit
from service.records.context import Context, Service
from service.storage import ledger
from tests.access import TESTS
from tests.records.samples import document
from tests.register.books import NURSE, OTHER, PATIENT, SITE, Books, at

HOUR = 3_600_000_000
NORTH, SOUTH = SITE, "site-2"
PLACES = [
    {"resourceType": "Organization", "id": "north", "name": "North"},
    {"resourceType": "Organization", "id": "south", "name": "South"},
    {"resourceType": "Location", "id": NORTH, "name": "Northern safe room", "managingOrganization": {"reference": "Organization/north"}},
    {"resourceType": "Location", "id": SOUTH, "name": "Southern safe room", "managingOrganization": {"reference": "Organization/south"}},
    {"resourceType": "Practitioner", "id": "nurse", "name": [{"given": ["Nora"], "family": "Nurse"}]},
    {"resourceType": "Practitioner", "id": "witness", "name": [{"given": ["Will"], "family": "Witness"}]},
    {"resourceType": "Practitioner", "id": "other", "name": [{"given": ["Otto"], "family": "Other"}]},
]


def filled(service: Service) -> Books:
    """Four vials of two lots, two substances and two sites, and what happened to them in two days."""
    commit(Context(service, TESTS), [Update(str(one["resourceType"]), str(one["id"]), document(one)) for one in PLACES])
    books = Books(service)
    books.add("v1", lot="LOT-1")
    books.add("v2", lot="LOT-1", kind="opened")
    books.add("v3", lot="LOT-2", substance="other", name="midazolam")
    books.add("v4", amount=0, lot="LOT-2", site=SOUTH)
    books.post("v4", "received", 500, origin="supplier/supplier@", target="vial/v4@safe-1", site=SOUTH)
    _visit(books, "v1", "d1", witness="")
    books.when += HOUR
    _visit(books, "v2", "d2")
    books.post("v2", "unaccounted", 0.1, origin="syringe/d2@", target=f"unaccounted/@{SITE}", draw="d2", patient=PATIENT)
    books.when += HOUR
    books.count("v1", 449)
    books.count("v2", 450)
    books.take("v3", "wasted", 3, flags="unwitnessed")
    books.take("v3", "broken", 2, witness="Practitioner/witness", performer=OTHER)
    books.take("v1", "destroyed", 1)
    books.back("v1", books.heads["v1"].entries)
    books.when += 24 * HOUR
    books.post("v3", "adjusted", 5, origin="adjusted/@", target="vial/v3@safe-1", witness="Practitioner/witness")
    books.post("v4", "drawn", 20, origin="vial/v4@safe-1", target="syringe/d4@", draw="d4", site=SOUTH, patient="Patient/far", flags="late")
    late = {"occurred": at("2026-11-17T11:30:00Z"), "flags": "late", "performer": OTHER}
    books.count("v3", 500, **late)
    return books


def _visit(books: Books, vial: str, draw: str, **witness: str) -> None:
    books.draw(vial, draw, 50)
    books.give(vial, draw, 32.2, performer=NURSE)
    books.waste(vial, draw, 17.7 if vial == "v2" else 17.8, **witness)


def lines(service: Service) -> list[Entry]:
    """Every line, in the order of events."""
    with service.database.read() as tx:
        rows = [Entry(*tuple(row)) for row in ledger.lines(tx, ledger.Asked())]
    return sorted(rows, key=lambda one: (one.occurred, one.recorded, one.vial, one.number))


def tampered(line: Entry) -> Entry:
    """The line with another amount and its old hash."""
    return replace(line, amount_ug=line.amount_ug + 1)
