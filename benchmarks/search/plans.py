"""How the database came to its answers: the plans of the statements that ran, as they ran, with the pages they touched.

On PostgreSQL from auto_explain (https://www.postgresql.org/docs/current/auto-explain.html), which sends them to the session: a prepared
statement that has settled for a generic plan shows that one. On SQLite from EXPLAIN QUERY PLAN, which knows no pages.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import event, text

from benchmarks.search.asking import Ask, answered, request
from benchmarks.search.stores import service
from service.records.context import Service

LARGE = 20_000
"""Rows from which a table counts as large."""
_MARK = "plan:\n"
_SETTINGS = (
    "LOAD 'auto_explain'",
    "SET auto_explain.log_min_duration = 0",
    "SET auto_explain.log_analyze = on",
    "SET auto_explain.log_buffers = on",
    "SET auto_explain.log_timing = off",
    "SET auto_explain.log_format = 'json'",
    "SET client_min_messages = 'log'",
)
_REPEATS = 12
"""Enough for the driver to prepare a statement, and for PostgreSQL to decide between its plan for these values and one for all."""


@dataclass(frozen=True, slots=True)
class Explained:
    """The statements of one request: their plans, all pages that they touched, and the large tables that they read from end to end."""

    plans: Sequence[Mapping[str, Any]] = ()
    pages: int | None = None
    scanned: frozenset[str] = frozenset()

    def text(self) -> str:
        """The statements with their plans, for people."""
        return "\n\n".join(f"{plan['Query Text'].strip()}\n" + "\n".join(_lines(plan["Plan"], 0)) for plan in self.plans)


@dataclass(slots=True)
class Glass:
    """A service whose statements are watched."""

    service: Service
    large: frozenset[str]
    seen: list[dict[str, Any]] = field(default_factory=list)

    def explain(self, asks: Sequence[Ask]) -> list[Explained]:
        """What each of the questions took, after enough repetition for the plans to settle."""
        for number in range(_REPEATS):
            answered(self.service, request(asks[number % len(asks)]))
        return [self._explained(ask) for ask in asks]

    def _explained(self, ask: Ask) -> Explained:
        self.seen.clear()
        answered(self.service, request(ask))
        plans = [plan for plan in self.seen if "resource" in plan["Query Text"] or "search_" in plan["Query Text"]]
        pages = [plan["pages"] for plan in plans]
        scanned = {table for plan in plans for table in plan["scans"] if table in self.large}
        return Explained(plans, sum(pages) if pages and None not in pages else None, frozenset(scanned))


@contextmanager
def glass(url: str) -> Iterator[Glass]:
    """Watches a service of its own on the database, over one connection."""
    watched = service(url, pool_size=2)
    engine = watched.database.engine
    postgresql = watched.database.dialect == "postgresql"
    with engine.connect() as connection:
        found = Glass(watched, _large_postgresql(connection) if postgresql else _large_sqlite(connection))
    engine.dispose()
    if postgresql:
        event.listen(engine, "connect", lambda connection, _: _listen(connection, found))
    else:
        event.listen(engine, "after_cursor_execute", lambda *given: _explain_sqlite(given, found))
    try:
        yield found
    finally:
        watched.database.dispose()


def _large_postgresql(connection: Any) -> frozenset[str]:
    rows = connection.execute(text("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples >= :large"), {"large": LARGE})
    return frozenset(rows.scalars())


def _large_sqlite(connection: Any) -> frozenset[str]:
    names = list(connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars())
    counts = {name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in names}
    return frozenset(name for name, count in counts.items() if count >= LARGE)


def _listen(connection: Any, found: Glass) -> None:
    connection.add_notice_handler(lambda notice: _note(notice.message_primary or "", found))
    for statement in _SETTINGS:
        connection.execute(statement)
    connection.commit()


def _note(message: str, found: Glass) -> None:
    if _MARK in message:
        plan = json.loads(message.split(_MARK, 1)[1])
        top = plan["Plan"]
        plan["pages"] = top["Shared Hit Blocks"] + top["Shared Read Blocks"]
        plan["scans"] = {node["Relation Name"] for node in _nodes(top) if node["Node Type"] == "Seq Scan"}
        found.seen.append(plan)


def _explain_sqlite(given: Sequence[Any], found: Glass) -> None:
    _, cursor, statement, parameters, *_ = given
    if not statement.lstrip().upper().startswith(("SELECT", "WITH")):
        return
    details = [row[3] for row in cursor.connection.execute("EXPLAIN QUERY PLAN " + statement, parameters)]
    tables = {name for detail in details if detail.startswith("SCAN ") for name in found.large if detail.split()[1].startswith(name)}
    plan = {"Query Text": statement, "Plan": {"Node Type": "plan", "Plans": [{"Node Type": one} for one in details]}}
    found.seen.append({**plan, "pages": None, "scans": tables})


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)


def _lines(node: Mapping[str, Any], depth: int) -> Iterator[str]:
    named = [node["Node Type"], node.get("Index Name", ""), f"on {node['Relation Name']}" if "Relation Name" in node else ""]
    facts = (
        [f"rows {node.get('Actual Rows', 0)} x {node.get('Actual Loops', 0)} (planned {node.get('Plan Rows', 0)})"]
        if "Plan Rows" in node
        else []
    )
    if "Shared Hit Blocks" in node:
        facts.append(f"pages {node['Shared Hit Blocks'] + node['Shared Read Blocks']}")
    facts += [f"removed {node[name]}" for name in node if name.startswith("Rows Removed")]
    facts += [
        f"{name}: {str(node[name])[:300]}" for name in ("Index Cond", "Filter", "Join Filter", "Hash Cond", "Sort Key") if name in node
    ]
    yield "  " * depth + " ".join(filter(None, named)) + (f" [{'; '.join(facts)}]" if facts else "")
    for below in node.get("Plans", ()):
        yield from _lines(below, depth + 1)
