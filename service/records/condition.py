"""Conditions of conditional interactions: a search that runs inside the write transaction, one writer at a time per condition.

Two clients with the same condition must not both find nothing and both create
(https://hl7.org/fhir/R4/http.html#ccreate). Every value of a condition is a lock that a write takes before its first search runs:
whoever comes second sees what the first one made. What is locked is the value as it was understood, however it was written, and a code or
an id alone: `identifier=x` waits for `identifier=system|x`. The same search pipeline answers as for everyone; there is no second matcher.
"""

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import parse_qsl, urlencode

from service.errors import BadRequest
from service.records import authority
from service.records.context import Context
from service.records.write import naming
from service.search.execute import Candidate, matching
from service.search.parameter import Registry
from service.search.parse import Options, parse
from service.search.query import Clause, Match, Query, Target, Token, Value
from service.search.unparse import unparse, written
from service.storage import locks
from service.storage.database import Transaction

Condition = tuple[str, str]
"""A resource type and a search string, such as `Patient` and `identifier=x|1`."""

_ENOUGH_TO_BE_AMBIGUOUS = 2
MOST_CONDITIONS = 2000


def resolve(
    ctx: Context, tx: Transaction, conditions: Mapping[Condition, int], limit: int = _ENOUGH_TO_BE_AMBIGUOUS
) -> Mapping[Condition, Sequence[Candidate]]:
    """What each condition matches now, at most `limit` resources each; the conditions stay locked until `tx` ends.

    `conditions` says which change each comes from, for the errors. BadRequest when one cannot be understood or restricts
    nothing: it would match whatever there is, or when there are more than MOST_CONDITIONS.
    """
    wanted = sorted(conditions)
    if len(wanted) > MOST_CONDITIONS:
        raise BadRequest.of(
            "too-costly", "condition-many", f"The write asks {len(wanted)} conditions; this server looks up {MOST_CONDITIONS}. Split it."
        )
    queries: dict[Condition, Query] = {}
    for condition in wanted:
        with naming(conditions[condition]):
            queries[condition] = _query(ctx, condition, limit)
            authority.reachable(ctx, ctx.service.registry, queries[condition])
    registry = ctx.service.registry
    locks.hold(tx, (name for query in queries.values() for clause in query.where for name in _names(registry, query.type, clause)))
    found: dict[Condition, Sequence[Candidate]] = {}
    for condition, query in queries.items():
        with naming(conditions[condition]):
            found[condition] = matching(tx, registry, query, limit, ctx.access)
    return found


def normal(type: str, query: str) -> Condition:
    """The condition in one form of percent-encoding, so that two writings of it are known to be the same."""
    return type, urlencode(_pairs(query))


def _query(ctx: Context, condition: Condition, limit: int) -> Query:
    type, text = condition
    options = Options(lenient=False, time_zone=ctx.service.settings.time_zone, default_count=limit, max_count=limit)
    query = parse(ctx.service.registry, type, _pairs(text), options)
    if not query.restricts:
        raise BadRequest.of(
            "invalid", "condition-empty", f"The condition {text[:80]!r} restricts nothing. Give at least one search parameter of {type}."
        )
    return query


def _names(registry: Registry, type: str, clause: Clause) -> Iterator[str]:
    """What a clause is locked by."""
    if isinstance(clause, Match):
        yield from (f"{type}&{clause.parameter}={_subject(value)}" for value in clause.values)
    else:
        name, text = unparse(registry, Query(type, (clause,)))[0]
        yield f"{type}&{name}={text}"


def _subject(value: Value) -> str:
    if isinstance(value, Token) and value.code:
        return value.code
    if isinstance(value, Target) and value.id:
        return value.id
    return written(value)


def _pairs(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True)
