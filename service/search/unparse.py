"""Query -> query string: `parse(unparse(query)) == query`. Self and next links come from here, so they say what was applied.

One pair may mean something of its own to each type that it is asked of: `organization=o1` is a reference to an Organization where nothing
else can be meant, and to anything where much can. What is printed is read back as every one of these meanings.
https://hl7.org/fhir/R4/search.html#conformance
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any as AnyType

from service.errors import BadRequest
from service.search.clause_reader import ClauseReader
from service.search.parameter import Registry
from service.search.query import (
    Across,
    Any,
    Chain,
    Clause,
    Composite,
    Filter,
    Has,
    Include,
    InList,
    Match,
    Missing,
    Moment,
    Not,
    Number,
    OfType,
    Quantity,
    Query,
    Target,
    Text,
    Token,
    Uri,
    Value,
)
from service.search.result_parameters import ANY
from service.search.types import date, escapes, number, quantity, reference, string, token, uri

Pair = tuple[str, str]
Reading = tuple[str, Clause]
"""A type, and what a pair means to it."""


_WRITERS: Mapping[type, Callable[[AnyType], str]] = {
    Moment: date.write,
    Number: number.write,
    OfType: lambda value: "|".join(map(escapes.escaped, (value.system, value.code, value.value))),
    Quantity: quantity.write,
    Target: reference.write,
    Text: string.write,
    Token: token.write,
    Uri: uri.write,
}


def unparse(registry: Registry, query: Query | Across) -> list[Pair]:
    """Names and values, not yet percent-encoded. Raises TypeError for clauses that no query string can say.

    A compartment is no part of them: it stands in the path.
    """
    if isinstance(query, Query):
        return [*(_pair(registry, [(query.type, clause)]) for clause in query.where), *_result(query)]
    types = [("_type", ",".join(query.types))] if query.types else []
    columns = zip(*(one.where for one in query.queries), strict=True)
    names = [one.type for one in query.queries]
    return [*types, *(_pair(registry, list(zip(names, column, strict=True))) for column in columns), *_result(query.first)]


def _pair(registry: Registry, readings: Sequence[Reading]) -> Pair:
    """The pair that is read as all of `readings`. They differ in the types of their ends only, so the first gives the name."""
    (type, first), *_ = readings
    if isinstance(first, Not):
        return f"{_alias(registry, type, first)}:missing", "true"
    name = _name(first)
    texts = list(dict.fromkeys(text for _, clause in readings for text in _texts(clause)))
    if len(texts) > 1:
        texts += dict.fromkeys(text for _, clause in readings for text in _texts(clause, bare=True))
        texts = [text for text in texts if _is_read_as(registry, name, text, readings)] or texts
    return name, texts[0]


def _alias(registry: Registry, type: str, clause: Not) -> str:
    """The parameter whose absence the clause is: the one that stands for its chain."""
    chain = _name(clause.clause).removesuffix(":missing")
    for code, parameter in registry.for_type(type).items():
        if parameter.alias == chain:
            return code
    raise TypeError(f"{clause} has no form in a query string")


def _is_read_as(registry: Registry, name: str, text: str, readings: Sequence[Reading]) -> bool:
    try:
        return all(ClauseReader(registry, registry.reading).clause(type, name, text) == clause for type, clause in readings)
    except BadRequest:
        return False


def _name(clause: Clause) -> str:
    if isinstance(clause, Missing):
        return f"{clause.parameter}:missing"
    if isinstance(clause, Chain):
        return f"{clause.parameter}{':' + clause.type if clause.type else ''}.{_name(clause.targets[0][1])}"
    if isinstance(clause, Has):
        return f"_has:{clause.type}:{clause.parameter}:{_name(clause.clause)}"
    if isinstance(clause, Match):
        return f"{clause.parameter}{':' + clause.modifier if clause.modifier else ''}"
    if isinstance(clause, Filter):
        return "_filter"
    if isinstance(clause, InList | Any) and _lists(clause):
        return "_list"
    raise TypeError(f"{clause} has no form in a query string")


def _texts(clause: Clause, bare: bool = False) -> Iterator[str]:
    """The value of the pair as each end of the clause would print it; `bare`: with the ids of references alone."""
    if isinstance(clause, Missing):
        yield "true" if clause.missing else "false"
    elif isinstance(clause, Chain):
        for _, below in clause.targets:
            yield from _texts(below, bare)
    elif isinstance(clause, Has):
        yield from _texts(clause.clause, bare)
    elif isinstance(clause, Match):
        yield ",".join(written(_bare(value) if bare else value) for value in clause.values)
    elif isinstance(clause, Filter):
        yield clause.text
    elif isinstance(clause, InList | Any):
        yield ",".join(_lists(clause))


def written(value: Value) -> str:
    """The text of one value, its separators escaped."""
    if isinstance(value, Composite):
        return "$".join(map(written, value.parts))
    return _WRITERS[type(value)](value)


def _bare(value: Value) -> Value:
    return Target(value.id) if isinstance(value, Target) and value.id and not value.version else value


def _lists(clause: InList | Any) -> list[str]:
    """The ids of `_list`; none when it is another clause."""
    if isinstance(clause, InList):
        return [clause.id]
    ids = [one.id for one in clause.clauses if isinstance(one, InList)]
    return ids if len(ids) == len(clause.clauses) else []


def _result(query: Query) -> Iterator[Pair]:
    if query.sort:
        yield "_sort", ",".join(("-" if key.descending else "") + key.parameter for key in query.sort)
    yield from map(_include, query.includes)
    if query.asked_count is not None:
        yield "_count", str(query.asked_count)
    if query.total:
        yield "_total", query.total
    if query.summary:
        yield "_summary", query.summary
    if query.elements:
        yield "_elements", ",".join(query.elements)
    if query.explain:
        yield "_explain", "true"
    if query.cursor is not None:
        yield "_cursor", query.cursor


def _include(include: Include) -> Pair:
    name = ("_revinclude" if include.reverse else "_include") + (":iterate" if include.iterate else "")
    if include.source == ANY:
        return name, ANY
    return name, ":".join([include.source, include.parameter, *([include.target] if include.target else [])])
