"""Query -> a page of AuditEvents, in the transaction it is given. Cursors are signed with the question and with who asks it."""

from collections.abc import Sequence
from dataclasses import dataclass

from service.search.audit.clauses import Compiler
from service.search.paging import Cursors, Position
from service.search.parameter import Registry
from service.search.query import Clause, Query
from service.search.unparse import Pair
from service.storage import audit_search
from service.storage.audit_search import After, Row
from service.storage.database import Transaction

_ESTIMATED = ("estimate", "accurate")


@dataclass(frozen=True, slots=True)
class Asked:
    """A search of the trail: the question, the restriction that holds whatever is asked, and what its cursors are signed with."""

    query: Query
    restriction: Clause
    canonical: Sequence[Pair]


@dataclass(frozen=True, slots=True)
class Rows:
    """What is on a page. `total` is None when it was not asked for and does not follow; `next` is a cursor."""

    rows: tuple[Row, ...]
    total: int | None
    next: str | None


def page(tx: Transaction, registry: Registry, asked: Asked, cursors: Cursors) -> Rows:
    """One page, the newest event first unless the query says otherwise. Raises BadRequest for a cursor of another question or caller."""
    query, compiler = asked.query, Compiler(registry)
    condition = compiler.query(query) & compiler.clause(asked.restriction)
    after = _after(cursors.read(asked.canonical, query.cursor)) if query.cursor is not None else None
    if query.counts_only:
        return Rows((), audit_search.total(tx, condition), None)
    newest_first = query.sort[0].descending if query.sort else True
    found = audit_search.page(tx, condition, query.count + 1, after, newest_first)
    shown, more = found[: query.count], len(found) > query.count
    following = cursors.write(asked.canonical, _position(shown[-1])) if more else None
    return Rows(tuple(shown), _total(tx, query, condition, None if after or more else len(shown)), following)


def one(tx: Transaction, registry: Registry, clause: Clause) -> Row | None:
    """The only row of which the clause holds; None when there is none."""
    found = audit_search.page(tx, Compiler(registry).clause(clause), 1)
    return found[0] if found else None


def _total(tx: Transaction, query: Query, condition: audit_search.Condition, known: int | None) -> int | None:
    if query.total == "none" or known is not None:
        return None if query.total == "none" else known
    return audit_search.total(tx, condition) if query.total in _ESTIMATED else None


def _position(row: Row) -> Position:
    return Position((row.recorded, row.place), row.serial)


def _after(position: Position) -> After:
    recorded, place = position.values
    return After(int(recorded or 0), position.res_id, int(place or 0))
