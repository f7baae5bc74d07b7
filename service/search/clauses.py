"""Clauses as SQL conditions on a candidate, in the form that the index answers.

A candidate is a row with `res_id` and, when it comes from a posting or the main date, `lo`. Two postings of one resource agree
on both, so a second posting is one probe of the primary key. Where `lo` is not known, PostgreSQL joins by res_id, and SQLite, which
does not hash, collects the res_ids once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any as AnyType

from sqlalchemy import BindParameter, ColumnElement, FromClause, Select, and_, exists, false, not_, or_, select, true, union_all

from service.fhir.temporal import BEGINNING
from service.search import query as terms
from service.search.main_date import MISSING
from service.search.parameter import Registry
from service.search.query import Chain, Clause, Match, Missing, Moment, Not, Token, Value
from service.search.statement import Binder
from service.search.type_plan import WITHOUT_ROWS
from service.search.types import IMPLEMENTED, date, token
from service.search.types.protocol import Asked, SearchParameter
from service.storage.tables import search as index
from service.storage.tables.resources import resource

Bool = ColumnElement[bool]
POSTINGS = frozenset({"token", "reference"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """The columns that identify a resource under test; `lo` is None where the main date is not at hand; `own` is the
    table `resource` when the candidate is its row."""

    res_id: ColumnElement[int]
    lo: ColumnElement[int] | None = None
    own: FromClause | None = None


@dataclass(frozen=True, slots=True)
class Clauses:
    """Builds conditions for one query type. `inner` compiles the search at the end of a chain to its FHIR ids.

    Values go in through `binder`, so that the statement serves every search of the same shape.
    """

    registry: Registry
    type: str
    dialect: str
    binder: Binder
    inner: Callable[[str, Clause], Select[AnyType]]

    def condition(self, clause: Clause, at: Candidate) -> Bool:
        """Whether the candidate satisfies the clause."""
        if isinstance(clause, terms.All):
            return self.conjunction(clause.clauses, at)
        if isinstance(clause, terms.Any):
            return or_(false(), *(self.condition(one, at) for one in clause.clauses))
        if isinstance(clause, Not):
            return not_(self.condition(clause.clause, at))
        if isinstance(clause, Missing):
            return self._missing(clause, at)
        if isinstance(clause, Chain):
            return self._chain(clause, at)
        assert isinstance(clause, Match)
        return self._match(clause, at)

    def conjunction(self, clauses: Sequence[Clause], at: Candidate) -> Bool:
        """Whether it satisfies all of them. Dates of one parameter that has a single value are tested together."""
        rest: list[Clause] = []
        windows: dict[str, list[Moment]] = {}
        for clause in clauses:
            moment = self.window_part(clause)
            if moment is None or not isinstance(clause, Match):
                rest.append(clause)
            else:
                windows.setdefault(clause.parameter, []).append(moment)
        dates = [self._window(self.parameter(code), tuple(moments), at) for code, moments in windows.items()]
        return and_(true(), *(self.condition(clause, at) for clause in rest), *dates)

    def parameter(self, code: str) -> SearchParameter:
        """The parameter `code` of the query's type."""
        found = self.registry.parameter(self.type, code)
        assert found is not None, f"{self.type} has no parameter {code}"
        return found

    def window_part(self, clause: Clause) -> Moment | None:
        """The one date that the clause compares a single-valued date parameter with; None for any other clause."""
        if isinstance(clause, Match) and len(clause.values) == 1 and isinstance(clause.values[0], Moment):
            parameter = self.parameter(clause.parameter)
            if parameter.single and parameter.keys:
                return clause.values[0]
        return None

    def rows(self, match: Match) -> tuple[FromClause, Bool]:
        """The index table of the match (an alias) and which of its rows match."""
        parameter = self.parameter(match.parameter)
        identifier = match.modifier == "identifier"
        table = index.token.alias() if identifier else _TABLES[parameter.kind].alias()
        predicate = token.predicate if identifier else IMPLEMENTED[parameter.kind].predicate
        values = [predicate(table.c, self._asked(value, parameter, match.modifier)) for value in match.values]
        keys = parameter.identifier_keys if identifier else parameter.keys
        return table, and_(_among(table.c.param, keys), self._narrowed(table, parameter, identifier), or_(*values))

    def window_rows(self, parameter: SearchParameter, moments: tuple[Moment, ...]) -> FromClause:
        """The (lo, res_id) of the dates that satisfy all of `moments`: one bounded range of the index per class of length."""
        return union_all(*self._arms(parameter, moments)).subquery()

    def _arms(self, parameter: SearchParameter, moments: tuple[Moment, ...]) -> list[Select[AnyType]]:
        first, last = self._bounds(moments)
        arms = []
        for number, longest in enumerate(date.LONGEST):
            table = index.date.alias()
            ranges = [_among(table.c.param, parameter.keys), table.c.span == number]
            if first is not None and number < len(date.LONGEST) - 1:
                ranges.append(table.c.lo >= self._bound(moments, 0, longest))
            if last is not None:
                ranges.append(table.c.lo <= last)
            tests = [date.predicate(table.c, self._asked(moment, parameter)) for moment in moments]
            arms.append(select(table.c.lo, table.c.res_id).where(*ranges, *tests))
        return arms

    def _asked(self, value: Value, parameter: SearchParameter, modifier: str | None = None) -> Asked:
        place = self.binder.place(value)
        return Asked(value, modifier, parameter, self.registry.reading, lambda read: self.binder.bind(lambda values: read(values[place])))

    def _bounds(self, moments: Sequence[Moment]) -> tuple[BindParameter[int] | None, BindParameter[int] | None]:
        """The window that all of `moments` together leave open."""
        first, last = date.bounds(moments)
        return (None if first is None else self._bound(moments, 0, 0), None if last is None else self._bound(moments, 1, 0))

    def _bound(self, moments: Sequence[Moment], end: int, earlier: int) -> BindParameter[int]:
        """One end of that window, less `earlier` microseconds."""
        places = [self.binder.place(moment) for moment in moments]

        def read(values: Sequence[Value]) -> int:
            bound = date.bounds([value for place in places if isinstance(value := values[place], Moment)])[end]
            assert bound is not None, "searches of one shape have bounds at the same ends"
            return max(bound - earlier, BEGINNING)

        return self.binder.bind(read)

    def _narrowed(self, table: FromClause, parameter: SearchParameter, identifier: bool) -> Bool:
        if identifier or not parameter.only:
            return true()
        return _among(table.c.target_type, [self.registry.reading.literals.numbers[name] for name in sorted(parameter.only)])

    def _match(self, match: Match, at: Candidate) -> Bool:
        if match.parameter in WITHOUT_ROWS:
            return self._own(match, at)
        moment = self.window_part(match)
        if moment:
            return self._window(self.parameter(match.parameter), (moment,), at)
        table, condition = self.rows(match)
        found = self._within(table, condition, at, probes=_probes(self.parameter(match.parameter).kind, match))
        return not_(found) if match.modifier == "not" else found

    def _own(self, match: Match, at: Candidate) -> Bool:
        """A condition on the resource's own row."""
        rows = resource.alias() if at.own is None else at.own
        if match.parameter == "_id":
            bare = [
                self._asked(value, self.parameter("_id"))
                for value in match.values
                if isinstance(value, Token) and value.code and not value.system
            ]
            condition: Bool = rows.c.fhir_id.in_([one.bind(lambda value: value.code) for one in bare])
        else:
            instant, parameter = _Instant(rows.c.last_updated, rows.c.last_updated), self.parameter(match.parameter)
            condition = or_(*(date.predicate(instant, self._asked(value, parameter)) for value in match.values))
        if at.own is not None:
            return condition
        return exists().where(rows.c.res_id == at.res_id, condition).correlate_except(rows)

    def _window(self, parameter: SearchParameter, moments: tuple[Moment, ...], at: Candidate) -> Bool:
        if not parameter.main or at.lo is None:
            table = self.window_rows(parameter, moments)
            return self._within(table, true(), at, probes=False)
        first, last = self._bounds(moments)
        edge = at.lo <= last if last is not None else true()
        if first is None and all(moment.prefix in ("le", "lt") for moment in moments):
            return and_(edge, at.lo > MISSING)
        table = index.date.alias()
        tests = [date.predicate(table.c, self._asked(moment, parameter)) for moment in moments]
        same = [_among(table.c.param, parameter.keys), table.c.span.in_(range(len(date.LONGEST))), table.c.lo == at.lo]
        return and_(edge, exists().where(*same, table.c.res_id == at.res_id, *tests).correlate_except(table))

    def _within(self, table: FromClause, condition: Bool, at: Candidate, probes: bool) -> Bool:
        """Whether the candidate has a row of `table`. `probes`: the condition fixes the key up to (lo, res_id)."""
        if probes and at.lo is not None:
            return exists().where(condition, table.c.lo == at.lo, table.c.res_id == at.res_id).correlate_except(table)
        if self.dialect == "sqlite":
            return at.res_id.in_(select(table.c.res_id).where(condition))
        return exists().where(condition, table.c.res_id == at.res_id).correlate_except(table)

    def _missing(self, clause: Missing, at: Candidate) -> Bool:
        parameter = self.parameter(clause.parameter)
        if not parameter.keys:
            return false() if clause.missing else true()
        table = _TABLES[parameter.kind].alias()
        rows = and_(_among(table.c.param, parameter.keys), self._narrowed(table, parameter, identifier=False))
        found = self._within(table, rows, at, probes=False)
        return not_(found) if clause.missing else found

    def _chain(self, chain: Chain, at: Candidate) -> Bool:
        parameter = self.parameter(chain.parameter)
        table = index.reference.alias()
        ends = []
        for type, clause in chain.targets:
            number = self.registry.reading.literals.numbers[type]
            ends.append(and_(table.c.target_type == number, table.c.target_id.in_(self.inner(type, clause))))
        rows = and_(_among(table.c.param, parameter.keys), or_(false(), *ends))
        return self._within(table, rows, at, probes=False)


_TABLES = {name: getattr(index, kind.TABLE) for name, kind in IMPLEMENTED.items()}


def _probes(kind: str, match: Match) -> bool:
    if kind not in POSTINGS and match.modifier != "identifier":
        return False
    return not any(isinstance(value, Token) and value.code is None for value in match.values)


def _among(column: ColumnElement[int], values: Sequence[int]) -> Bool:
    return column == values[0] if len(values) == 1 else column.in_(values)


@dataclass(frozen=True, slots=True)
class _Instant:
    """`_lastUpdated` is one instant: an interval without length."""

    lo: ColumnElement[int]
    hi: ColumnElement[int]
