"""Conditions of conditional interactions: a search that runs inside the write transaction, one writer at a time per condition.

Two clients with the same condition must not both find nothing and both create
(https://hl7.org/fhir/R4/http.html#ccreate). Every clause of a condition is a lock that a write takes before its first search runs:
whoever comes second sees what the first one made. The same search pipeline answers as for everyone; there is no second matcher.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, urlencode

from service.errors import BadRequest
from service.records.context import Context
from service.records.write import naming
from service.search.execute import Candidate, matching
from service.search.parse import Options, parse
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
    locks.hold(tx, (f"{type}&{name}={value}" for type, query in wanted for name, value in _pairs(query)))
    found: dict[Condition, Sequence[Candidate]] = {}
    for condition in wanted:
        with naming(conditions[condition]):
            found[condition] = _matches(ctx, tx, condition, limit)
    return found


def normal(type: str, query: str) -> Condition:
    """The condition in one form of percent-encoding, so that two writings of it are known to be the same."""
    return type, urlencode(_pairs(query))


def _matches(ctx: Context, tx: Transaction, condition: Condition, limit: int) -> Sequence[Candidate]:
    type, text = condition
    pairs = _pairs(text)
    options = Options(lenient=False, time_zone=ctx.service.settings.time_zone, default_count=limit, max_count=limit)
    query = parse(ctx.service.registry, type, pairs, options)
    if not query.restricts:
        raise BadRequest.of(
            "invalid", "condition-empty", f"The condition {text[:80]!r} restricts nothing. Give at least one search parameter of {type}."
        )
    return matching(tx, ctx.service.registry, query, limit)


def _pairs(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True)
