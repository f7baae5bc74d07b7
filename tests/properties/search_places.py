"""Clinics drawn from `search_samples`, stored in a database of each kind, and questions to them checked against the oracle."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from service.search.execute import Page, execute
from service.search.parse import Options, parse
from service.search.query import Compartment
from service.search.sight import UNLIMITED
from service.search.unparse import unparse
from tests.properties import search_oracle as oracle
from tests.properties.search_oracle import Question
from tests.properties.search_samples import TURN, clinics
from tests.search.clinic import Clinic

Json = Any
PAGES = (2, 3, 100)
_UNLIKE = 12
"""How many clinics are drawn before one counts: the first ones are the simplest."""
_turns = count()


def drawn(number: int) -> list[Json]:
    """One full clinic; the same for the same number."""
    found: list[list[Json]] = []

    @seed(number)
    @settings(max_examples=_UNLIKE, database=None, phases=[Phase.generate], deadline=None, suppress_health_check=list(HealthCheck))
    @given(clinics(full=True))
    def draw(resources: list[Json]) -> None:
        found.append(resources)

    draw()
    return found[-1]


@dataclass(frozen=True)
class World:
    """The resources of one clinic with ids of their own, and the places that have them: databases of every kind."""

    resources: list[Json]
    places: dict[str, Clinic]
    turn: str

    def check(self, question: Question, size: int) -> None:
        """The same matches, order, includes and total everywhere as the oracle has."""
        asked = named(question, self.turn)
        for kind, clinic in self.places.items():
            _check(clinic, self.resources, asked, size, kind)


@contextmanager
def world(places: dict[str, Clinic], drawn: list[Json]) -> Iterator[World]:
    """The clinic, stored everywhere and removed afterwards: nothing may be left in any index."""
    turn = f"-{next(_turns)}"
    resources = json.loads(json.dumps(drawn).replace(TURN, turn))
    stored = {kind: clinic.put(*resources) for kind, clinic in places.items()}
    try:
        yield World(resources, places, turn)
    finally:
        for kind, clinic in places.items():
            clinic.remove(*stored[kind])
    assert all(clinic.rows() == 0 for clinic in places.values())


def named(question: Question, turn: str) -> Question:
    """The question with the ids of a turn."""
    clauses = tuple(
        (clause[0], clause[1].replace(TURN, turn)) if isinstance(clause, tuple) else clause.renamed(TURN, turn)
        for clause in question.clauses
    )
    place = question.compartment and (question.compartment[0], question.compartment[1].replace(TURN, turn))
    return Question(question.type, clauses, question.sort, question.includes, place, question.types)


def _check(clinic: Clinic, resources: list[Json], question: Question, size: int, kind: str) -> None:
    by_key = {oracle.key(one): one for one in resources}
    pairs = [*question.pairs, ("_count", str(size))]
    told = (kind, question.type, question.compartment, pairs)
    found: list[str] = []
    for page in walk(clinic, question, [*pairs, ("_total", "accurate")] if size == PAGES[-1] else pairs):
        keys = [f"{one.type}/{one.id}" for one in page.matches]
        found += keys
        if question.includes:
            wanted = oracle.included(resources, [by_key[one] for one in keys], question.includes)
            assert {f"{one.type}/{one.id}" for one in page.included} == wanted, told
    assert len(found) == len(set(found)), told
    assert set(found) == oracle.expected(resources, question), told
    if size == PAGES[-1]:
        assert page.total == len(found), told
    ordered = [by_key[one] for one in found]
    assert ordered == oracle.order(ordered, question.sort), told


def walk(clinic: Clinic, question: Question, pairs: list[tuple[str, str]]) -> Iterator[Page]:
    """Every page of a question; what is printed of it must be read as the same."""
    compartment = Compartment(*question.compartment) if question.compartment else None
    cursor: list[tuple[str, str]] = []
    while True:
        asked = parse(clinic.registry, question.type, [*pairs, *cursor], Options(), compartment)
        if not cursor:
            assert parse(clinic.registry, question.type, unparse(clinic.registry, asked), Options(), compartment) == asked
        with clinic.database.read(pull=asked.pulls) as tx:
            page = execute(tx, clinic.registry, asked, clinic.cursors, UNLIMITED)
        yield page
        if page.next is None:
            return
        cursor = [("_cursor", page.next)]


def ask(here: World, questions: st.SearchStrategy[Question], number: int, examples: int) -> None:
    """`examples` generated questions to one world; the same ones for the same number."""

    @seed(number)
    @settings(max_examples=examples, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(questions, st.sampled_from(PAGES))
    def every(question: Question, size: int) -> None:
        here.check(question, size)

    every()
