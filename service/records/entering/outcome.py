"""What became of a form: the lines of the ledger that it made, with the balance of the vial, and the discrepancies that it opened."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from service.ledger import reading
from service.ledger.book import Book
from service.ledger.entry import COUNTED, Entry
from service.ledger.vial import Facts
from service.records.context import Context
from service.records.entering import looking
from service.records.entering.looking import Tree
from service.records.register import gate
from service.storage import ledger
from service.storage.database import Transaction
from service.storage.ledger import Asked, Vial

_FACTS = tuple(one.name for one in fields(Facts))


@dataclass(frozen=True, slots=True)
class Line:
    """One line: `balance_ug` is what the vial holds after everything; `book_ug`, for a count, what the book says of its time."""

    entry: Entry
    vial: Vial
    balance_ug: int
    book_ug: int | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """A resource that a form made, its lines, and the ids of the discrepancies that name it."""

    reference: str
    tree: Tree
    lines: tuple[Line, ...]
    discrepancies: tuple[str, ...]


def outcome(ctx: Context, reference: str) -> Outcome:
    """What became of `Type/id`. Raises Forbidden without `ledger.read`, and what reading the resource raises."""
    gate.require_read(ctx)
    tree = looking.one(ctx, reference)
    with ctx.snapshot() as tx:
        rows = list(ledger.lines(tx, Asked(sites=gate.sites(ctx, tx), source=reference)))
        lines = _lines(tx, [Entry(**row._mapping) for row in rows])
    return Outcome(reference, tree, lines, _discrepancies(ctx, reference))


def _lines(tx: Transaction, entries: Sequence[Entry]) -> tuple[Line, ...]:
    ids = {one.vial for one in entries}
    known = ledger.vials(tx, ids)
    books = {id: _book(known[id], [Entry(**row._mapping) for row in rows]) for id, rows in ledger.of_vials(tx, ids).items()}
    return tuple(_line(one, known[one.vial], books[one.vial]) for one in entries)


def _line(entry: Entry, vial: Vial, book: Book) -> Line:
    at_its_time = book.held(entry.occurred) if entry.kind == COUNTED else None
    return Line(entry, vial, book.held(), at_its_time)


def _book(vial: Vial, entries: Sequence[Entry]) -> Book:
    return Book(vial.vial, Facts(**{name: getattr(vial, name) for name in _FACTS}), entries)


def _discrepancies(ctx: Context, reference: str) -> tuple[str, ...]:
    found, _ = looking.several(ctx, "DetectedIssue", [("implicated", reference)], "discrepancies of what was written down")
    return tuple(one["id"] for one in found if reading.local_code(one.get("code")))
