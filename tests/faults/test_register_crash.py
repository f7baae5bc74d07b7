"""Killed in the middle of a stream of posts: nothing that was acknowledged is lost, nothing is there twice, and the books hold."""

import os
import signal
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from service.ledger.book import chained
from service.ledger.entry import Entry
from service.records.context import Service
from service.records.register import rebuild
from service.storage import ledger
from tests.databases import KINDS, Databases
from tests.faults.checker import require_sound
from tests.faults.target import Target, await_true
from tests.register.stock import SIDS, Body, Clinic
from tests.server import Live, running
from tests.services import on_database

VIALS, THREADS = 3, 6


class Remote:
    """What `Clinic` posts through: a running service."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def post(self, path: str, json: Body, headers: dict[str, str]) -> Any:
        answer = self._live.send("POST", path.removeprefix("/fhir"), headers, json=json)
        return SimpleNamespace(status_code=answer.status_code, json=answer.json() if answer.content else {})


@dataclass
class Stream:
    """Threads that post one record after the other; who gets no answer sends the same again, under the same number (CS-33)."""

    clinic: Clinic
    numbers: list[str] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)
    again: int = 0
    unexpected: list[Any] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def begin(self) -> list[threading.Thread]:
        threads = [threading.Thread(target=self._work, args=(number,)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        return threads

    def _work(self, thread: int) -> None:
        turn = 0
        while not self.stopped.is_set():
            turn += 1
            body = self._body(f"vial-{(thread + turn) % VIALS}", 60 + turn + thread / 10)
            number = body["identifier"][0]["value"]
            self.numbers.append(number)
            self._until_answered(number, body)

    def _body(self, vial: str, minute: float) -> Body:
        if int(minute) % 3:
            return self.clinic.draw(vial, 1, minute)
        return self.clinic.entry("waste", vial, 1, minute)

    def _until_answered(self, number: str, body: Body) -> None:
        sent = 0
        while True:
            sent += 1
            try:
                answer = self.clinic.post(body)
            except requests.RequestException:
                self.stopped.wait(0.02)
                continue
            if answer.status_code == 201 or (sent > 1 and answer.status_code == 422 and "cs-33" in str(answer.json)):
                self.again += answer.status_code == 422
                self.acknowledged.add(number)
                return
            if answer.status_code != 503:
                self.unexpected.append(answer.json)
                return
            self.stopped.wait(0.02)


def kill(pids: set[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rounds", [2, pytest.param(20, marks=pytest.mark.nightly)])
def test_kill_9(databases: Databases, parts: Service, tmp_path: Path, kind: str, rounds: int) -> None:
    with databases.fresh(kind) as url:
        with running(tmp_path, url, "--workers", "2") as live:
            target, stream = Target(live), Stream(Clinic.opened(Remote(live)))
            for number in range(VIALS):
                stream.clinic.add(f"vial-{number}", stream.clinic.vial())
                stream.clinic.add(f"receipt-{number}", stream.clinic.receipt(f"vial-{number}"))
            threads = stream.begin()
            for _ in range(rounds):
                before, done = target.workers(), len(stream.acknowledged)
                await_true(lambda done=done: len(stream.acknowledged) > done + 10)
                kill(before)
                await_true(lambda before=before: len(target.workers() - before) == 2)
            done = len(stream.acknowledged)
            await_true(lambda: len(stream.acknowledged) > done + 10)
            stream.stopped.set()
            for thread in threads:
                thread.join()
        assert stream.unexpected == []
        assert stream.acknowledged == set(stream.numbers)
        for service in on_database(parts, url):
            require_once(service, stream)
            require_sound(service)


def require_once(service: Service, stream: Stream) -> None:
    """One line for each number and each receipt, chained; the vials hold what is left; the record yields the same."""
    with service.database.read() as tx:
        lines = [Entry(*tuple(row)) for row in ledger.lines(tx, ledger.Asked())]
        held = sum(vial.remaining_ug for vial in ledger.known(tx))
        names = {value for _, value in ledger.claimed(tx, [(f"{SIDS}cs-ledger", number) for number in stream.numbers])}
    assert names == set(stream.numbers)
    assert len(lines) == len(stream.numbers) + VIALS
    assert len({line.source for line in lines}) == len(lines)
    assert held == VIALS * 500_000 - len(stream.numbers) * 1000
    books = [sorted((line for line in lines if line.vial == vial), key=lambda line: line.number) for vial in {line.vial for line in lines}]
    assert len(books) == VIALS
    assert all(chained(book) for book in books)
    assert rebuild.check(service)[1] == []
