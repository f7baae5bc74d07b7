"""Clauses as SQL conditions on a candidate: each is one probe of an index, whatever the size of the tables.

A candidate is a resource under test: its res_id, its main date `lo`, and the columns of its row in `resource`. Two postings of one
resource agree on (lo, res_id), so a posting is probed by its primary key; everything else by (res_id, param). A search for a page is
`fenced`: PostgreSQL must not turn the probes into joins, so that the plan is the one that was chosen here and stays it while the tables
grow. Counts are not: whoever counts everything is better off with joins.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import SimpleNamespace
from typing import Any as AnyType

from sqlalchemy import BindParameter, ColumnElement, Select, and_, exists, false, literal_column, not_, or_, select, true

from service.fhir.temporal import BEGINNING
from service.search import many
from service.search import query as terms
from service.search.main_date import MISSING
from service.search.parameter import Registry
from service.search.query import Chain, Clause, Confined, Filter, Has, Match, Missing, Moment, Not, Token, Value
from service.search.statement import Binder
from service.search.type_plan import WITHOUT_ROWS
from service.search.types import IMPLEMENTED, date, token
from service.search.types.protocol import Asked, SearchParameter
from service.storage.tables import search as index
from service.storage.tables.resources import resource

Bool = ColumnElement[bool]
POSTINGS = frozenset({"token", "reference"})
AS_TOKENS = frozenset({"identifier", "text", "of-type"})
"""Modifiers whose rows are tokens, whatever the parameter is."""
_TABLES = {name: getattr(index, kind.TABLE) for name, kind in IMPLEMENTED.items()}


@dataclass(frozen=True, slots=True)
class Candidate:
    """The columns of a resource under test. `own` has those of `resource`; None where only res_id and lo are at hand."""

    res_id: ColumnElement[int]
    lo: ColumnElement[int]
    own: AnyType = None


@dataclass(frozen=True, slots=True)
class Clauses:
    """Builds conditions for one resource type. Values go in through `binder`, so that one statement serves every search of a shape."""

    registry: Registry
    type: str
    binder: Binder
    fenced: bool

    def of_type(self, type: str) -> "Clauses":
        """The same for another type, at the end of a chain."""
        return Clauses(self.registry, type, self.binder, self.fenced)

    def condition(self, clause: Clause, at: Candidate) -> Bool:
        """Whether the candidate satisfies the clause."""
        if isinstance(clause, terms.All):
            return and_(true(), *(self.condition(one, at) for one in clause.clauses))
        if isinstance(clause, terms.Any):
            return or_(false(), *(self.condition(one, at) for one in clause.clauses))
        if isinstance(clause, Not):
            return not_(self.condition(clause.clause, at))
        if isinstance(clause, Filter):
            return self.condition(clause.clause, at)
        reading: dict[type, Callable[[AnyType, Candidate], Bool]] = {
            Match: self._match,
            Missing: self._missing,
            Chain: self._chain,
            Has: self._has,
            Confined: self._confined,
        }
        return reading[clause.__class__](clause, at)

    def parameter(self, code: str) -> SearchParameter:
        """The parameter `code` of the type."""
        found = self.registry.parameter(self.type, code)
        assert found is not None, f"{self.type} has no parameter {code}"
        return found

    def points(self, match: Match) -> tuple[AnyType, Bool]:
        """The rows of the match that hold a point, not a range: one column is both ends, and the index can be read along it."""
        parameter = self.parameter(match.parameter)
        table = _TABLES[parameter.kind].alias()
        columns = SimpleNamespace(**{column.key: column for column in table.c})
        columns.hi = table.c.lo
        predicate = IMPLEMENTED[parameter.kind].predicate
        held = or_(*(predicate(columns, self.asked(value, parameter, match.modifier)) for value in match.values))
        return table, and_(_among(table.c.param, parameter.keys), table.c.hi == table.c.lo, held)

    def rows(
        self, match: Match, values: Sequence[Value] | None = None, keys: Sequence[int] | None = None, leads: bool = True
    ) -> tuple[AnyType, Bool]:
        """The index table of the match (an alias) and which of its rows match, all of them or those of some values and index parameters.

        `leads`: whether the rows are found by the values, not by a candidate that is at hand.
        """
        parameter = self.parameter(match.parameter)
        as_token = match.modifier in AS_TOKENS
        table = index.token.alias() if as_token else _TABLES[parameter.kind].alias()
        predicate = token.predicate if as_token else IMPLEMENTED[parameter.kind].predicate
        wanted = values or match.values
        if len(wanted) > MOST_PROBES and many.is_uniform(wanted):
            held = many.among(self.binder, table, wanted, self.registry.reading.literals.numbers, leads)
        else:
            held = or_(*(predicate(table.c, self.asked(value, parameter, match.modifier)) for value in wanted))
        among = _among(table.c.param, keys or parameter.keys_for(match.modifier))
        return table, and_(among, self.narrowed(table, parameter, as_token), held)

    def asked(self, value: Value, parameter: SearchParameter, modifier: str | None = None) -> Asked:
        """A value as a type's predicate reads it."""
        place = self.binder.place(value)
        return Asked(value, modifier, parameter, self.registry.reading, lambda read: self.binder.bind(lambda values: read(values[place])))

    def narrowed(self, table: AnyType, parameter: SearchParameter, as_token: bool = False) -> Bool:
        """Rows that the parameter shares with others count only where they point to its own target types."""
        if as_token or not parameter.only:
            return true()
        return _among(table.c.target_type, [self.number(name) for name in sorted(parameter.only)])

    def number(self, type: str) -> int:
        """The number of a resource type."""
        return self.registry.reading.literals.numbers[type]

    def window(self, moments: Sequence[Moment], earlier: int = 0) -> tuple[BindParameter[int] | None, BindParameter[int] | None]:
        """What all of `moments` together leave open, the beginning moved back by `earlier` microseconds."""
        first, last = date.bounds(moments)
        places = [self.binder.place(moment) for moment in moments]

        def read(end: int, back: int) -> Callable[[Sequence[Value]], int]:
            def bound(values: Sequence[Value]) -> int:
                found = date.bounds([value for place in places if isinstance(value := values[place], Moment)])[end]
                assert found is not None, "searches of one shape have bounds at the same ends"
                return max(found - back, BEGINNING)

            return bound

        return (
            None if first is None else self.binder.bind(read(0, earlier)),
            None if last is None else self.binder.bind(read(1, 0)),
        )

    def _match(self, match: Match, at: Candidate) -> Bool:
        if match.parameter in WITHOUT_ROWS:
            return self._own(match, at)
        parameter = self.parameter(match.parameter)
        if parameter.main and parameter.single:
            return self._main(match, at)
        table, condition = self.rows(match, leads=False)
        found = self._within(table, condition, at, posting=_is_posting(parameter, match))
        return not_(found) if match.modifier == "not" else found

    def _own(self, match: Match, at: Candidate) -> Bool:
        """A condition on the resource's own row."""
        if at.own is None:
            return self._beside(at, lambda beside: self._own(match, beside))
        parameter = self.parameter(match.parameter)
        if match.parameter == "_lastUpdated":
            instant = _Interval(at.own.c.last_updated, at.own.c.last_updated)
            return or_(*(date.predicate(instant, self.asked(value, parameter)) for value in match.values))
        bare = [value for value in match.values if isinstance(value, Token) and value.code and not value.system]
        condition = many.codes(self.binder, at.own.c.fhir_id, bare) if bare else false()
        return not_(condition) if match.modifier == "not" else condition

    def _main(self, match: Match, at: Candidate) -> Bool:
        """The main date stands in the resource's own row; what `lo` alone rules out need not be looked up."""
        if at.own is None:
            edges = [self.window([value])[1] if isinstance(value, Moment) else None for value in match.values]
            near = true() if None in edges else or_(*(at.lo <= edge for edge in edges if edge is not None))
            return and_(near, at.lo > MISSING, self._beside(at, lambda beside: self._main(match, beside)))
        parameter = self.parameter(match.parameter)
        interval = _Interval(at.lo, at.own.c.hi)
        tests = [date.predicate(interval, self.asked(value, parameter)) for value in match.values]
        return and_(at.lo > MISSING, or_(*tests))

    def _beside(self, at: Candidate, condition: Callable[[Candidate], Bool]) -> Bool:
        """A condition that needs the candidate's row in `resource`."""
        own = resource.alias()
        return self._exists(own, own.c.res_id == at.res_id, condition(Candidate(own.c.res_id, own.c.lo, own)))

    def _within(self, table: AnyType, condition: Bool, at: Candidate, posting: bool) -> Bool:
        """Whether the candidate has such a row of `table`. `posting`: the condition fixes the primary key up to (lo, res_id)."""
        return self._exists(table, condition, table.c.res_id == at.res_id, table.c.lo == at.lo if posting else true())

    def _exists(self, table: AnyType, *conditions: Bool) -> Bool:
        found: Select[AnyType] = select(literal_column("1")).where(*conditions).correlate_except(table)
        if self.fenced:
            found = found.offset(literal_column("0"))
        return exists(found)

    def _missing(self, clause: Missing, at: Candidate) -> Bool:
        parameter = self.parameter(clause.parameter)
        if not parameter.keys:
            return false() if clause.missing else true()
        if parameter.main and parameter.single:
            return at.lo == MISSING if clause.missing else at.lo > MISSING
        found = self.has_rows(parameter, at)
        if beside := _beside(parameter):
            tokens = index.token.alias()
            found = or_(found, self._within(tokens, _among(tokens.c.param, beside), at, posting=False))
        return not_(found) if clause.missing else found

    def has_rows(self, parameter: SearchParameter, at: Candidate) -> Bool:
        """Whether the candidate has a value of its own; what only `:identifier` or `:text` would find is not looked at."""
        table = _TABLES[parameter.kind].alias()
        return self._within(table, and_(_among(table.c.param, parameter.keys), self.narrowed(table, parameter)), at, posting=False)

    def _chain(self, chain: Chain, at: Candidate) -> Bool:
        """A reference of the candidate leads to a living resource that satisfies the clause of its type."""
        parameter = self.parameter(chain.parameter)
        table, own = index.reference.alias(), resource.alias()
        ends = []
        for type, clause in chain.targets:
            found = self.of_type(type).condition(clause, Candidate(own.c.res_id, own.c.lo, own))
            there = self._exists(own, own.c.type == self.number(type), own.c.fhir_id == table.c.target_id, own.c.deleted.is_(False), found)
            ends.append(and_(table.c.target_type == self.number(type), there))
        return self._within(table, and_(_among(table.c.param, parameter.keys), or_(false(), *ends)), at, posting=False)

    def _has(self, has: Has, at: Candidate) -> Bool:
        """A resource of the other type refers to the candidate and satisfies the clause."""
        if at.own is None:
            return self._beside(at, lambda beside: self._has(has, beside))
        other = self.of_type(has.type)
        parameter = other.parameter(has.parameter)
        table = index.reference.alias()
        points = and_(table.c.target_id == at.own.c.fhir_id, table.c.target_type == self.number(self.type))
        held = other.condition(has.clause, Candidate(table.c.res_id, table.c.lo))
        return self._exists(table, _among(table.c.param, parameter.keys), points, held)

    def _confined(self, clause: Confined, at: Candidate) -> Bool:
        """No reference of the parameter leads into the record of another patient."""
        place, number = self.binder.place(clause.patient), self.number("Patient")
        id = self.binder.bind(lambda values: values[place].id)  # type: ignore[union-attr]
        table, own, member = index.reference.alias(), resource.alias(), index.reference.alias()
        named = and_(member.c.target_type == number, member.c.target_id == id, _among(member.c.param, of_patients(self.registry)))
        there = and_(own.c.type == table.c.target_type, own.c.fhir_id == table.c.target_id, member.c.res_id == own.c.res_id)
        is_theirs: Select[AnyType] = select(literal_column("1")).where(there, named).correlate_except(own, member)
        is_mine = or_(and_(table.c.target_type == number, table.c.target_id == id), exists(is_theirs))
        personal = table.c.target_type.in_([self.number(name) for name in sorted(self.registry.compartments["Patient"])])
        leads = and_(_among(table.c.param, self.parameter(clause.parameter).keys), personal, ~table.c.target_id.contains("/"))
        return not_(self._within(table, and_(leads, not_(is_mine)), at, posting=False))


@lru_cache(maxsize=8)
def of_patients(registry: Registry) -> tuple[int, ...]:
    """The index parameters that put a resource into the record of a patient."""
    listed = registry.compartments["Patient"]
    served = (name for name in listed if name in registry.definitions.types)
    return tuple(sorted({key for name in served for code in listed[name] for key in registry.keys_of(name, code)}))


def _is_posting(parameter: SearchParameter, match: Match) -> bool:
    """Whether every value names a whole code or target, so that a row is found by the primary key."""
    if len(match.values) > MOST_PROBES:
        return False
    if match.modifier == "text" or not (parameter.kind in POSTINGS or match.modifier in AS_TOKENS):
        return False
    return not any(isinstance(value, Token) and value.code is None for value in match.values)


_LOGICAL, _TEXTUAL = frozenset({"Reference"}), frozenset({"CodeableConcept", "Coding", "Identifier"})


def _beside(parameter: SearchParameter) -> tuple[int, ...]:
    """The keys of what may stand alone: an identifier without a literal reference, a text without a code."""
    if parameter.kind == "reference" and parameter.elements & _LOGICAL:
        return parameter.keys_for("identifier")
    return parameter.keys_for("text") if parameter.kind == "token" and parameter.elements & _TEXTUAL else ()


MOST_PROBES = 8
"""Up to so many values each is probed by itself; more are compared with what the resource has."""


def _among(column: ColumnElement[int], values: Sequence[int]) -> Bool:
    return column == values[0] if len(values) == 1 else column.in_(values)


@dataclass(frozen=True, slots=True)
class _Interval:
    """Two columns that a date's predicate compares: `_lastUpdated` is an interval without length."""

    lo: ColumnElement[int]
    hi: ColumnElement[int]
