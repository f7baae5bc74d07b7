"""Query -> query string: `parse(unparse(query)) == query`. Self and next links come from here, so they say what was applied.

https://hl7.org/fhir/R4/search.html#conformance
"""

from collections.abc import Callable, Iterator

from service.search.parameter import Registry
from service.search.query import Chain, Clause, Match, Missing, Query, Value
from service.search.types import IMPLEMENTED, token

Pair = tuple[str, str]


def unparse(registry: Registry, query: Query) -> list[Pair]:
    """Names and values, not yet percent-encoded. Raises TypeError for clauses that no query string can say."""
    pairs = [_pair(registry, query.type, clause) for clause in query.where]
    pairs.extend(_result(query))
    return pairs


def _pair(registry: Registry, type: str, clause: Clause) -> Pair:
    if isinstance(clause, Missing):
        return f"{clause.parameter}:missing", "true" if clause.missing else "false"
    if isinstance(clause, Chain):
        target, inner = clause.targets[0]
        name, text = _pair(registry, target, inner)
        return f"{clause.parameter}{':' + clause.type if clause.type else ''}.{name}", text
    if isinstance(clause, Match):
        return _match(registry, type, clause)
    raise TypeError(f"{clause} has no form in a query string")


def _match(registry: Registry, type: str, match: Match) -> Pair:
    parameter = registry.parameter(type, match.parameter)
    assert parameter is not None, f"{type} has no parameter {match.parameter}"
    write: Callable[[Value], str] = token.write if match.modifier == "identifier" else IMPLEMENTED[parameter.kind].write
    return f"{match.parameter}{':' + match.modifier if match.modifier else ''}", ",".join(map(write, match.values))


def _result(query: Query) -> Iterator[Pair]:
    if query.sort:
        yield "_sort", ",".join(("-" if key.descending else "") + key.parameter for key in query.sort)
    for include in query.includes:
        parts = [include.source, include.parameter, *([include.target] if include.target else [])]
        yield "_revinclude" if include.reverse else "_include", ":".join(parts)
    if query.asked_count is not None:
        yield "_count", str(query.asked_count)
    if query.total:
        yield "_total", query.total
    if query.summary:
        yield "_summary", query.summary
    if query.elements:
        yield "_elements", ",".join(query.elements)
    if query.cursor is not None:
        yield "_cursor", query.cursor
