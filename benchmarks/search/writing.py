"""How fast new resources go in while the record is as large as it is: single creates and batches, one client, every commit durable.

What is written belongs to the last days, as what a clinic writes does. It is taken out again, so that a database that is kept stays what
it was.
"""

import time
from dataclasses import replace

import msgspec
from sqlalchemy import text

from benchmarks.search.asking import granted
from benchmarks.search.dataset import charts, readings
from benchmarks.search.dataset.elements import Json
from benchmarks.search.dataset.people import subject_of
from benchmarks.search.loading.rows import NAMES
from benchmarks.search.world import World
from service.records.context import Context, Service
from service.rest.dispatch import dispatch
from service.rest.exchange import FHIR_JSON, FhirRequest

BATCH = 100
_LATEST = 200
_WARM_UP_SECONDS = 0.5
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_HEADERS = {"content-type": FHIR_JSON, "accept": FHIR_JSON}


def rates(service: Service, world: World, seconds: float) -> tuple[float, float]:
    """Resources created a second: one at a time, and in batches of a hundred."""
    first = _highest(service)
    try:
        _rate(service, world, min(seconds, _WARM_UP_SECONDS), BATCH)
        return _rate(service, world, seconds, 1), _rate(service, world, seconds, BATCH)
    finally:
        _taken_out(service, first)


def _rate(service: Service, world: World, seconds: float, size: int) -> float:
    bodies = [_body(world, number, size) for number in range(40)]
    written = 0
    started = time.perf_counter()
    while (took := time.perf_counter() - started) < seconds or not written:
        path = ("Observation",) if size == 1 else ()
        answer = dispatch(
            Context(service, granted(service)), FhirRequest("POST", path, (), _HEADERS, bodies[written // size % len(bodies)])
        )
        made = answer.status == 201 if size == 1 else str(answer.body).count('"status":"201') == size
        if not made:
            raise RuntimeError(f"a write was answered {answer.status}: {str(answer.body)[:500]}")
        written += size
    return written / took


def _body(world: World, draw: int, size: int) -> bytes:
    if size == 1:
        return _ENCODER.encode(_observation(world, draw))
    entries = [
        {"resource": _observation(world, draw * size + turn), "request": {"method": "POST", "url": "Observation"}} for turn in range(size)
    ]
    return _ENCODER.encode({"resourceType": "Bundle", "type": "batch", "entry": entries})


def _observation(world: World, draw: int) -> Json:
    visits = world.clinic.visits[-_LATEST:]
    visit = visits[draw % len(visits)]
    reading = replace(readings.reading(visit, draw % readings.OF_A_VISIT), at=visit.start + draw % 5400)
    made = charts.observation(visit, subject_of(visit), reading)
    return {name: value for name, value in made.items() if name not in ("id", "identifier")}


def _highest(service: Service) -> int:
    with service.database.read() as tx:
        return int(tx.connection.execute(text("SELECT max(res_id) FROM resource")).scalar_one())


def _taken_out(service: Service, first: int) -> None:
    """Remove what has a higher res_id. The triggers that keep versions are off meanwhile."""
    database = service.database
    with database.engine.connect().execution_options(infusion_write=True) as connection, connection.begin():
        triggers = []
        if database.dialect == "postgresql":
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            connection.execute(text("SELECT setval('resource_res_id_seq', :last)"), {"last": first})
        else:
            triggers = list(connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")))
        for name, _ in triggers:
            connection.execute(text(f"DROP TRIGGER {name}"))
        for name in reversed(NAMES):
            connection.execute(text(f"DELETE FROM {name} WHERE res_id > :first"), {"first": first})
        for _, statement in triggers:
            connection.exec_driver_sql(statement)
    database.refresh_statistics()
