"""What it costs to post a draw or a waste, against a plain administration: the same server, in turn, round by round.

A plain administration is of a drug that is no controlled substance. A draw and a waste are the same kind of request, but are judged by the
rules of the register and appended to the book of their vial. Vials are drawn from ten times, as in a clinic, each in a visit of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from statistics import median
from types import SimpleNamespace
from typing import Any

import requests

from benchmarks import processes, servers
from benchmarks.client import Peer, Request, drive, post
from benchmarks.servers import Running
from service.fhir.document import encode
from tests import access
from tests.register.stock import Body, Clinic

AIM = 1.5
_DRAWS_OF_A_VIAL = 10
_DRAWN_MG = 50
_PATIENCE_SECONDS = 600.0
_PLAIN = {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "26225"}]}


@dataclass(frozen=True, slots=True)
class Scale:
    """How many rounds, and requests of each kind in a round."""

    rounds: int = 9
    requests: int = 40


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one request, in milliseconds: as its sender waits for it (median), and of the processors (service and database)."""

    waited: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Compared:
    """A kind of record: its cost and that of a plain administration, by round."""

    name: str
    rounds: tuple[tuple[Cost, Cost], ...]

    def ratios(self, of: str) -> list[float]:
        """How many times as much, in every round, sorted; `of`: waited or cpu."""
        return sorted(getattr(own, of) / getattr(plain, of) for own, plain in self.rounds)


class _Remote:
    """What `Clinic` posts through: the server that is measured."""

    def __init__(self, running: Running, headers: dict[str, str]) -> None:
        self._session, self._base = requests.Session(), f"http://127.0.0.1:{running.peer.port}"
        self._session.headers.update(headers)

    def post(self, path: str, json: Body, headers: dict[str, str]) -> Any:
        answer = self._session.post(f"{self._base}{path}", data=encode(json).encode(), headers={**_JSON, **headers})
        return SimpleNamespace(status_code=answer.status_code, json=answer.json())


_JSON = {"Content-Type": "application/fhir+json"}


def compare(kind: str, scale: Scale) -> list[Compared]:
    """Measure on a database of `kind`, which is empty at first. Raises Wrong for an answer that is not 201."""
    with servers.store(kind) as store, servers.service(store) as running:
        base = f"http://127.0.0.1:{running.peer.port}/fhir"
        headers = access.bearer(access.token_on(store.url, base))
        running.peer = Peer(running.peer.port, f"Authorization: {headers['Authorization']}\r\n".encode())
        clinic = Clinic.opened(_Remote(running, headers))  # type: ignore[arg-type]
        wanted = scale.requests * (scale.rounds + 1)
        streams = {"plain": _plain(clinic), "draw": _draws(clinic, wanted), "waste": _wastes(clinic, wanted)}
        for stream in streams.values():
            _round(running, stream, scale.requests)
        found = [{name: _round(running, streams[name], scale.requests) for name in _order(number)} for number in range(scale.rounds)]
    return [Compared(name, tuple((one[name], one["plain"]) for one in found)) for name in ("draw", "waste")]


def _order(number: int) -> tuple[str, ...]:
    """Who comes first changes from round to round."""
    names = ("plain", "draw", "waste")
    return names[number % 3 :] + names[: number % 3]


def _round(running: Running, stream: Iterator[Request], count: int) -> Cost:
    groups = {name: root for name, root in running.groups().items() if name != "worker"}
    before = sum(processes.read(groups).groups.values())
    sample = drive(running.peer, islice(stream, count), 1, _PATIENCE_SECONDS)
    spent = sum(processes.read(groups).groups.values()) - before
    return Cost(median(sample.latencies) * 1000, spent / count * 1000)


def _request(body: Body) -> Request:
    return post(f"/fhir/{body['resourceType']}", encode(body).encode(), _created)


def _created(status: int, _body: bytes) -> str | None:
    return None if status == 201 else "not created"


def _plain(clinic: Clinic) -> Iterator[Request]:
    clinic.add("ondansetron", {"resourceType": "Medication", "code": _PLAIN, "status": "active"})
    while True:
        body = clinic.given("ondansetron", [], 4)
        yield _request({name: value for name, value in body.items() if name not in ("meta", "supportingInformation")})


def _vials(clinic: Clinic, name: str, draws: int) -> list[str]:
    """Full vials, each with a visit."""
    found = [f"{name}-{number}" for number in range(-(-draws // _DRAWS_OF_A_VIAL))]
    for vial in found:
        clinic.add(vial, clinic.vial())
        clinic.add(f"receipt-{vial}", clinic.receipt(vial))
        clinic.add(f"visit-{vial}", clinic._visit())
    return [vial for vial in found for _ in range(_DRAWS_OF_A_VIAL)]


def _draws(clinic: Clinic, wanted: int) -> Iterator[Request]:
    vials = _vials(clinic, "drawn", wanted)
    return (_request(clinic.draw(vial, _DRAWN_MG, 60, visit=f"visit-{vial}")) for vial in vials)


def _wastes(clinic: Clinic, wanted: int) -> Iterator[Request]:
    """Of draws that are there before."""
    vials = _vials(clinic, "wasted", wanted)
    for number, vial in enumerate(vials):
        clinic.add(f"draw-{number}", clinic.draw(vial, _DRAWN_MG, 60, visit=f"visit-{vial}"))
    return (_request(_waste(clinic, number, vial)) for number, vial in enumerate(vials))


def _waste(clinic: Clinic, number: int, vial: str) -> Body:
    visit = {"encounter": clinic.to(f"visit-{vial}")}
    return clinic.entry("waste", vial, _DRAWN_MG, 80, **clinic.of_draw(f"draw-{number}") | visit)
