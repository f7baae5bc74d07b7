"""Query -> Select. A search begins at the rows that are likely fewest, its driver, and tests every other clause on them.

Drivers, best first: an id, a reference or business identifier, the beginning of a string, a date window, a token, then every
resource of the type. PostgreSQL may begin elsewhere, for the conditions are joins to it; SQLite takes the driver as it is.

Without `_sort` matches come by res_id (the order in which they were created), by `_id` when the whole type is read, and a
pull by `_lastUpdated`: orders that no ordinary update disturbs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, FromClause, Integer, Select, and_, bindparam, distinct, func, select, true

from service.search import order
from service.search.clauses import POSTINGS, Bool, Candidate, Clauses
from service.search.order import Key
from service.search.parameter import Registry
from service.search.query import Clause, Match, Query, Sort, Target, Token
from service.search.shape import is_short
from service.search.statement import Binder
from service.storage.tables.resources import resource, version

_RANK_ID, _RANK_IDENTITY, _RANK_STRING, _RANK_WINDOW, _RANK_PULL, _RANK_TOKEN, _RANK_SPAN = range(7)


@dataclass(frozen=True, slots=True)
class Driver:
    """Where a search begins: its rows, which of them, whether one resource may have several, and what identifies a resource."""

    table: FromClause
    condition: Bool
    unique: bool
    at: Candidate
    answers: tuple[Clause, ...] = ()


@dataclass(frozen=True, slots=True)
class Compiled:
    """The parts of one search: candidates with their conditions, and the order. `bounded`: the condition names `resource`."""

    driver: Driver
    condition: Bool
    keys: tuple[Key, ...]
    bounded: bool

    def page(self, positioned: bool) -> Select[Any]:
        """At most `count` rows, from the position on if there is one: res_id, sort keys, resource and body."""
        labels = [key.expression.label(f"key{number}") for number, key in enumerate(self.keys)]
        tie = self.driver.at.res_id
        last = bool(self.keys) and self.keys[-1].descending
        chosen = select(tie.label("res_id"), *labels).select_from(self._source()).where(self.driver.condition, self.condition)
        if positioned:
            chosen = chosen.where(order.after(self.keys, tie))
        if not self.driver.unique:
            chosen = chosen.distinct()
        chosen = chosen.order_by(*(key.ordering for key in self.keys), tie.desc() if last else tie.asc()).limit(
            bindparam("count", 0, Integer)
        )
        page = chosen.subquery("page")
        ordering = [page.c[f"key{number}"].desc() if key.descending else page.c[f"key{number}"] for number, key in enumerate(self.keys)]
        return bodies(page, [page.c[label.name] for label in labels]).order_by(*ordering, page.c.res_id.desc() if last else page.c.res_id)

    def total(self) -> Select[Any]:
        """How many resources match."""
        one = self.driver.at.res_id
        counted = func.count() if self.driver.unique else func.count(distinct(one))
        return select(counted).select_from(self._source(sorting=False)).where(self.driver.condition, self.condition)

    def ids(self, column: ColumnElement[Any]) -> Select[Any]:
        """A column of the matches' rows in `resource`, each match once, unordered."""
        rows = select(self.driver.at.res_id.label("res_id")).select_from(self._source(sorting=False))
        rows = rows.where(self.driver.condition, self.condition)
        if self.driver.table is resource:
            return rows.with_only_columns(column)
        matches = (rows if self.driver.unique else rows.distinct()).subquery()
        return select(column).join(matches, resource.c.res_id == matches.c.res_id)

    def _source(self, sorting: bool = True) -> FromClause:
        source: FromClause = self.driver.table
        own = self.bounded or (sorting and any(key.own for key in self.keys))
        if own and source is not resource:
            source = source.join(resource, resource.c.res_id == self.driver.at.res_id)
        for key in self.keys if sorting else ():
            if key.join is not None:
                source = source.outerjoin(key.join, key.join.c.res_id == self.driver.at.res_id)
        return source


def bodies(page: FromClause, extra: Sequence[ColumnElement[Any]] = ()) -> Select[Any]:
    """Resources and stored JSON of the res_ids in `page`."""
    found = select(page.c.res_id, *extra, resource.c.type, resource.c.fhir_id, resource.c.version, resource.c.last_updated, version.c.body)
    return found.join(resource, resource.c.res_id == page.c.res_id).join(
        version, and_(version.c.res_id == resource.c.res_id, version.c.version == resource.c.version)
    )


def compiled(registry: Registry, query: Query, dialect: str, binder: Binder, bounded: bool = False) -> Compiled:
    """The search as SQL. A pull is `bounded` by the parameter `horizon` (microseconds)."""

    def ends(type: str, clause: Clause) -> Select[Any]:
        return compiled(registry, Query(type, (clause,)), dialect, binder).ids(resource.c.fhir_id)

    clauses = Clauses(registry, query.type, dialect, binder, ends)
    driver = _driver(clauses, query)
    rest = [clause for clause in query.where if all(clause is not answered for answered in driver.answers)]
    condition = clauses.conjunction(rest, driver.at)
    keys = tuple(_keys(clauses, query, driver))
    if bounded:
        condition = and_(condition, resource.c.last_updated <= bindparam("horizon", 0, BigInteger))
    return Compiled(driver, condition, keys, bounded)


def _keys(clauses: Clauses, query: Query, driver: Driver) -> list[Key]:
    sorts = query.sort or _default_order(query, driver)
    keys = []
    for number, sort in enumerate(sorts):
        parameter = clauses.parameter(sort.parameter)
        if not parameter.keys:
            keys.append(order.own(sort))
        elif parameter.main and driver.at.lo is not None:
            keys.append(order.main(sort, driver.at.lo))
        else:
            keys.append(order.joined(sort, parameter, number))
    return keys


def _default_order(query: Query, driver: Driver) -> tuple[Sort, ...]:
    if query.pulls:
        return (Sort("_lastUpdated"),)
    return (Sort("_id"),) if driver.table is resource else ()


def _driver(clauses: Clauses, query: Query) -> Driver:
    ranked = sorted((rank, number) for number, clause in enumerate(query.where) if (rank := _rank(clauses, clause)) is not None)
    if ranked and (ranked[0][0] in (_RANK_ID, _RANK_PULL)):
        return _whole_type(clauses)
    if ranked:
        rank, number = ranked[0]
        clause = query.where[number]
        assert isinstance(clause, Match)
        return _window_driver(clauses, query, clause) if rank in (_RANK_WINDOW, _RANK_SPAN) else _rows_driver(clauses, clause)
    if query.where or any(clauses.parameter(sort.parameter).main for sort in query.sort):
        return _every(clauses)
    return _whole_type(clauses)


def _rank(clauses: Clauses, clause: Clause) -> int | None:
    """How well a search can begin at the clause, lowest best; None when it cannot."""
    if not isinstance(clause, Match) or clause.modifier in ("not", "contains"):
        return None
    parameter = clauses.parameter(clause.parameter)
    if clause.parameter == "_id":
        return _RANK_ID
    if clause.parameter == "_lastUpdated":
        return _RANK_PULL
    if parameter.kind == "reference":
        return _RANK_IDENTITY if clause.modifier == "identifier" or all(isinstance(value, Target) for value in clause.values) else None
    if parameter.kind == "token":
        if any(isinstance(value, Token) and value.code is None for value in clause.values):
            return None
        return _RANK_IDENTITY if parameter.elements <= {"Identifier"} else _RANK_TOKEN
    if parameter.kind in ("string", "uri"):
        return _RANK_STRING
    return _window_rank(clauses, clause)


def _window_rank(clauses: Clauses, clause: Match) -> int | None:
    moment = clauses.window_part(clause)
    if moment is None or moment.prefix == "ne":
        return None
    return _RANK_WINDOW if is_short(moment) else _RANK_SPAN


def _rows_driver(clauses: Clauses, match: Match) -> Driver:
    table, condition = clauses.rows(match)
    parameter = clauses.parameter(match.parameter)
    posting = parameter.kind in POSTINGS
    unique = len(match.values) == 1 and len(parameter.keys) == 1 and _is_full_key(parameter.only, match)
    return Driver(table, condition, posting and unique, Candidate(table.c.res_id, table.c.lo if posting else None), (match,))


def _is_full_key(only: frozenset[str], match: Match) -> bool:
    value = match.values[0]
    if isinstance(value, Token):
        return bool(value.system)
    return isinstance(value, Target) and bool(value.id) and not value.url and (value.type is not None or len(only) == 1)


def _window_driver(clauses: Clauses, query: Query, match: Match) -> Driver:
    parameter = clauses.parameter(match.parameter)
    together = [one for one in query.where if isinstance(one, Match) and one.parameter == match.parameter and clauses.window_part(one)]
    moments = tuple(moment for one in together if (moment := clauses.window_part(one)))
    table = clauses.window_rows(parameter, moments)
    return Driver(table, true(), True, Candidate(table.c.res_id, table.c.lo if parameter.main else None), tuple(together))


def _every(clauses: Clauses) -> Driver:
    number = clauses.registry.definitions.type_number(clauses.type)
    condition = and_(resource.c.type == number, resource.c.deleted.is_(False))
    return Driver(resource, condition, True, Candidate(resource.c.res_id, resource.c.lo, resource))


def _whole_type(clauses: Clauses) -> Driver:
    number = clauses.registry.definitions.type_number(clauses.type)
    condition = and_(resource.c.type == number, resource.c.deleted.is_(False))
    return Driver(resource, condition, True, Candidate(resource.c.res_id, None, resource))
