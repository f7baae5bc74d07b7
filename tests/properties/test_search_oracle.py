"""The index and its SQL against a search by brute force: same matches, same order, on both databases."""

import json
from collections.abc import Iterator
from functools import cmp_to_key
from itertools import count
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from service.fhir import definitions
from service.search.paging import Cursors
from service.search.parameter import Registry
from service.storage.database import Database
from tests.databases import KINDS, Databases
from tests.properties import search_oracle as oracle
from tests.properties.search_samples import EVERY, Question, clinics, questions
from tests.search.clinic import Clinic

REGISTRY = Registry(definitions.load(), oracle.BASE, str(oracle.ZONE))
CURSORS = Cursors(b"k" * 32)
_TURN = count()
_SLICE = count()
PAGE = 3
TURNS = 12
"""Into how many clinics the questions of one clause are dealt out."""


def _found(clinic: Clinic, type: str, pairs: list[tuple[str, str]], size: int) -> list[str]:
    """The ids of all matches, walked page by page; the total is checked at the end."""
    found: list[str] = []
    cursor: list[tuple[str, str]] = []
    while True:
        page = clinic.page(type, [*pairs, ("_count", str(size)), ("_total", "accurate"), *cursor])
        found += [one.id for one in page.matches]
        if page.next is None:
            assert page.total == len(found)
            return found
        cursor = [("_cursor", page.next)]


@pytest.fixture(scope="module", params=KINDS)
def clinic(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Clinic]:
    with databases.fresh(request.param) as url:
        database = Database(url)
        yield Clinic(database, REGISTRY, CURSORS)
        database.dispose()


def _distinct(resources: list[Any], turn: int) -> list[Any]:
    """The resources with ids and references of this turn: `p0` becomes `p0-7`."""
    text = json.dumps(resources)
    for one in resources:
        text = text.replace(f'"{one["id"]}"', f'"{one["id"]}-{turn}"').replace(f'/{one["id"]}"', f'/{one["id"]}-{turn}"')
    parsed: list[Any] = json.loads(text)
    return parsed


def _of_round(clause: oracle.Clause, turn: int) -> oracle.Clause:
    name, modifier, text = clause
    if modifier == "missing" or (name not in ("_id", "patient", "subject", "encounter")):
        return clause
    return name, modifier, ",".join(one if one in ("Group/g1", "g1") else f"{one}-{turn}" for one in text.split(","))


def _compared(one: Any, other: Any, keys: list[tuple[str, bool]]) -> int:
    for name, descending in keys:
        mine, theirs = oracle.sort_key(one, name, descending), oracle.sort_key(other, name, descending)
        if mine == theirs:
            continue
        if mine is None or theirs is None:
            return 1 if mine is None else -1
        return (1 if mine > theirs else -1) * (-1 if descending else 1)
    return 0


def _check(clinic: Clinic, resources: list[Any], question: Question, turn: int, size: int) -> None:
    type, clauses, keys = question
    clauses = [_of_round(clause, turn) for clause in clauses]
    pairs = [(f"{name}:{modifier}" if modifier else name, text) for name, modifier, text in clauses]
    if keys:
        pairs.append(("_sort", ",".join(("-" if descending else "") + name for name, descending in keys)))
    found = _found(clinic, type, pairs, size)
    assert len(found) == len(set(found)), pairs
    assert set(found) == oracle.search(resources, type, clauses), (type, pairs)
    by_id = {one["id"]: one for one in resources}
    order = [by_id[id] for id in found]
    assert order == sorted(order, key=cmp_to_key(lambda one, other: _compared(one, other, keys))), (type, pairs)


def _compare(clinic: Clinic, resources: list[Any], asked: list[Question], size: int = PAGE) -> None:
    turn = next(_TURN)
    resources = _distinct(resources, turn)
    stored = clinic.put(*resources)
    try:
        for question in asked:
            _check(clinic, resources, question, turn, size)
    finally:
        clinic.remove(*stored)
    assert clinic.rows() == 0


@settings(max_examples=TURNS, phases=(Phase.generate,))
@given(clinics(8))
def test_every_question_of_one_clause_and_every_order_is_answered_as_brute_force_answers(clinic: Clinic, resources: list[Any]) -> None:
    _compare(clinic, resources, EVERY[next(_SLICE) % TURNS :: TURNS], size=100)


@settings(max_examples=20)
@given(clinics(), st.lists(questions(), min_size=10, max_size=10))
def test_a_search_finds_what_brute_force_finds(clinic: Clinic, resources: list[Any], asked: list[Question]) -> None:
    _compare(clinic, resources, asked)


@pytest.mark.nightly
@settings(max_examples=500, derandomize=False)
@given(clinics(), st.lists(questions(), min_size=20, max_size=20))
def test_a_search_finds_what_brute_force_finds_at_length(clinic: Clinic, resources: list[Any], asked: list[Question]) -> None:
    _compare(clinic, resources, asked)
