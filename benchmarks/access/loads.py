"""What is asked of both sides: the questions and writes of the first benchmark, and shapes of the benchmark of searches, over HTTP."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from urllib.parse import quote, urlencode

from benchmarks.client import Check, Peer, Request, Wrong, get, once
from benchmarks.questions import Question, all_questions
from benchmarks.search.asking import Ask, understood
from benchmarks.search.shapes import ALL
from benchmarks.search.world import World
from benchmarks.writes import Work, all_works
from service.rest.exchange import FhirResponse

READ, SEARCH, WRITE = "read", "search", "write"
AIMS = {READ: 2.0, SEARCH: 1.35, WRITE: 1.35}
"""How many times as long a request may take with authentication, restriction and audit, on PostgreSQL."""

_READ_BY_ID = "read by id"
_SHAPES = (
    *("patient-by-mrn", "pull-since", "everything-of-patient", "latest-of-code", "lastn", "high-pressures-of-patient", "doses-of-lot"),
    *("visits-of-season-having-event", "encounters-with-observations", "newest-of-code", "count-of-patient"),
)
_WRITERS = 8
_CLIENTS = 16
_DRAWS = 40
_ENTRY = b'"fullUrl":'


@dataclass(frozen=True, slots=True)
class Load:
    """One kind of request: READ, SEARCH or WRITE; how many connections send it; the requests without end."""

    name: str
    kind: str
    clients: int
    requests: Callable[[], Iterator[Request]]


def questions(base: str, visits: int) -> list[Load]:
    """A read, searches and writes, in a clinic of `visits` visits."""
    asked = [_asked(one) for one in all_questions(base, visits)]
    return [*asked, *(_written(work) for work in all_works(base, visits) if work.resources > 1 or work.clients == _WRITERS)]


def shapes(base: str, peer: Peer, world: World) -> list[Load]:
    """Searches of the three users and of every kind. Each answer is checked here, whole; later it must only have as many entries."""
    by_name = {shape.name: shape for shape in ALL}
    found = []
    for name in _SHAPES:
        shape = by_name[name]
        requests = [_checked(base, peer, shape.make(world, draw)) for draw in range(1 if shape.same else _DRAWS)]
        found.append(Load(name, SEARCH, _CLIENTS, lambda requests=requests: cycle(requests)))
    return found


def _asked(question: Question) -> Load:
    return Load(question.name, READ if question.name == _READ_BY_ID else SEARCH, question.clients, question.requests)


def _written(work: Work) -> Load:
    return Load(work.name if work.resources == 1 else f"{work.name}, {work.resources} entries", WRITE, work.clients, work.requests)


def _checked(base: str, peer: Peer, ask: Ask) -> Request:
    path = "/".join((base, *(quote(part, safe="$") for part in ask.path)))
    asked = get(f"{path}?{urlencode(ask.query)}" if ask.query else path, _unchecked)
    status, body, _ = once(peer, asked)
    problem = ask.check(understood(FhirResponse(status, body.decode()))) if status == 200 else body.decode()[:500]
    if problem:
        raise Wrong(f"{ask.text}: {status} {problem}")
    return Request(asked.payload, _of(body.count(_ENTRY)))


def _unchecked(_status: int, _body: bytes) -> None:
    return None


def _of(entries: int) -> Check:
    """A check that an answer has so many entries."""

    def check(status: int, body: bytes) -> str | None:
        return None if status == 200 and body.count(_ENTRY) == entries else f"not the {entries} entries of before"

    return check
