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

from service.demo import chart, claims, corrections, history, inventory, people, premises, vials
from service.demo.encounters import add_visit
from service.demo.people import Person
from service.demo.schedule import DAY, GAPS, LATE, Incident, Irregularity, Kind, Plan
from service.demo.transaction import Transaction
from service.demo.vials import Stock
from service.demo.visit import Visit

DEFAULT_SEED = 1
DEFAULT_DAY = date(2026, 11, 17)
ZONE = ZoneInfo("America/Los_Angeles")
_MORNING = "08:05"
_EVENING = "18:00"


def bundles(seed: int = DEFAULT_SEED, day: date = DEFAULT_DAY) -> Iterator[dict[str, Any]]:
    """The clinic of one day: the example visit, master data, the first inventory, one Bundle per visit in order of time, the closing one.

    The same seed and day give the same bytes. The example visit is of 2026-11-17 whatever the day; it comes first, because it
    brings the clinic, its safe and three of its staff, which the other Bundles name by identifier. What the clinic corrected afterwards
    is a Bundle of its own, after the visit.
    """
    for bundle in _bundles(seed, day):
        yield claims.claiming(history.told_in_time(bundle))


def _bundles(seed: int, day: date) -> Iterator[dict[str, Any]]:
    yield example_visit()
    stock = vials.opening(day)
    patients = people.patients(seed)
    yield _master(day, patients, stock)
    yield inventory.initial(f"{seed}/initial/{day}", stock, _at(vials.received_on(day), _EVENING))
    for visit in sorted(_visits(seed, day, patients), key=lambda one: (one.arrival, one.number)):
        add_visit(visit, stock)
        if visit.plan.irregularity is Irregularity.CORRECTED:
            yield from corrections.corrected(visit)
        else:
            yield corrections.unfinished(visit) if visit.is_unwitnessed else visit.transaction.tree()
    yield inventory.closing(f"{seed}/closing/{day}", stock, _at(day, _EVENING))


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
            late = Irregularity.LATE if (plan.number, done + 1) == LATE else None
            yield _visit(seed, _as_infusion(replace(plan, earlier=done, irregularity=late)), person, arrival, done + 1)


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
