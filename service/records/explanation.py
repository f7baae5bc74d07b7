"""`_explain=true`: how a search was understood, what it runs, and how the database goes about it. For administrators.

The setting EXPLAIN allows it: statements and plans tell of the database, and their parameters of the search.
"""

from service.config import PREFIX
from service.errors import BadRequest, Issue
from service.records.context import Context
from service.search.explain import Explanation, explained
from service.search.query import Across, Query


def require_allowed(ctx: Context, asked: Query | Across) -> None:
    """Raises BadRequest when an explanation is asked for and the setting does not allow it."""
    if _first(asked).explain and not ctx.service.settings.explain:
        raise BadRequest.of(
            "not-supported",
            "explain",
            f"'_explain' is switched off. An administrator switches it on with the setting {PREFIX}EXPLAIN.",
            "http._explain",
        )


def explanation(ctx: Context, asked: Query | Across) -> tuple[Issue, ...]:
    """What explains the first page of `asked`, when it asks for that: the parsed question, then each statement with its plan."""
    if not _first(asked).explain:
        return ()
    with ctx.snapshot() as tx:
        statements = explained(tx, ctx.service.registry, asked, ctx.access)
    return _told("explain-query", repr(asked)), *(_told("explain-statement", _statement(one)) for one in statements)


def _first(asked: Query | Across) -> Query:
    return asked.first if isinstance(asked, Across) else asked


def _statement(one: Explanation) -> str:
    return "\n".join((f"-- {one.purpose}", one.sql, f"-- parameters: {one.parameters!r}", "-- plan:", *one.plan))


def _told(rule: str, text: str) -> Issue:
    return Issue("information", "informational", rule, text)
