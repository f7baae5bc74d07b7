"""The comparison with brute force can fail: on a build with one mistake in its search, of those that servers make, it does."""

import operator
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import and_, bindparam, or_, true

from service.fhir import definitions, temporal
from service.search import clauses, compartment, correlation, hierarchy, include, order, query
from service.search.paging import Cursors
from service.search.parameter import Registry
from service.search.types import date, literals, prefixes, quantity, string, token
from service.storage.database import Database
from tests.databases import Databases
from tests.properties import search_oracle as oracle
from tests.properties.search_oracle import Question
from tests.properties.search_places import PAGES, drawn, world
from tests.properties.search_questions import covering
from tests.properties.search_samples import TURN
from tests.search.clinic import Clinic

pytestmark = pytest.mark.nightly

WORLDS = 2
TURNS = 3


@pytest.fixture
def place(databases: Databases) -> Iterator[Clinic]:
    """An empty clinic with a registry of its own: what was compiled before the mistake is not there."""
    with databases.fresh("sqlite") as url:
        database = Database(url)
        yield Clinic(database, Registry(definitions.load(), oracle.BASE, str(oracle.ZONE)), Cursors(b"k" * 32))
        database.dispose()


def _compare(place: Clinic, about: str) -> None:
    """What `test_search_oracle` does, narrowed to the questions that mention `about`, or to walks in small pages."""
    for number in range(WORLDS):
        with world({"sqlite": place}, drawn(number)) as here:
            for turn in range(TURNS):
                for question in _asked(number * TURNS + turn, about):
                    here.check(question, 2 if about in WALKS else PAGES[-1])


def _asked(number: int, about: str) -> list[Question]:
    if about in WALKS:
        return WALKS[about]
    types = {type: {name for name, (kind, _) in parameters.items() if about in (kind, name)} for type, parameters in oracle.VALUES.items()}
    return [one for one in covering(number) if _code(one) in types[str(one.type)] or about in one.clauses[0][0]]


def _code(question: Question) -> str:
    (clause,) = question.clauses
    assert isinstance(clause, tuple)
    return clause[0].split(":")[0]


_SORTS = [((name, descending),) for name in ("_id", "date", "code", "status") for descending in (False, True)]
WALKS = {
    "pages": [Question(type, sort=sort) for type in ("Observation", "Encounter") for sort in _SORTS if sort[0][0] in oracle.VALUES[type]],
    "compartments": [Question("Observation", compartment=("Patient", f"pa{number}{TURN}")) for number in range(4)],
    "precision": [Question("Observation", (("combo-value-quantity", number),)) for number in ("0", "1", "5.4", "99.5", "100", "-3", "50")],
    "includes": [Question("Observation", includes=(("_include", "Observation:*"),))],
}
"""Questions that no single parameter asks."""


@dataclass(frozen=True)
class Mistake:
    """What is put in place of what."""

    where: Any
    name: str
    wrong: Any
    about: str


def _uncorrelated(_correlation: Any, head: Callable[..., Any], pairs: Any) -> Any:
    """Codes and values of one resource, whichever component they stand in."""

    def read(resource: Any, rows: Any) -> None:
        elements = [resource, *resource.get("component", ())]
        codes = [code for element in elements for code in head(element) or ()]
        for key, tail in pairs:
            values = [value for element in elements for value in tail(element) or ()]
            rows.composite.update((key, code, unit, lo, hi, system, other) for code, system in codes for unit, lo, hi, other in values)

    return read


def _start_only(value: Any, zone: Any) -> Any:
    """A Period by its start."""
    return temporal.interval(value["start"], zone) if "start" in value else None


def _any_unit(table: Any, asked: Any) -> Any:
    """A quantity by its number; in a composite as it should be."""
    if not hasattr(table, "lo"):
        return ORIGINALS["unit-ignored"](table, asked)
    return prefixes.compare(table.lo, table.hi, asked, prefixes.as_written)


def _any_system(table: Any, asked: Any) -> Any:
    """A token by its code."""
    return table.code == asked.bind(lambda value: token.text_key(getattr(value, "code", None) or getattr(value, "text", "")))


def _with_the_last_again(columns: Any) -> Any:
    """The next page begins with the last row of the one before it."""
    values = [bindparam(f"at{number}", 0, type_=column.type) for number, (column, _) in enumerate(columns)]
    steps = []
    for at, ((column, descending), value) in enumerate(zip(columns, values, strict=True)):
        same = [before == known for (before, _), known in zip(columns[:at], values[:at], strict=True)]
        steps.append(and_(*same, (operator.le if descending else operator.ge)(column, value)))
    return or_(*steps)


def _without_ties(columns: Any) -> Any:
    """The next page begins after everything that is equal to the last row."""
    (column, descending), value = columns[0], bindparam("at0", 0, type_=columns[0][0].type)
    return column < value if descending else column > value


def _exact(text: str) -> tuple[Any, Any]:
    """A number without its precision."""
    number = prefixes.Decimal(text)
    return number, number + prefixes.Decimal("1e-30")


def _with_one_version(text: str) -> Any:
    """A canonical URL as it is written."""
    return ((literals.text_key(text), literals.EXTERNAL),)


MISTAKES = {
    "composite-uncorrelated": Mistake(correlation, "_reader", _uncorrelated, "composite"),
    "period-by-start": Mistake(date, "_READERS", {**date._READERS, "Period": _start_only}, "date"),
    "unit-ignored": Mistake(quantity, "predicate", _any_unit, "quantity"),
    "system-ignored": Mistake(token, "predicate", _any_system, "token"),
    "page-repeats": Mistake(order, "after", _with_the_last_again, "pages"),
    "page-skips": Mistake(order, "after", _without_ties, "pages"),
    "precision-ignored": Mistake(prefixes, "implied_range", _exact, "precision"),
    "case-heeded": Mistake(string, "folded", lambda text: " ".join(text.split()), "string"),
    "canonical-version": Mistake(literals, "canonical", _with_one_version, "_profile"),
    "patient-is-any-subject": Mistake(clauses.Clauses, "narrowed", lambda *_arguments: true(), "patient"),
    "compartment-of-all": Mistake(compartment, "membership", lambda *_arguments: query.All(()), "compartments"),
    "one-step-of-a-hierarchy": Mistake(hierarchy, "_descendants", hierarchy._ancestors, ":below"),
    "nothing-included": Mistake(include, "included", lambda *_arguments: ([], ()), "includes"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_noticed(place: Clinic, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    mistake = MISTAKES[name]
    monkeypatch.setattr(mistake.where, mistake.name, mistake.wrong)
    for module in _users(mistake, name):
        monkeypatch.setattr(module, mistake.name, mistake.wrong)
    with pytest.raises(AssertionError):
        _compare(place, mistake.about)


def _users(mistake: Mistake, name: str) -> list[Any]:
    """The modules that took the name with `from ... import`."""
    original = [module for title, module in sys.modules.items() if title.startswith("service.search") and module is not mistake.where]
    return [module for module in original if getattr(module, mistake.name, None) is ORIGINALS[name]]


ORIGINALS = {name: getattr(mistake.where, mistake.name) for name, mistake in MISTAKES.items()}


@pytest.mark.parametrize("about", sorted({mistake.about for mistake in MISTAKES.values()}))
def test_without_a_mistake_all_is_well(place: Clinic, about: str) -> None:
    _compare(place, about)
