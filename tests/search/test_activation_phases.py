"""The order of the steps in which parameters come and go, tried at the moments at which a wrong order would lose resources."""

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from service.errors import BadRequest
from service.records import commit as commits
from service.records.commit import commit
from service.records.context import Service
from service.search import adoption, registries
from service.search import reindex as rebuilding
from service.search.reindex import reindex
from service.storage.database import Database
from service.storage.tables.parameters import generation, listed
from tests.records.samples import delete, observation, update
from tests.search.releases import Release, released, search_parameter

NOTE = search_parameter("Observation", "annotated", "Observation.note.text", "string")
CALM = ("annotated", "calm")
_SLOW = "slow writer"


@pytest.fixture
def process(service: Service, tmp_path: Path) -> Callable[[], Release]:
    """Makes processes of one release on one database."""
    folders = (tmp_path / str(number) for number in range(20))
    return lambda: released(service, next(folders), ())


def _noted(text: str = "calm") -> dict[str, Any]:
    return observation(note=[{"text": text}])


class _Paused:
    """A write in a thread of its own that stops in the middle until it may go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, process: Release) -> None:
        self.opened, self.may_go_on = threading.Event(), threading.Event()
        self.id = ""
        append = commits.versions.append

        def stopping(*call: Any) -> None:
            if threading.current_thread().name == _SLOW:
                self.opened.set()
                self.may_go_on.wait(20)
            append(*call)

        monkeypatch.setattr(commits.versions, "append", stopping)
        self._thread = threading.Thread(target=self._write, args=(process,), name=_SLOW)

    def start(self) -> None:
        """Returns when the write is in the middle."""
        self._thread.start()
        assert self.opened.wait(20)

    def finish(self) -> None:
        """Let it go on to its end."""
        self.may_go_on.set()
        self._thread.join(30)

    def _write(self, process: Release) -> None:
        (done,) = process.create(_noted())
        self.id = str(done.id)


def test_a_write_that_opened_before_the_parameter_was_taken_up_is_not_lost(
    process: Callable[[], Release], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = process(), process()
    one.create(NOTE)
    other.create(_noted())
    paused, settling = _Paused(monkeypatch, other), threading.Event()
    settled = Database.settled
    monkeypatch.setattr(Database, "settled", lambda self: (settling.set(), settled(self))[1])
    paused.start()
    rebuilding = threading.Thread(target=one.reindex)
    rebuilding.start()
    settling.wait(1)
    paused.finish()
    rebuilding.join(60)
    assert paused.id in one.found("Observation", CALM)
    assert len(one.found("Observation", CALM)) == 2


def test_without_the_wait_that_write_would_be_lost(
    process: Callable[[], Release], monkeypatch: pytest.MonkeyPatch, service: Service
) -> None:
    if service.database.dialect == "sqlite":
        pytest.skip("a write waits for the one before it")
    one, other = process(), process()
    one.create(NOTE)
    other.create(_noted())
    paused = _Paused(monkeypatch, other)
    monkeypatch.setattr(Database, "settled", lambda _: None)
    paused.start()
    one.reindex()
    paused.finish()
    assert paused.id not in one.found("Observation", CALM)


def test_who_has_not_heard_that_a_parameter_retires_still_finds_everything(
    process: Callable[[], Release], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, unaware = process(), process()
    (posted,) = one.create(NOTE)
    one.create(_noted())
    one.reindex()
    assert len(unaware.found("Observation", CALM)) == 1
    monkeypatch.setattr(registries, "SECONDS", 1e9)
    commit(one.ctx, [delete(f"SearchParameter/{posted.id}")])
    answers = []

    def grace(_seconds: float) -> None:
        one.create(_noted())
        answers.append(len(unaware.found_unaware("Observation", CALM)))

    monkeypatch.setattr(adoption.time, "sleep", grace)
    one.reindex()
    assert answers == [2]
    with pytest.raises(BadRequest):
        unaware.found("Observation", CALM)


def test_an_interrupted_reindex_goes_on_where_it_stopped(process: Callable[[], Release]) -> None:
    one = process()
    one.create(NOTE)
    ids = sorted(str(done.id) for done in one.create(*(_noted() for _ in range(205))))
    adoption.prepare(one.registries)
    next(reindex(one.registries, "Observation"))
    assert "infusion-records reindex" in one.refused("Observation", CALM)
    (later,) = one.create(_noted())
    (rest,) = reindex(one.registries, "Observation")
    assert rest.done == 6
    assert one.found("Observation", CALM) == sorted([*ids, str(later.id)])


@pytest.mark.parametrize("step", ["_take_up", "_dropped", "_step"])
def test_what_stops_between_two_steps_is_finished_by_the_next_run(
    process: Callable[[], Release], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    one, other = process(), process()
    (gone,) = one.create(NOTE)
    (changed,) = one.create({**NOTE, "code": "device-name", "url": "http://x/device-name", "expression": "Observation.device.display"})
    one.create({**_noted(), "device": {"display": "pump"}})
    one.reindex()
    commit(one.ctx, [delete(f"SearchParameter/{gone.id}")])
    commit(one.ctx, [update({**NOTE, "id": changed.id, "code": "device-name", "url": "http://x/device-name"})])
    with monkeypatch.context() as patched:
        patched.setattr(rebuilding if step == "_step" else adoption, step, lambda *_, **__: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            one.reindex()
    one.registries.expire()
    other.create({**_noted(), "device": {"display": "pump"}})
    if step != "_dropped":
        assert "infusion-records reindex" in other.refused("Observation", ("device-name", "calm"))
    other.reindex()
    assert len(one.found("Observation", ("device-name", "calm"))) == 2
    assert one.found("Observation", ("device-name", "pump")) == []
    assert "no search parameter" in one.refused("Observation", CALM)
    assert one.registries.current().awaited() == {}


def test_searches_while_parameters_come_and_go_are_whole_or_refused(process: Callable[[], Release]) -> None:
    one = process()
    stop, written, faults = threading.Event(), list[str](), list[str]()

    def write(mine: Release, seed: int) -> None:
        chosen = random.Random(seed)
        while not stop.is_set():
            tree = _noted()
            (done,) = mine.create(tree)
            if chosen.random() < 0.3:
                commit(mine.ctx, [update({**tree, "id": done.id, "status": "amended"})])
            written.append(str(done.id))
            time.sleep(0.03)

    def search(mine: Release) -> None:
        while not stop.is_set():
            before = len(written)
            with suppress(BadRequest):
                answered = mine.count("Observation", CALM)
                if answered < before:
                    faults.append(f"{answered} of {before}")

    threads = [
        *(threading.Thread(target=write, args=(process(), seed)) for seed in (1, 2)),
        threading.Thread(target=search, args=(process(),)),
    ]
    for thread in threads:
        thread.start()
    try:
        while not written:
            time.sleep(0.01)
        for _ in range(2):
            (posted,) = one.create(NOTE)
            one.reindex()
            assert one.found("Observation", CALM)
            commit(one.ctx, [delete(f"SearchParameter/{posted.id}")])
            one.registries.grace_seconds = registries.SECONDS * 2
            one.reindex()
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert faults == []
    assert written


def test_processes_that_start_together_agree(service: Service, tmp_path: Path) -> None:
    first = released(service, tmp_path / "0", (NOTE,))
    with service.database.write() as tx:
        for table in (listed, generation):
            tx.connection.execute(table.delete())
    ready, made = threading.Barrier(4), list[registries.Registries]()

    def start() -> None:
        one = registries.Registries(service.database, first.registries.current().defined, grace_seconds=0)
        ready.wait(20)
        one.start()
        made.append(one)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [one.current().awaited() for one in made] == [{}] * 4
