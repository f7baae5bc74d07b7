"""The demonstration clinic as transaction Bundles, in the order in which they must be posted."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from fhir.resources.R4B.list import List

from service.demo import chart, claims, ledger, people, premises, vials
from service.demo.codes import local
from service.demo.elements import concept, controlled, identifier
from service.demo.encounters import add_visit
from service.demo.ledger import Entry
from service.demo.people import Person
from service.demo.schedule import DAY, GAPS, Incident, Kind, Plan
from service.demo.transaction import Transaction
from service.demo.vials import Draw, Stock
from service.demo.visit import Visit, moment

DEFAULT_SEED = 1
DEFAULT_DAY = date(2026, 11, 17)
ZONE = ZoneInfo("America/Los_Angeles")
_MORNING = "08:00"
_CIRCUMSTANCES = "https://clinic.example/fhir/StructureDefinition/inventory-circumstances"


def bundles(seed: int = DEFAULT_SEED, day: date = DEFAULT_DAY) -> Iterator[dict[str, Any]]:
    """The clinic of one day: the example visit, master data, one Bundle per visit in order of time, the closing inventory.

    The same seed and day give the same bytes. The example visit is of 2026-11-17 whatever the day; it comes first, because it
    brings the clinic, its safe and three of its staff, which the other Bundles name by identifier.
    """
    yield from map(claims.claiming, _bundles(seed, day))


def _bundles(seed: int, day: date) -> Iterator[dict[str, Any]]:
    yield example_visit()
    stock = vials.opening(day)
    patients = people.patients(seed)
    yield _master(day, patients, stock)
    for visit in sorted(_visits(seed, day, patients), key=lambda one: (one.arrival, one.number)):
        add_visit(visit, stock)
        yield visit.transaction.tree()
    yield _closing(seed, day, stock)


def example_visit() -> dict[str, Any]:
    """The worked example: one complete 52-minute visit with a blood-pressure spike and nausea."""
    content = files("service.demo").joinpath("example-visit.json").read_text(encoding="utf-8")
    tree: dict[str, Any] = json.loads(content, parse_float=Decimal)
    return tree


def _master(day: date, patients: dict[int, Person], stock: Stock) -> dict[str, Any]:
    master = Transaction(f"master/{day}")
    premises.add_premises(master)
    people.add_staff(master)
    vials.add_stock(master, stock)
    for plan in DAY:
        people.add_patient(master, patients[plan.number])
        chart.add_chart(master, plan, patients[plan.number], day)
    return master.tree()


def _visits(seed: int, day: date, patients: dict[int, Person]) -> Iterator[Visit]:
    for plan in DAY:
        person = patients[plan.number]
        yield _visit(seed, plan, person, _at(day, plan.arrival), 0)
        for done in range(plan.earlier):
            past = day - timedelta(days=GAPS[plan.earlier - 1 - done])
            arrival = _at(past, _MORNING if plan.kind is Kind.FOLLOW_UP else plan.arrival)
            yield _visit(seed, _as_infusion(replace(plan, earlier=done)), person, arrival, done + 1)


def _as_infusion(plan: Plan) -> Plan:
    """The plan of an earlier visit: an infusion in which nothing went wrong, whatever today is."""
    kind = plan.kind if plan.infusion or plan.incident is Incident.NO_SHOW else Kind.MOOD
    return replace(plan, kind=kind, incident=None)


def _visit(seed: int, plan: Plan, person: Person, arrival: datetime, past: int) -> Visit:
    number = f"V-{arrival:%Y%m%d}-{100 + plan.number:04d}"
    name = f"{seed}/{number}"
    return Visit(number, plan, person, arrival, Transaction(name), Random(name), brief=bool(past))


def _at(day: date, time: str) -> datetime:
    hour, minute = map(int, time.split(":"))
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZONE)


def _closing(seed: int, day: date, stock: Stock) -> dict[str, Any]:
    """The inventory at the close of business: every vial counted by two, and the list of the counts."""
    closing = Transaction(f"{seed}/closing/{day}")
    evening = _at(day, "18:00")
    by = Entry(closing, stock, people.ROOM_NURSES[1].reference, people.WITNESS.reference)
    counts = [
        ledger.add_count(by, f"count/{vial.serial}", Draw(vial, 0, vial.balance_ug), moment(evening, minute))
        for minute, vial in enumerate(stock.vials)
    ]
    closing.add(
        "inventory",
        List,
        meta=controlled(),
        extension=[_circumstances("inventory-close", "inventory-other")],
        identifier=[identifier("inventory", f"INV-{day:%Y%m%d}")],
        status="current",
        mode="snapshot",
        title="Controlled substances on hand, close of business",
        code=concept(local("cs-inventory", "Controlled-substance inventory")),
        subject=premises.safe(),
        date=moment(evening, 10),
        source=people.ROOM_NURSES[1].reference,
        entry=[{"item": count} for count in counts],
    )
    return closing.tree()


def _circumstances(at: str, kind: str) -> dict[str, Any]:
    """What the law asks of an inventory besides the counts: at which end of the day it was taken, and why."""
    return {"url": _CIRCUMSTANCES, "extension": [{"url": "moment", "valueCode": at}, {"url": "kind", "valueCode": kind}]}
