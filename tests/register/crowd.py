"""Many threads at the same vials, and whether what they were told could have been told to one after the other.

Every acknowledged record has its number in the book of its vial: in that order a plain model must allow it. What was refused must have been
wrong at some point between the state that the sender could have known of and the state that was there when the answer came.
"""

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from flask.testing import FlaskClient

from service.errors import Conflict, Overloaded, Unprocessable
from service.fhir.document import Document
from service.ledger.entry import Entry
from service.records.change import Create
from service.records.commit import commit
from service.records.context import Context, Service
from service.records.write import Committed
from service.storage import ledger
from tests.access import TESTS
from tests.register.model import Fact, Model
from tests.register.stock import Body, Clinic

PATIENCE_SECONDS = 600
CONTENT_MG = 500
_MG = 1000


@dataclass(frozen=True)
class Size:
    """How many threads, vials, and operations in all."""

    threads: int
    vials: int
    operations: int


@dataclass(frozen=True)
class Refused:
    """What was refused: the fact, and between how many and how many lines of the vial's book."""

    fact: Fact
    first: int
    last: int
    rules: frozenset[str | None]


@dataclass
class Crowd:
    """What is shared: the vials with their visits, the draws that are known, what was taken and refused."""

    service: Service
    clinic: Clinic
    vials: list[str]
    seed: int = 1
    draws: dict[str, list[tuple[str, float]]] = field(default_factory=lambda: defaultdict(list))
    taken: dict[str, Fact] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    refused: list[Refused] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def at(cls, service: Service, client: FlaskClient, vials: int) -> "Crowd":
        """A clinic with full vials, each with a visit of its own."""
        crowd = cls(service, Clinic.opened(client), [f"vial-{number}" for number in range(vials)])
        for vial in crowd.vials:
            crowd.clinic.add(vial, crowd.clinic.vial())
            crowd.clinic.add(f"receipt-{vial}", crowd.clinic.receipt(vial, CONTENT_MG))
            crowd.clinic.add(f"visit-{vial}", crowd.clinic._visit())
            crowd.taken[crowd.clinic.places[f"receipt-{vial}"]] = Fact("receive", 0, vial, CONTENT_MG * _MG)
            crowd.seen[vial] = 1
        return crowd

    def work(self, size: Size) -> None:
        """All operations, in as many threads."""
        with ThreadPoolExecutor(size.threads) as pool:
            shares = [size.operations // size.threads + (number < size.operations % size.threads) for number in range(size.threads)]
            list(pool.map(self._turns, range(size.threads), shares))

    def _turns(self, thread: int, turns: int) -> None:
        chance = random.Random(f"{self.seed}/{thread}")
        for turn in range(turns):
            vial = chance.choice(self.vials)
            minute = 10 + chance.randrange(1000) + thread / 100 + turn / 1_000_000
            fact, body = self._anything(chance, vial, minute)
            self.send(fact, body)

    def _anything(self, chance: random.Random, vial: str, minute: float) -> tuple[Fact, Body]:
        amount, clinic = chance.randint(1, 40), self.clinic
        with self.lock:
            known = list(self.draws[vial])
        kind = chance.choice(("draw", "draw", "draw", "waste", "waste", "give", "return", "adjust", "count"))
        if kind in ("waste", "give", "return") and known:
            draw, drawn_at = chance.choice(known)
            minute = max(minute, drawn_at + 0.01)
            if kind == "give":
                body = clinic.given(vial, [draw], amount, minute) | {"context": clinic.to(f"visit-{vial}")}
                return Fact(kind, minute + 2, vial, amount * _MG, draw), body
            more = clinic.of_draw(draw) | {"encounter": clinic.to(f"visit-{vial}")}
            return Fact(kind, minute, vial, amount * _MG, draw), clinic.entry(kind, vial, amount, minute, **more)
        if kind == "adjust":
            signed = amount * chance.choice((1, -1))
            return Fact(kind, minute, vial, signed * _MG), clinic.entry(kind, vial, signed, minute, note=[{"text": "Seen"}])
        if kind == "count":
            return Fact(kind, minute, vial, amount * _MG), clinic.entry(kind, vial, amount, minute)
        return Fact("draw", minute, vial, amount * _MG), clinic.draw(vial, amount, minute, visit=f"visit-{vial}")

    def send(self, fact: Fact, body: Body) -> str | None:
        """Commit a record; its `Type/id`, or None when it was refused."""
        with self.lock:
            first = self.seen[fact.vial]
        answer = patiently(lambda: commit(Context(self.service, TESTS), [Create(body["resourceType"], Document.of(body))])[0])
        last = self._entries(fact.vial)
        with self.lock:
            self.seen[fact.vial] = max(self.seen[fact.vial], last)
            if isinstance(answer, Unprocessable):
                self.refused.append(Refused(fact, first, last, frozenset(issue.rule for issue in answer.issues)))
                return None
            place = f"{body['resourceType']}/{answer.id}"
            self.taken[place] = fact
            if fact.kind == "draw":
                self.draws[fact.vial].append((place, fact.time))
            return place

    def _entries(self, vial: str) -> int:
        id = self.clinic.id(vial)
        with self.service.database.read() as tx:
            return ledger.vials(tx, [id])[id].entries

    def lines(self) -> dict[str, list[Entry]]:
        """The book of each vial."""
        ids = {self.clinic.id(vial): vial for vial in self.vials}
        with self.service.database.read() as tx:
            return {ids[id]: [Entry(*tuple(row)) for row in rows] for id, rows in ledger.of_vials(tx, ids).items()}

    def require_serial(self) -> None:
        """What was answered could have been answered to one after the other, vial by vial; and every answer is in its book."""
        told = 0
        for vial, lines in self.lines().items():
            model, open_ones = Model(), [one for one in self.refused if one.fact.vial == vial]
            for number, line in enumerate(lines):
                open_ones = list(_unexplained(model, open_ones, number))
                fact = self.taken[line.reference]
                assert (line.number, line.amount_ug) == (number + 1, abs(fact.amount)), (line, fact)
                assert model.allows(line.reference, fact), f"an overdraft: {fact} as line {line.number}"
                model.take(line.reference, fact)
                told += 1
            assert list(_unexplained(model, open_ones, len(lines))) == [], f"refused without a reason in {vial}"
        assert told == len(self.taken)


def _unexplained(model: Model, refused: list[Refused], number: int) -> Iterator[Refused]:
    """Those that were not wrong with so many lines, or not asked then."""
    for one in refused:
        if not one.first <= number <= one.last or model.allows("asked", one.fact):
            yield one


def patiently(work: Callable[[], Committed]) -> Committed | Unprocessable:
    """What it returned, or the refusal; who is told to come back does."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return work()
        except Unprocessable as refusal:
            return refusal
        except (Overloaded, Conflict):
            assert time.monotonic() < until, "nobody got through"
            time.sleep(0.01)
