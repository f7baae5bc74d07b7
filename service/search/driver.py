"""Where a search begins: the rows of one clause, of every resource of the type, or of the parameter that it is sorted by.

A driver hands out candidates. Postings come in clinical order, `resource` in any of its own, a sort parameter's rows in the order of
its values; the rest in none, which is good enough where they are few.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, literal_column, not_, select, true, union_all

from service.search import query as terms
from service.search.clauses import AS_TOKENS, POSTINGS, Bool, Clauses
from service.search.order import By, Key
from service.search.parameter import Registry
from service.search.query import Clause, Match, Moment, Quantity, Query, Target, Token, Uri
from service.search.type_plan import WITHOUT_ROWS
from service.search.types import date
from service.search.types.protocol import SearchParameter
from service.storage.tables import search as index
from service.storage.tables.resources import resource

_MANY_ROWS = frozenset({"CodeableConcept", "HumanName", "Address", "Reference", "canonical"})
"""Elements that make several rows, even where there is one of them."""
MOST_ARMS = 16
"""Postings of so many values are merged in order; of more, they are collected."""
_BOUNDED = frozenset({"Patient", "Encounter", "EpisodeOfCare", "RelatedPerson", "Appointment"})
"""What refers to one of these is never much, so that nothing else needs to be looked at."""


@dataclass(frozen=True, slots=True)
class Driver:
    """Candidates: `source` has res_id; which of its rows, and whether one resource comes once.

    `lo` is their main date, None where the rows do not have it. `orders` are the keys in whose order the rows can be read. `value` is the
    column of a sort parameter. `own`: the rows are those of `resource`. `answers` are the clauses that the rows satisfy already.
    """

    source: Any
    condition: Bool
    unique: bool
    lo: ColumnElement[int] | None = None
    orders: frozenset[By] = frozenset()
    own: bool = False
    value: ColumnElement[Any] | None = None
    answers: tuple[Clause, ...] = ()


def every(clauses: Clauses) -> Driver:
    """Every living resource of the type."""
    rows = resource.alias()
    living = and_(rows.c.type == clauses.number(clauses.type), rows.c.deleted.is_(False))
    return Driver(rows, living, True, rows.c.lo, frozenset({By.ID, By.UPDATED, By.MAIN}), own=True)


def sorted_by(clauses: Clauses, key: Key) -> Driver | None:
    """The rows of the parameter that a search is sorted by: of each resource the one that counts. None where no index has that order."""
    parameter = key.parameter
    if parameter is None or parameter.kind == "quantity" or len(parameter.keys) != 1:
        return None
    rows, other = key.table.alias(), key.table.alias()
    held = and_(rows.c.param == parameter.keys[0], clauses.narrowed(rows, parameter))
    if not parameter.single or parameter.elements & _MANY_ROWS:
        mine, others = key.column(rows), key.column(other)
        beyond = others > mine if key.descending else others < mine
        same = and_(other.c.res_id == rows.c.res_id, other.c.param == parameter.keys[0], clauses.narrowed(other, parameter))
        better: Select[Any] = select(literal_column("1")).where(same, beyond).correlate_except(other)
        held = and_(held, not_(exists(better.offset(literal_column("0")) if clauses.fenced else better)))
    if key.descending and parameter.kind != "date":
        held = and_(held, key.column(rows) > "")
    lo = rows.c.lo if parameter.kind in POSTINGS else None
    return Driver(rows, held, False, lo, frozenset({By.VALUE}), value=key.column(rows))


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


def _postings(clauses: Clauses, matches: Sequence[Match], clause: Clause) -> Driver | None:
    """The postings of every value: one range of the index each, merged in clinical order where they are few."""
    if not all(_is_whole(match) for match in matches):
        return None
    arms = [arm for match in matches for arm in _arms(clauses, match)]
    if len(arms) == 1:
        table, condition = clauses.rows(matches[0])
        ordered = matches[0].modifier != "text"
        unique = ordered and _is_full_key(clauses, matches[0])
        return Driver(table, condition, unique, table.c.lo, frozenset({By.MAIN} if ordered else ()), answers=(clause,))
    if len(arms) > MOST_ARMS or any(match.modifier == "text" for match in matches):
        return _collected(clauses, matches, clause)
    rows = [select(table.c.lo, table.c.res_id).where(condition) for table, condition in arms]
    merged = union_all(*rows).subquery()
    return Driver(merged, true(), False, merged.c.lo, frozenset({By.MAIN}), answers=(clause,))


def _collected(clauses: Clauses, matches: Sequence[Match], clause: Clause) -> Driver:
    tables = [clauses.rows(match) for match in matches]
    if len(tables) == 1:
        table, condition = tables[0]
        return Driver(table, condition, False, table.c.lo, answers=(clause,))
    rows = [select(table.c.lo, table.c.res_id).where(condition) for table, condition in tables]
    merged = union_all(*rows).subquery()
    return Driver(merged, true(), False, merged.c.lo, answers=(clause,))


def _arms(clauses: Clauses, match: Match) -> Iterator[tuple[Any, Bool]]:
    keys = clauses.parameter(match.parameter).keys_for(match.modifier)
    if len(keys) * len(match.values) > MOST_ARMS:
        yield from ((None, true()) for _ in range(MOST_ARMS + 1))
        return
    for key in keys:
        for value in match.values:
            yield clauses.rows(match, [value], [key])


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
        return replace(whole, orders=frozenset(), answers=()) if match.modifier is None else None
    together = _together(query, match)
    moments = [value for one in together for value in one.values if isinstance(value, Moment)]
    first, last = clauses.window(moments)
    if first is None and last is None:
        return None
    stamp = whole.source.c.last_updated
    edges = [stamp >= first if first is not None else true(), stamp <= last if last is not None else true()]
    return replace(whole, condition=and_(whole.condition, *edges), orders=frozenset({By.UPDATED}))


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
    moments = [value for one in together for value in one.values if isinstance(value, Moment)]
    if not moments:
        return None
    arms = [_dated(clauses, parameter, moments, number) for number in range(len(date.LONGEST))]
    merged, main = union_all(*arms).subquery(), parameter.main and parameter.single
    return Driver(merged, true(), parameter.single, merged.c.lo if main else None, frozenset({By.MAIN} if main else ()), answers=together)


def _dated(clauses: Clauses, parameter: SearchParameter, moments: Sequence[Moment], number: int) -> Select[Any]:
    rows = index.date.alias()
    whole = number == len(date.LONGEST) - 1
    first, last = clauses.window(moments, 0 if whole else date.LONGEST[number])
    edges = [] if first is None or whole else [rows.c.lo >= first]
    if last is not None:
        edges.append(rows.c.lo <= last)
    keys = rows.c.param == parameter.keys[0] if len(parameter.keys) == 1 else rows.c.param.in_(parameter.keys)
    tests = [date.predicate(rows.c, clauses.asked(moment, parameter)) for moment in moments]
    return select(rows.c.lo, rows.c.res_id).where(keys, rows.c.span == number, *edges, *tests)


def _values(clauses: Clauses, parameter: SearchParameter, match: Match) -> Driver | None:
    """Value rows that an index range leads to: the beginning of a string, a URI, a number, a quantity with its unit, a composite."""
    if parameter.kind == "uri" and match.modifier == "above":
        return None
    if parameter.kind == "quantity" and any(isinstance(value, Quantity) and value.code is None for value in match.values):
        return None
    if not all(_is_ranged(value) for value in match.values):
        return None
    table, condition = clauses.rows(match)
    if "hi" in table.c:
        points, among = clauses.points(match)
        wide = select(table.c.res_id).where(condition, table.c.lo != table.c.hi)
        return Driver(union_all(select(points.c.res_id).where(among), wide).subquery(), true(), False, answers=(match,))
    return Driver(table, condition, False, answers=(match,))


def _is_ranged(value: Any) -> bool:
    if isinstance(value, terms.Composite):
        first = value.parts[0]
        return not (isinstance(first, Token) and first.code is None)
    return getattr(value, "prefix", "eq") != "ne" or isinstance(value, Uri)
