"""How a search is answered: the statements that it ran, with their parameters, and the plan that the database has for each.

For administrators: values of the search stand in the parameters. https://www.postgresql.org/docs/current/using-explain.html,
https://www.sqlite.org/eqp.html
"""

from dataclasses import dataclass, replace
from typing import Any

from service.search import across
from service.search.parameter import Registry
from service.search.query import Across, Query
from service.search.resolve import resolved
from service.search.rows import Ran, Search
from service.search.sight import Sight
from service.storage.database import Transaction

_EXPLAINED = {"postgresql": "EXPLAIN (FORMAT TEXT) ", "sqlite": "EXPLAIN QUERY PLAN "}


@dataclass(frozen=True, slots=True)
class Explanation:
    """One statement: what it was for, its SQL, the values of its parameters, and the lines of its plan."""

    purpose: str
    sql: str
    parameters: Any
    plan: tuple[str, ...]


def explained(tx: Transaction, registry: Registry, asked: Query | Across, sight: Sight) -> list[Explanation]:
    """What the first page of a search runs, in order. Raises BadRequest for what cannot be looked up."""
    queries = asked.queries if isinstance(asked, Across) else (asked,)
    ran: list[Ran] = []
    searches = [Search(tx, registry, resolved(tx, registry, replace(query, cursor=None), sight), None, ran) for query in queries]
    if queries[0].counts_only or queries[0].total:
        across.total(searches)
    if not queries[0].counts_only:
        across.page(searches, queries[0].count + 1, None)
    return [_explanation(tx, one) for one in ran]


def _explanation(tx: Transaction, ran: Ran) -> Explanation:
    lines = tx.connection.exec_driver_sql(_EXPLAINED[tx.dialect] + ran.sql, ran.parameters).all()
    return Explanation(ran.purpose, ran.sql, ran.parameters, tuple(str(line[-1]) for line in lines))
