"""Where a search begins: the rows of one clause, of every resource of the type, or of the parameter that it is sorted by.

A driver hands out candidates. Postings come in clinical order, `resource` in any of its own, a sort parameter's rows in the order of
its values; the rest in none, which is good enough where they are few.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, and_, true

from service.search import many
from service.search import query as terms
from service.search.clauses import AS_TOKENS, POSTINGS, Bool, Clauses
from service.search.order import By
from service.search.parameter import Registry
from service.search.query import Clause, Match, Moment, Quantity, Query, Target, Token, Uri, Value
from service.search.type_plan import WITHOUT_ROWS
from service.search.types import date, token
from service.search.types.protocol import SearchParameter
from service.storage.tables import search as index
from service.storage.tables.resources import resource

MOST_ARMS = 16
"""Postings of so many values are merged in order; of more, they are collected."""
_R4 = "http://hl7.org/fhir/SearchParameter/"
_CODED = {
    "code-value-concept": "code",
    "code-value-date": "code",
    "code-value-quantity": "code",
    "code-value-string": "code",
    "combo-code-value-concept": "combo-code",
    "combo-code-value-quantity": "combo-code",
    "component-code-value-concept": "component-code",
    "component-code-value-quantity": "component-code",
}
"""R4's composites of Observation, and the parameter that has the postings of their codes."""
_BOUNDED = frozenset({"Patient", "Encounter", "EpisodeOfCare", "RelatedPerson", "Appointment"})
"""What refers to one of these is never much, so that nothing else needs to be looked at."""


@dataclass(frozen=True, slots=True)
class Arm:
    """Candidates from one range of one index: `source` has res_id, `condition` says which of its rows.

    `lo` is their main date, None where the rows do not have it; `value` the column of a sort parameter.
    """

    source: Any
    condition: Bool
    lo: ColumnElement[int] | None = None
    value: ColumnElement[Any] | None = None


@dataclass(frozen=True, slots=True)
class Driver:
    """Candidates from one or several ranges; whether one resource comes once.

    `orders` are the keys in whose order each range can be read. `own`: the rows are those of `resource`. `answers` are the clauses that the
    rows satisfy already.
    """

    arms: tuple[Arm, ...]
    unique: bool
    orders: frozenset[By] = frozenset()
    own: bool = False
    answers: tuple[Clause, ...] = ()


def every(clauses: Clauses) -> Driver:
    """Every living resource of the type."""
    rows = resource.alias()
    living = and_(rows.c.type == clauses.number(clauses.type), rows.c.deleted.is_(False))
    return Driver((Arm(rows, living, rows.c.lo),), True, frozenset({By.ID, By.UPDATED, By.MAIN}), own=True)


def of_clause(clauses: Clauses, query: Query, number: int) -> Driver | None:
    """The driver that clause `number` of the query is; None when it is none."""
    clause = query.where[number]
    if isinstance(clause, terms.Any):
        return _any(clauses, clause)
    if not isinstance(clause, Match) or clause.modifier == "not":
        return None
    if clause.parameter in WITHOUT_ROWS:
        return _own(clauses, query, clause)
    parameter = clauses.parameter(clause.parameter)
    if clause.modifier in AS_TOKENS or parameter.kind in POSTINGS:
        return _postings(clauses, (clause,), clause)
    if parameter.kind == "date":
        return _window(clauses, query, clause)
    return _values(clauses, parameter, clause)


def is_bounded(registry: Registry, type: str, clause: Clause) -> bool:
    """Whether what satisfies the clause cannot be much: ids, business identifiers, what belongs to one patient or one visit."""
    if isinstance(clause, terms.Any):
        return bool(clause.clauses) and all(is_bounded(registry, type, one) for one in clause.clauses)
    if not isinstance(clause, Match) or clause.modifier == "not" or len(clause.values) > MOST_ARMS:
        return False
    if clause.parameter == "_id":
        return True
    parameter = registry.parameter(type, clause.parameter)
    assert parameter is not None, f"{type} has no parameter {clause.parameter}"
    if parameter.kind == "reference":
        return all(isinstance(value, Target) and bool(value.id) and _to(parameter, value) <= _BOUNDED for value in clause.values)
    whole = all(isinstance(value, Token) and value.code is not None for value in clause.values)
    return parameter.kind == "token" and parameter.elements <= {"Identifier"} and clause.modifier is None and whole


def _to(parameter: SearchParameter, value: Target) -> frozenset[str]:
    """The types that a target may have."""
    return frozenset({value.type}) if value.type else parameter.only or parameter.targets or frozenset({"*"})


def _any(clauses: Clauses, clause: terms.Any) -> Driver | None:
    matches = [one for one in clause.clauses if isinstance(one, Match)]
    if not matches or len(matches) != len(clause.clauses):
        return None
    if not all(clauses.parameter(one.parameter).kind in POSTINGS and one.modifier is None for one in matches):
        return None
    if any(one.parameter in WITHOUT_ROWS for one in matches):
        return None
    return _postings(clauses, matches, clause)


def covering(clauses: Clauses, query: Query, number: int) -> Driver | None:
    """The postings of the code in a composite: in clinical order, among them those whose value matches as well."""
    match = query.where[number]
    if not isinstance(match, Match) or match.parameter not in _CODED:
        return None
    parameter, code = clauses.parameter(match.parameter), clauses.parameter(_CODED[match.parameter])
    parts = [value.parts[0] for value in match.values if isinstance(value, terms.Composite)]
    if not parameter.url.startswith(_R4) or len(parts) * len(code.keys) > MOST_ARMS:
        return None
    if not all(isinstance(part, Token) and part.code is not None for part in parts):
        return None
    arms = [_coded(clauses, value, code, key) for value in match.values for key in code.keys]
    return Driver(tuple(arms), False, frozenset({By.MAIN}))


def _coded(clauses: Clauses, value: Value, code: SearchParameter, key: int) -> Arm:
    """The postings of the code in a composite value."""
    table, asked = index.token.alias(), clauses.asked(value, code)
    first = replace(asked, value=asked.value.parts[0], bind=lambda read: asked.bind(lambda whole: read(whole.parts[0])))
    return Arm(table, and_(table.c.param == key, token.predicate(table.c, first)), table.c.lo)


def _postings(clauses: Clauses, matches: Sequence[Match], clause: Clause) -> Driver | None:
    """The postings of every value: one range of the index each in clinical order where they are few; all together where they are many."""
    if not all(_is_whole(match) for match in matches):
        return None
    ranges = sum(len(clauses.parameter(match.parameter).keys_for(match.modifier)) * len(match.values) for match in matches)
    if ranges > MOST_ARMS or any(match.modifier == "text" for match in matches):
        rows = [clauses.rows(match) for match in matches]
        return Driver(tuple(Arm(table, held, table.c.lo) for table, held in rows), False, answers=(clause,))
    rows = [clauses.rows(match, [value], [key]) for match in matches for key, value in _pairs(clauses, match)]
    unique = ranges == 1 and _is_full_key(clauses, matches[0])
    return Driver(tuple(Arm(table, held, table.c.lo) for table, held in rows), unique, frozenset({By.MAIN}), answers=(clause,))


def _pairs(clauses: Clauses, match: Match) -> Iterator[tuple[int, Value]]:
    for key in clauses.parameter(match.parameter).keys_for(match.modifier):
        for value in match.values:
            yield key, value


def _is_whole(match: Match) -> bool:
    """Whether every value names a code or a target, which an index range can begin at."""
    return not any(isinstance(value, Token) and value.code is None for value in match.values)


def _is_full_key(clauses: Clauses, match: Match) -> bool:
    """Whether a resource has at most one such row."""
    value, parameter = match.values[0], clauses.parameter(match.parameter)
    if isinstance(value, Token):
        return bool(value.system)
    if not isinstance(value, Target) or not value.id or value.url:
        return False
    return value.type is not None or len(parameter.only) == 1


def _own(clauses: Clauses, query: Query, match: Match) -> Driver | None:
    """An id, or the instants of `_lastUpdated`, all of them together."""
    whole = every(clauses)
    if match.parameter == "_id":
        return _by_id(clauses, match, whole) if match.modifier is None else None
    together = _together(query, match)
    first, last = clauses.window(moments_of(together))
    if first is None and last is None:
        return None
    (arm,) = whole.arms
    stamp = arm.source.c.last_updated
    edges = [stamp >= first if first is not None else true(), stamp <= last if last is not None else true()]
    return replace(whole, arms=(replace(arm, condition=and_(arm.condition, *edges)),), orders=frozenset({By.UPDATED}))


def _by_id(clauses: Clauses, match: Match, whole: Driver) -> Driver:
    """The ids. For SQLite they are looked up beside, for it has no statistics and would read the whole type to have it in order."""
    ids = [value for value in match.values if isinstance(value, Token) and value.code and not value.system]
    if clauses.binder.dialect == "postgresql" or not ids:
        return replace(whole, orders=frozenset())
    (arm,) = whole.arms
    named = arm.source.c.res_id.in_(many.named(clauses.binder, clauses.number(clauses.type), ids))
    living = and_(arm.source.c.deleted.is_(False), named)
    return replace(whole, arms=(replace(arm, condition=living),), orders=frozenset(), answers=(match,))


def moments_of(matches: Sequence[Match]) -> list[Moment]:
    """The dates of some clauses."""
    return [value for one in matches for value in one.values if isinstance(value, Moment)]


def _together(query: Query, match: Match) -> tuple[Match, ...]:
    """The clauses with a single date of the same parameter: they leave one window open."""
    return tuple(
        one
        for one in query.where
        if isinstance(one, Match)
        and one.parameter == match.parameter
        and len(one.values) == 1
        and isinstance(one.values[0], Moment)
        and one.values[0].prefix != "ne"
    )


def _window(clauses: Clauses, query: Query, match: Match) -> Driver | None:
    """The dates within the window that the clauses of one parameter leave open: a bounded range of the index for each class of length."""
    parameter = clauses.parameter(match.parameter)
    together = _together(query, match) if parameter.single else _together(replace(query, where=(match,)), match)
    moments = moments_of(together)
    if not moments:
        return None
    main = parameter.main and parameter.single
    arms = tuple(_dated(clauses, parameter, moments, number) for number in range(len(date.LONGEST)))
    return Driver(arms, parameter.single, frozenset({By.MAIN} if main else ()), answers=together)


def _dated(clauses: Clauses, parameter: SearchParameter, moments: Sequence[Moment], number: int) -> Arm:
    rows = index.date.alias()
    whole = number == len(date.LONGEST) - 1
    first, last = clauses.window(moments, 0 if whole else date.LONGEST[number])
    edges = [] if first is None or whole else [rows.c.lo >= first]
    if last is not None:
        edges.append(rows.c.lo <= last)
    keys = rows.c.param == parameter.keys[0] if len(parameter.keys) == 1 else rows.c.param.in_(parameter.keys)
    tests = [date.predicate(rows.c, clauses.asked(moment, parameter)) for moment in moments]
    return Arm(rows, and_(keys, rows.c.span == number, *edges, *tests), rows.c.lo if parameter.main and parameter.single else None)


def since(clauses: Clauses, query: Query) -> list[Moment]:
    """The dates that bound the main date from below; none when nothing does."""
    for match in query.where:
        parameter = clauses.parameter(match.parameter) if isinstance(match, Match) else None
        if isinstance(match, Match) and parameter and parameter.main and parameter.single:
            moments = moments_of(_together(query, match))
            return moments if date.bounds(moments)[0] is not None else []
    return []


def _values(clauses: Clauses, parameter: SearchParameter, match: Match) -> Driver | None:
    """Value rows that an index range leads to: the beginning of a string, a URI, a number, a quantity with its unit, a composite."""
    if parameter.kind == "uri" and match.modifier == "above":
        return None
    if parameter.kind == "quantity" and any(isinstance(value, Quantity) and value.code is None for value in match.values):
        return None
    if not all(_is_ranged(value) for value in match.values):
        return None
    table, held = clauses.rows(match)
    if "hi" not in table.c:
        return Driver((Arm(table, held),), False, answers=(match,))
    return Driver((Arm(*clauses.points(match)), Arm(table, and_(held, table.c.lo != table.c.hi))), False, answers=(match,))


def _is_ranged(value: Any) -> bool:
    if isinstance(value, terms.Composite):
        first = value.parts[0]
        return not (isinstance(first, Token) and first.code is None)
    return getattr(value, "prefix", "eq") != "ne" or isinstance(value, Uri)
