"""Many threads at the same vials: no overdraft, and what they are told could have been told to one after the other."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.errors import Unprocessable
from service.fhir.document import Document
from service.ledger.book import chained
from service.records.change import Update
from service.records.commit import commit
from service.records.context import Context, Service
from service.records.register import rebuild
from tests.access import TESTS
from tests.faults.checker import require_sound
from tests.register.crowd import CONTENT_MG, Crowd, Size, patiently
from tests.register.model import Fact

SMALL = Size(threads=8, vials=3, operations=160)
LARGE = Size(threads=64, vials=200, operations=50_000)
SIZES = [pytest.param(SMALL, id="8x3x160"), pytest.param(LARGE, id="64x200x50000", marks=pytest.mark.nightly)]


@pytest.fixture
def service(app: Flask) -> Service:
    found: Service = app.extensions["infusion_records"]
    return found


def prepare(crowd: Crowd, vial: str) -> None:
    """A draw of the visit that is wasted, its checklist, and the escort."""
    clinic, visit = crowd.clinic, crowd.clinic.places[f"visit-{vial}"]
    clinic.add(f"draw-{vial}", clinic.draw(vial, 10, 20, visit=f"visit-{vial}"))
    of_draw = clinic.of_draw(f"draw-{vial}") | {"encounter": clinic.to(f"visit-{vial}")}
    clinic.add(f"waste-{vial}", clinic.entry("waste", vial, 10, 25, **of_draw))
    clinic.add(f"escort-{vial}", {"resourceType": "RelatedPerson", "patient": clinic.to("patient")})
    clinic.add(f"discharge-{vial}", clinic.discharge(visit))


def finished(service: Service, crowd: Crowd, vial: str) -> bool:
    """Whether the visit of a vial could be finished."""
    place = crowd.clinic.places[f"visit-{vial}"]
    body = crowd.clinic.finished(f"escort-{vial}") | {"id": place.partition("/")[2]}
    update = Update("Encounter", body["id"], Document.of(body))
    return not isinstance(patiently(lambda: commit(Context(service, TESTS), [update])[0]), Unprocessable)


@pytest.mark.parametrize("size", SIZES)
def test_the_history_is_serial(service: Service, client: FlaskClient, size: Size) -> None:
    crowd = Crowd.at(service, client, size.vials)
    crowd.work(size)
    assert len(crowd.taken) + len(crowd.refused) == size.operations + size.vials
    crowd.require_serial()
    assert {rule for one in crowd.refused for rule in one.rules} <= {"cs-01", "cs-05"}
    assert crowd.refused
    assert all(chained(lines) for lines in crowd.lines().values())
    assert rebuild.check(service)[1] == []
    require_sound(service)


def test_a_vial_is_emptied_once(service: Service, client: FlaskClient) -> None:
    """Eight draw 100 mg at once of 500 mg: five get it."""
    crowd, barrier = Crowd.at(service, client, 1), threading.Barrier(8)

    def draw(number: int) -> bool:
        body = crowd.clinic.draw("vial-0", CONTENT_MG // 5, 60 + number, visit="visit-vial-0")
        barrier.wait(60)
        return crowd.send(Fact("draw", 60 + number, "vial-0", CONTENT_MG * 200), body) is not None

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(draw, range(8))) == {True: 5, False: 3}
    crowd.require_serial()
    assert rebuild.check(service)[1] == []


def test_a_visit_is_not_finished_while_something_is_drawn_for_it(service: Service, client: FlaskClient) -> None:
    """Finishing and drawing exclude each other, whoever is first: no finished visit has an open draw."""
    rounds = 4
    crowd, barrier = Crowd.at(service, client, rounds), threading.Barrier(2)
    for vial in crowd.vials:
        prepare(crowd, vial)

    def draw(vial: str) -> bool:
        barrier.wait(60)
        return crowd.send(Fact("draw", 60, vial, 1000), crowd.clinic.draw(vial, 1, 60, visit=f"visit-{vial}")) is not None

    def finish(vial: str) -> bool:
        barrier.wait(60)
        return finished(service, crowd, vial)

    with ThreadPoolExecutor(2) as pool:
        for vial in crowd.vials:
            first, second = pool.submit(draw, vial), pool.submit(finish, vial)
            assert {first.result(), second.result()} == {True, False}, vial
