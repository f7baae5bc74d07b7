"""The ledger once more, from the record alone: every commit is posted again in its order, and the lines are compared.

Nothing is written: a ledger that only grows is not replaced. A difference means that somebody changed the tables beneath the service, or
that the service derived something wrongly.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from service.ledger import entry as lines
from service.ledger.book import Book, chained
from service.ledger.entry import Entry
from service.ledger.scene import CONTROLLED, Tree, Written
from service.ledger.stated import Unpostable
from service.ledger.vial import facts
from service.records.context import Context, Service
from service.records.register import balancing, following
from service.records.register.scene import RecordScene, local
from service.security.caller import Caller
from service.storage import ledger, ledger_replay
from service.storage.database import Transaction

_READ: Mapping[str, str] = {
    "Encounter": "",
    "Medication": "",
    "MedicationAdministration": "",
    "MedicationDispense": "",
    "Observation": "cs-",
    "SupplyDelivery": "",
}
"""The types that lines come from, and a text without which none can come."""
_COMPARED = tuple(name for name in Entry.__dataclass_fields__ if name not in ("flags", "previous", "hash"))


@dataclass(slots=True)
class _Shelf:
    """The books as they were derived so far, and in which of them a visit (`Encounter/id`) or a record (`Type/id`) is named."""

    books: dict[str, Book] = field(default_factory=dict)
    naming: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def put(self, book: Book, fresh: Sequence[Entry]) -> None:
        """Add lines to a book."""
        self.books[book.vial] = Book(book.vial, book.facts, [*book.entries, *fresh])
        for line in fresh:
            for name in (line.encounter, line.reference):
                self.naming[name].add(book.vial)


@dataclass(slots=True)
class _Replay(RecordScene):
    """The record as it was when one commit was made. `shelf` holds the books as they were derived so far.

    What the commit wrote of types that post nothing is read as it was after it: a safe that came in one Bundle with its vial.
    """

    stamp: int = 0
    shelf: _Shelf = field(default_factory=_Shelf)

    @property
    def now(self) -> int:
        return self.stamp

    @property
    def wants_receipts(self) -> bool:
        """No: what was taken then was taken, whatever the setting is now."""
        return False

    def load(self, vials: Sequence[str]) -> None:
        for vial in vials:
            tree = self.get(f"Medication/{vial}")
            if tree is not None and vial not in self.books:
                kept = self.shelf.books.get(vial)
                self.books[vial] = Book(vial, facts(tree), kept.entries if kept else ())

    def posted(self, encounters: Collection[str], sources: Collection[str]) -> set[str]:
        return {vial for name in (*encounters, *sources) for vial in self.shelf.naming.get(name, ())}

    def _stored(self, reference: str) -> Tree | None:
        if reference not in self._seen:
            type, _, id = reference.partition("/")
            numbers = self.ctx.service.definitions
            until = self.stamp + (reference not in self.after)
            body = ledger_replay.before(self.tx, (numbers.type_number(type), id), until) if type in numbers.types else None
            self._seen[reference] = local(self.ctx, body) if body else None
        return self._seen[reference]


def check(service: Service) -> tuple[int, list[str]]:
    """How many lines there are, and every difference from what the record says that they must be, one sentence each."""
    ctx = Context(service, Caller.internal("ledger"))
    with ctx.snapshot() as tx:
        kept: dict[str, list[Entry]] = defaultdict(list)
        for row in ledger.lines(tx, ledger.Asked()):
            kept[row.vial].append(Entry(*tuple(row)))
        for known in kept.values():
            known.sort(key=lambda line: line.number)
        derived = _derived(ctx, tx)
        rows = ledger.vials(tx, kept)
        found: list[str] = []
        for vial in sorted({*kept, *derived}):
            found += _compared(vial, kept.get(vial, []), derived.get(vial, []))
            found += _headed(vial, kept.get(vial, []), rows.get(vial))
    return sum(map(len, kept.values())), found


def _compared(vial: str, kept: Sequence[Entry], derived: Sequence[Entry]) -> Iterator[str]:
    if not chained(kept):
        yield f"Medication/{vial}: the chain of its lines is broken."
    for number in range(max(len(kept), len(derived))):
        if number >= len(kept):
            yield f"Medication/{vial}: line {number + 1} is missing: {derived[number].kind} by {derived[number].source}."
        elif number >= len(derived):
            yield f"Medication/{vial}: line {number + 1} ({kept[number].kind} by {kept[number].source}) does not follow from the record."
        else:
            if _flags(kept[number]) != _flags(derived[number]):
                yield f"Medication/{vial}: line {number + 1} is marked {kept[number].flags!r}, by the record {derived[number].flags!r}."
            for name in _COMPARED:
                is_, should = getattr(kept[number], name), getattr(derived[number], name)
                if is_ != should:
                    yield f"Medication/{vial}: line {number + 1} says {name} {is_!r}, the record {should!r}."


def _headed(vial: str, kept: Sequence[Entry], row: ledger.Vial | None) -> Iterator[str]:
    """What the vial's row repeats of its newest line."""
    if row is None:
        yield f"Medication/{vial}: the vial is missing."
    elif kept and (row.entries, row.head) != (len(kept), kept[-1].hash):
        yield f"Medication/{vial}: its row is at line {row.entries}, its lines end at {len(kept)}."
    else:
        held = sum(
            ((line.target.startswith(f"{lines.VIAL}/")) - (line.origin.startswith(f"{lines.VIAL}/"))) * line.amount_ug for line in kept
        )
        if held != row.remaining_ug:
            yield f"Medication/{vial}: its row says {row.remaining_ug} micrograms, its lines {held}."


def _derived(ctx: Context, tx: Transaction) -> dict[str, list[Entry]]:
    definitions = ctx.service.definitions
    wanted = {definitions.type_number(type): text for type, text in _READ.items() if type in definitions.types}
    shelf = _Shelf()
    for stamp, group in groupby(ledger_replay.committed(tx, wanted), key=lambda row: row.last_updated):
        _again(ctx, tx, shelf, stamp, list(group))
    return {vial: list(book.entries) for vial, book in shelf.books.items()}


def _again(ctx: Context, tx: Transaction, shelf: _Shelf, stamp: int, rows: Sequence[Any]) -> None:
    """Judge what was committed at `stamp` once more, and add its lines to the books."""
    name = ctx.service.definitions.type_name
    named = {f"{name(row.type)}/{row.fhir_id}": row for row in rows}
    after = {reference: local(ctx, row.body) if row.body else None for reference, row in named.items()}
    scene = _Replay(ctx, tx, after, {}, stamp=stamp, shelf=shelf)
    before = {reference: scene._stored(reference) if row.version > 1 else None for reference, row in named.items()}
    scene = _Replay(ctx, tx, after, before, stamp=stamp, shelf=shelf)
    scene.writes = [
        Written(
            0,
            name(row.type),
            row.fhir_id,
            following.role(scene, name(row.type), after[reference], before[reference]),
            after[reference],
            following.earlier(scene, name(row.type), after[reference], before[reference]),
            row.version,
            False,
        )
        for reference, row in named.items()
    ]
    concerned = [one for one in scene.writes if one.role in CONTROLLED or following.finishes(one)]
    if not concerned:
        return
    following.vials(scene, concerned)
    try:
        balancing.followed(scene, concerned)
    except Unpostable:
        return
    for vial, book in scene.books.items():
        if book.fresh:
            shelf.put(book, book.sealed(stamp, scene.policies_of(vial)))


def _flags(line: Entry) -> str:
    """Without `late`: whether an entry was late depends on who imported it, which the record does not say."""
    return " ".join(flag for flag in line.flags.split() if flag != lines.LATE)
