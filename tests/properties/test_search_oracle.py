"""The index and its SQL against a search by brute force: same matches, same order, same includes, on both databases."""

import random
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from service.fhir import definitions
from service.search.paging import Cursors
from service.search.parameter import Registry
from service.storage.database import Database
from tests.databases import KINDS, Databases
from tests.properties import search_oracle as oracle
from tests.properties.search_places import PAGES, ask, drawn, world
from tests.properties.search_questions import covering, questions
from tests.search.clinic import Clinic

REGISTRY = Registry(definitions.load(), oracle.BASE, str(oracle.ZONE))
CURSORS = Cursors(b"k" * 32)
PARTS = 12
"""Into how many parts the questions of one clause are dealt out; `make test` asks every other one, each in a clinic of its own."""
NIGHTS = 44
NIGHTLY = 500
"""Generated questions of one nightly test: 44 x 500, each to both databases."""


@pytest.fixture(scope="module")
def places(databases: Databases) -> Iterator[dict[str, Clinic]]:
    """An empty clinic in a database of each kind."""
    with ExitStack() as stack:
        opened = {kind: Database(stack.enter_context(databases.fresh(kind))) for kind in KINDS}
        yield {kind: Clinic(database, REGISTRY, CURSORS) for kind, database in opened.items()}
        for database in opened.values():
            database.dispose()


@pytest.mark.parametrize("part", range(0, PARTS, 2))
def test_every_parameter_with_every_modifier_answers_as_brute_force_does(places: dict[str, Clinic], part: int) -> None:
    with world(places, drawn(part)) as here:
        for question in covering(part)[part::PARTS]:
            here.check(question, PAGES[-1])


@pytest.mark.parametrize("number", range(3))
def test_a_search_finds_what_brute_force_finds(places: dict[str, Clinic], number: int) -> None:
    with world(places, drawn(number)) as here:
        ask(here, questions(), number, 80)


@pytest.mark.nightly
@pytest.mark.parametrize("night", range(NIGHTS))
def test_a_search_finds_what_brute_force_finds_at_length(places: dict[str, Clinic], night: int) -> None:
    number = random.randrange(10**9)
    print("clinic and questions number", number, "of part", night)
    with world(places, drawn(number)) as here:
        ask(here, questions(), number, NIGHTLY)


@pytest.mark.nightly
def test_every_parameter_with_every_modifier_at_length(places: dict[str, Clinic]) -> None:
    number = random.randrange(10**9)
    print("clinic and questions number", number)
    with world(places, drawn(number)) as here:
        for question in covering(number):
            here.check(question, PAGES[-1])
