"""The shape of a search: everything but the values themselves. Searches of one shape run the same SQL with other parameters.

Whatever decides about the form of a statement belongs in here: which clauses, prefixes and parts of a value there are, and what the
choice of a driver looks at. https://hl7.org/fhir/R4/search.html
"""

from collections.abc import Hashable, Iterator

from service.search.query import (
    All,
    Any,
    Chain,
    Clause,
    Composite,
    Confined,
    Filter,
    Has,
    InList,
    Match,
    Missing,
    Moment,
    Not,
    Number,
    OfSite,
    Quantity,
    Query,
    Target,
    Text,
    Token,
    Value,
)
from service.search.types import string

UCUM = "http://unitsofmeasure.org"


def values(query: Query) -> list[Value]:
    """Every value of the query, in one order that depends on its shape alone."""
    return [value for clause in query.where for value in _values(clause)]


def shape(query: Query) -> Hashable:
    """Equal for queries that differ in values only."""
    return query.type, tuple(map(_clause, query.where)), query.sort


def _values(clause: Clause) -> Iterator[Value]:
    if isinstance(clause, Match):
        yield from clause.values
    elif isinstance(clause, Not | Filter | Has):
        yield from _values(clause.clause)
    elif isinstance(clause, All | Any):
        for one in clause.clauses:
            yield from _values(one)
    elif isinstance(clause, Chain):
        for _, below in clause.targets:
            yield from _values(below)
    elif isinstance(clause, Confined):
        yield clause.patient


def _clause(clause: Clause) -> Hashable:
    if isinstance(clause, Match):
        return clause.parameter, clause.modifier, tuple(map(_value, clause.values))
    if isinstance(clause, Missing):
        return clause
    if isinstance(clause, Not):
        return Not, _clause(clause.clause)
    if isinstance(clause, Chain):
        return Chain, clause.parameter, tuple((type, _clause(below)) for type, below in clause.targets)
    if isinstance(clause, Filter):
        return _clause(clause.clause)
    if isinstance(clause, Has):
        return Has, clause.type, clause.parameter, _clause(clause.clause)
    if isinstance(clause, Confined):
        return Confined, clause.parameter
    assert not isinstance(clause, InList | OfSite), "lists and sites are looked up before a search is compiled"
    return type(clause), tuple(map(_clause, clause.clauses))


def _value(value: Value) -> Hashable:
    if isinstance(value, Composite):
        return tuple(map(_value, value.parts))
    if isinstance(value, Token):
        return value.code is None, value.system is None, value.system == ""
    if isinstance(value, Target):
        return bool(value.id), value.type is None, bool(value.version), bool(value.url)
    if isinstance(value, Moment):
        return value.prefix
    if isinstance(value, Quantity):
        return value.prefix, value.system == UCUM, value.system is None, value.code is None
    if isinstance(value, Number):
        return value.prefix
    return string.is_long(value) if isinstance(value, Text) else None
