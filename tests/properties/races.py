"""Races: each lets threads write at once and then asserts what must be so.

A thread that is told to come back (503) does, as a client would; any other refusal is part of the result.
"""

import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select

from service import wiring
from service.clock import to_text
from service.errors import Conflict, Overloaded, PreconditionFailed, ServiceError, Unprocessable
from service.records import read
from service.records.change import Change
from service.records.commit import commit, commit_once
from service.records.context import Context, Service
from service.records.read import HistoryQuery
from service.records.receipt import Answer, Receipt
from service.search.execute import matching
from service.search.parse import Options, parse
from service.search.sight import UNLIMITED
from service.storage.tables.resources import resource, version
from tests.access import TESTS
from tests.records.samples import address, condition, create, delete, document, observation, one, patch, patient, update

PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Size:
    """How many threads race, and over how many keys."""

    threads: int
    keys: int


def together(size: Size, work: Callable[[int, int], object]) -> list[object]:
    """What `work(thread, key)` returned or raised, for every thread and key; for each key all threads begin at once."""
    barrier, results, lock = threading.Barrier(size.threads), [], threading.Lock()

    def run(thread: int) -> None:
        for key in range(size.keys):
            barrier.wait(PATIENCE_SECONDS)
            found = _patiently(work, thread, key)
            with lock:
                results.append(found)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(size.threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == size.threads * size.keys
    return results


def _patiently(work: Callable[[int, int], object], thread: int, key: int) -> object:
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return work(thread, key)
        except Overloaded as error:
            if time.monotonic() > until:
                return error
            time.sleep(random.random() / 20)
        except Exception as error:  # noqa: BLE001 - whatever it is, the race judges it
            return error


def _outcomes(results: Sequence[object]) -> Counter[str]:
    return Counter(getattr(found, "outcome", None) or type(found).__name__ for found in results)


def _found(service: Service, type: str, query: str) -> int:
    pairs = [tuple(pair.split("=", 1)) for pair in query.split("&")]
    with service.database.read() as tx:
        return len(matching(tx, service.registry, parse(service.registry, type, pairs, Options()), 1000, UNLIMITED))


def require_dense(service: Service) -> None:
    """Of every resource: versions 1 to n without a gap, instants that grow with them, and the current row is the last version."""
    history: dict[int, list[tuple[int, int, str | None]]] = defaultdict(list)
    with service.database.read() as tx:
        for row in tx.connection.execute(select(version).order_by(version.c.res_id, version.c.version)):
            history[row.res_id].append((row.version, row.last_updated, row.body))
        current = {row.res_id: row for row in tx.connection.execute(select(resource))}
    assert set(current) == set(history)
    for res_id, versions in history.items():
        assert [number for number, _, _ in versions] == list(range(1, len(versions) + 1))
        stamps = [stamp for _, stamp, _ in versions]
        assert stamps == sorted(set(stamps))
        for number, stamp, body in versions:
            assert body is None or f'"versionId":"{number}"' in body
            assert body is None or f'"lastUpdated":"{to_text(stamp)}"' in body
        row = current[res_id]
        assert (row.version, row.last_updated, row.deleted) == (len(versions), stamps[-1], versions[-1][2] is None)


def same_if_none_exist_makes_one(service: Service, size: Size) -> None:
    ctx = Context(service, TESTS)
    results = together(size, lambda _, key: one(ctx, create(patient(f"{key}"), condition(f"{key}"))))
    assert _outcomes(results) == {"created": size.keys, "existing": size.keys * (size.threads - 1)}
    assert read.history(ctx, HistoryQuery()).total == size.keys


def same_conditional_update_makes_one(service: Service, size: Size) -> None:
    ctx = Context(service, TESTS)

    def put(thread: int, key: int) -> object:
        return one(ctx, update(patient(f"{key}", name=[{"family": f"Writer {thread}"}]), where=condition(f"{key}")))

    results = together(size, put)
    assert _outcomes(results) == {"created": size.keys, "updated": size.keys * (size.threads - 1)}
    assert {_found(service, "Patient", condition(f"{key}")) for key in range(size.keys)} == {1}


def create_and_update_under_one_condition_make_one(service: Service, size: Size) -> None:
    ctx = Context(service, TESTS)

    def write(thread: int, key: int) -> object:
        if thread % 2:
            return one(ctx, create(patient(f"{key}"), condition(f"{key}")))
        return commit(
            ctx, [create(observation(f"Patient?{condition(f'{key}')}")), update(patient(f"{key}", active=True), where=condition(f"{key}"))]
        )[1]

    results = together(size, write)
    assert set(_outcomes(results)) <= {"created", "updated", "unchanged", "existing"}
    assert _outcomes(results)["created"] == size.keys


def one_etag_lets_one_through(service: Service, size: Size) -> None:
    ctx = Context(service, TESTS)
    for key in range(size.keys):
        one(ctx, update(patient(id=f"p{key}")))

    def write(thread: int, key: int) -> object:
        kinds: list[Change] = [
            update(patient(id=f"p{key}", name=[{"family": f"Writer {thread}"}]), if_match=1),
            patch(f"Patient/p{key}", {"op": "add", "path": "/birthDate", "value": f"19{thread:02}"}, if_match=1),
        ]
        return one(ctx, kinds[thread % 2])

    results = together(size, write)
    assert _outcomes(results) == {"updated": size.keys, "PreconditionFailed": size.keys * (size.threads - 1)}
    for key in range(size.keys):
        assert read.read(ctx, "Patient", f"p{key}").version == 2


def updates_without_an_etag_all_happen_one_after_the_other(service: Service, size: Size) -> None:
    ctx = Context(service, TESTS)
    results = together(size, lambda thread, key: one(ctx, update(patient(id=f"p{key}", name=[{"family": f"Writer {thread}"}]))))
    assert _outcomes(results) == {"created": size.keys, "updated": size.keys * (size.threads - 1)}
    for key in range(size.keys):
        found = read.history(ctx, HistoryQuery("Patient", f"p{key}", count=1000))
        assert len({text for row in found.versions if (text := row.text)}) == size.threads


def patches_lose_nothing(service: Service, size: Size) -> None:
    """Every thread adds its own identifier by a patch; all are there at the end."""
    ctx = Context(service, TESTS)
    for key in range(size.keys):
        one(ctx, update(patient("0", id=f"p{key}")))

    def write(thread: int, key: int) -> object:
        return one(ctx, patch(f"Patient/p{key}", {"op": "add", "path": "/identifier/-", "value": {"value": f"{thread}"}}))

    assert _outcomes(together(size, write)) == {"updated": size.keys * size.threads}
    for key in range(size.keys):
        text = read.read(ctx, "Patient", f"p{key}").text
        assert text is not None
        found = {item["value"] for item in document(text).tree["identifier"]}
        assert found >= {f"{thread}" for thread in range(size.threads)}


def a_deletion_and_references_exclude_each_other(service: Service, size: Size) -> None:
    """Afterwards nothing refers to what is deleted, whichever came first."""
    ctx = Context(service, TESTS)
    for key in range(size.keys):
        one(ctx, update(patient(id=f"p{key}")))

    def write(thread: int, key: int) -> object:
        return one(ctx, delete(f"Patient/p{key}") if thread == 0 else create(observation(f"Patient/p{key}")))

    results = together(size, write)
    assert set(_outcomes(results)) <= {"deleted", "created", "Conflict", "Unprocessable"}
    for key in range(size.keys):
        with service.database.read() as tx:
            gone = tx.connection.scalar(select(resource.c.deleted).where(resource.c.fhir_id == f"p{key}"))
        referring = _found(service, "Observation", f"subject=Patient/p{key}")
        assert not (gone and referring), f"Patient/p{key} is deleted, {referring} refer to it"


def crossing_transactions_end_cleanly(service: Service, size: Size) -> None:
    """Transactions that touch the same resources in opposite orders, refer to each other's and delete: done or refused, never broken."""
    ctx = Context(service, TESTS)
    for key in range(size.keys):
        commit(ctx, [update(patient(id=f"a{key}")), update(patient(id=f"b{key}"))])

    def write(thread: int, key: int) -> object:
        a, b = f"a{key}", f"b{key}"
        if thread % 2:
            a, b = b, a
        name = [{"family": f"Writer {thread}"}]
        if thread % 8 < 4:
            return commit(ctx, [update(patient(id=a, name=name)), update(patient(id=b, name=name))])
        if thread % 8 < 6:
            return commit(
                ctx, [update(patient(id=a, name=name)), create(observation(f"Patient/{b}")), create(patient("x"), condition(f"{a}"))]
            )
        return commit(ctx, [delete(f"Patient/{a}"), create(observation(f"Patient/{b}"))])

    for found in together(size, write):
        assert isinstance(found, list | Conflict | Unprocessable | PreconditionFailed), repr(found)
    assert not isinstance(read.history(ctx, HistoryQuery()), ServiceError)


def one_idempotency_key_writes_once(service: Service, size: Size) -> None:
    ctx = Context(service, TESTS)

    def conclude(_ctx: Context, committed) -> Answer:
        return Answer(201, {}, address(committed[0]))

    def send(_thread: int, key: int) -> object:
        return commit_once(ctx, [create(patient(f"{key}"))], Receipt("c", "r", f"{key}", "h", conclude))

    results = together(size, send)
    assert {type(found) for found in results} == {Answer}
    assert len({found.body for found in results}) == size.keys
    assert read.history(ctx, HistoryQuery()).total == size.keys


def a_new_id_is_made_once(service: Service, size: Size) -> None:
    ctx = Context(service, TESTS)
    results = together(
        size, lambda thread, key: one(ctx, update(patient(id=f"p{key}", name=[{"family": f"{thread}"}]), if_none_match=True))
    )
    assert _outcomes(results) == {"created": size.keys, "PreconditionFailed": size.keys * (size.threads - 1)}


def two_processes_share_the_work(service: Service, size: Size) -> None:
    """Two sets of connections, as two worker processes have them; on SQLite they meet at the file's own lock."""
    other = replace(service, database=wiring.database(service.settings))
    contexts = [Context(service, TESTS), Context(other, TESTS)]
    try:
        results = together(size, lambda thread, key: one(contexts[thread % 2], create(patient(f"{key}"), condition(f"{key}"))))
    finally:
        other.database.dispose()
    assert _outcomes(results) == {"created": size.keys, "existing": size.keys * (size.threads - 1)}


RACES = (
    same_if_none_exist_makes_one,
    same_conditional_update_makes_one,
    create_and_update_under_one_condition_make_one,
    one_etag_lets_one_through,
    updates_without_an_etag_all_happen_one_after_the_other,
    patches_lose_nothing,
    a_deletion_and_references_exclude_each_other,
    crossing_transactions_end_cleanly,
    one_idempotency_key_writes_once,
    a_new_id_is_made_once,
    two_processes_share_the_work,
)
