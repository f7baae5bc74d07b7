"""Random worlds, random callers, random questions: the service tells exactly what a list in memory says that it may.

A world is stored once and asked by many callers; the nightly run asks 50,000 questions.
"""

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

import pytest

from service.errors import Forbidden, Gone, NotFound, ServiceError
from service.fhir.document import Document
from service.records import find as finding
from service.records import read as reading
from service.records.change import Delete, Update
from service.records.commit import commit
from service.records.context import Context, Service
from service.records.read import HistoryQuery
from service.security.caller import Caller
from service.security.grant import Grant
from tests.access import TESTS
from tests.leaks.oracle import Asker, History, Said, Scope, answer, drawn_asker, drawn_question, drawn_world
from tests.leaks.world import CATEGORY

_TIMED = {"effectiveDateTime": "2026-01-01T10:00:00Z"}
_QUANTITY = {"value": 1, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"}
_FIXED: dict[str, dict[str, Any]] = {
    "Patient": {},
    "Practitioner": {},
    "Device": {},
    "Observation": {"status": "final", "code": {"text": "x"}, **_TIMED, "valueQuantity": _QUANTITY},
    "Encounter": {"status": "finished", "class": {"code": "AMB"}},
    "MedicationAdministration": {"status": "completed", "medicationCodeableConcept": {"text": "k"}, **_TIMED},
    "Provenance": {"recorded": "2026-01-01T10:00:00Z", "agent": [{"who": {"display": "somebody"}}]},
}
_MANY = frozenset({"focus", "performer", "target"})


def _document(one: History, said: Said) -> Document:
    tree: dict[str, Any] = {"resourceType": one.type, "id": one.id, **_FIXED[one.type]}
    if one.type == "Patient":
        tree["name"] = [{"family": said.family}]
    if said.category:
        tree["category"] = [{"coding": [{"system": CATEGORY, "code": said.category}]}]
    for element, target in said.references:
        if element in _MANY:
            tree.setdefault(element, []).append({"reference": target})
        else:
            tree[element] = {"reference": target}
    return Document.of(tree)


def _store(service: Service, world: Sequence[History]) -> None:
    """Each round of versions in the order of the world, whose references lead backwards."""
    ctx = Context(service, TESTS)
    for number in range(max(len(one.versions) for one in world)):
        for one in world:
            if number < len(one.versions):
                said = one.versions[number]
                commit(ctx, [Delete(one.type, one.id) if said is None else Update(one.type, one.id, _document(one, said))])


def _written(scope: Scope) -> str:
    condition = f"?category={CATEGORY}|{scope.category}" if scope.category else ""
    return f"{scope.context}/{scope.type}.{scope.letters}{condition}"


def _context(service: Service, asker: Asker) -> Context:
    grant = Grant.of(service.identity.grammar.scopes(" ".join(dict.fromkeys(map(_written, asker.scopes)))))
    return Context(service, Caller("somebody", grant, patients=(asker.patient,) if asker.patient else ()))


def _search(ctx: Context, world: Sequence[History], asker: Asker, random: Random, turn: str) -> str:
    question = drawn_question(random, world)
    ids = "" if question.ids else ",".join(one.id for one in world if one.type == question.type) or "none"
    pairs = [*question.query, *([("_id", ids)] if ids and not question.ids else []), ("_total", "accurate"), ("_count", "200")]
    told = answer(world, asker, question)
    try:
        _, page = finding.find(ctx, question.type, pairs, lenient=False)
    except Forbidden:
        assert told is None, (asker, question)
        return "refused"
    assert told is not None, (asker, question)
    assert frozenset(f"{one.type}/{one.id}" for one in page.matches) == told.matches, (asker, question)
    assert frozenset(f"{one.type}/{one.id}" for one in page.included) == told.included, (asker, question)
    assert page.total == len(told.matches), (asker, question)
    return "found" if told.matches else "nothing"


def _read(ctx: Context, world: Sequence[History], asker: Asker, random: Random, _: str) -> str:
    one = random.choice(list(world))
    number = random.randint(0, len(one.versions))
    if not asker.has("r", one.type):
        wanted: type[ServiceError] | None = Forbidden
    elif number == 0:
        is_seen = asker.sees_version("r", one, one.last, world)
        wanted = NotFound if not is_seen else Gone if one.now is None else None
    else:
        is_seen = asker.sees_version("r", one, one.versions[number - 1], world)
        wanted = NotFound if not is_seen else Gone if one.versions[number - 1] is None else None
    told = _told(lambda: reading.vread(ctx, one.type, one.id, number) if number else reading.read(ctx, one.type, one.id))
    assert told is wanted, (asker, one, number)
    return "refused" if told else "found"


def _told(ask: Callable[[], Any]) -> type[ServiceError] | None:
    """The error that a question ends in."""
    try:
        ask()
    except ServiceError as error:
        return type(error)
    return None


def _history(ctx: Context, world: Sequence[History], asker: Asker, random: Random, turn: str) -> str:
    one = random.choice(list(world))
    letter, query = random.choice((("r", HistoryQuery(one.type, one.id)), ("s", HistoryQuery(one.type, count=10_000))))
    of_one = [one] if query.id else [other for other in world if other.type == one.type]
    mine = {
        (other.address, number)
        for other in of_one
        for number, said in enumerate(other.versions, 1)
        if asker.sees_version(letter, other, said, world)
    }
    try:
        page = reading.history(ctx, query)
    except Forbidden:
        assert not asker.has(letter, one.type), (asker, one)
        return "refused"
    except NotFound:
        assert not mine, (asker, one)
        return "nothing"
    shown = {(f"{version.type}/{version.id}", version.version) for version in page.versions if version.id.endswith(turn)}
    assert shown == mine, (asker, one)
    return "found" if mine else "nothing"


ASKS = (_search, _search, _search, _read, _history)


def _compare(service: Service, seed: int, askers: int, questions: int) -> Iterator[str]:
    """What became of each question put to one random world."""
    random, turn = Random(seed), f"-{seed}"
    world = drawn_world(random, turn)
    _store(service, world)
    for _ in range(askers):
        asker = drawn_asker(random, world)
        ctx = _context(service, asker)
        for _ in range(questions):
            yield random.choice(ASKS)(ctx, world, asker, random, turn)


def test_nobody_is_told_more_or_less_than_may_be(service: Service) -> None:
    outcomes = [one for seed in range(6) for one in _compare(service, seed, 10, 8)]
    assert {outcomes.count(kind) > len(outcomes) // 20 for kind in ("found", "nothing", "refused")} == {True}


@pytest.mark.nightly
@pytest.mark.parametrize("part", range(10))
def test_nobody_is_told_more_or_less_than_may_be_at_length(service: Service, part: int) -> None:
    outcomes = [one for seed in range(part * 100, part * 100 + 25) for one in _compare(service, seed, 10, 10)]
    assert len(outcomes) == 2500
    assert {outcomes.count(kind) > len(outcomes) // 20 for kind in ("found", "nothing", "refused")} == {True}
