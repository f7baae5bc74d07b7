"""What is marked on a line of the ledger when it is read: some of it was kept with the line, some is seen only beside what came later.

late         it was written down long after it happened (CS-21)
amended      it was moved back, or moves another back, or the resource that says so has a later version (CS-30)
unwitnessed  a waste, destruction, breakage or adjustment without a second person
short        something of its draw was not accounted for, or a count found less than the book says (CS-01, CS-35)
unreceived   the vial was first met without a receipt

`storage.ledger_flags` asks the same of the database.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from service.ledger.entry import AMENDED, COUNTED, LATE, OPENED, UNACCOUNTED, UNRECEIVED, UNWITNESSED, Entry
from service.storage.ledger_flags import WITNESSED

SHORT = "short"
MARKS = (LATE, AMENDED, UNWITNESSED, SHORT, UNRECEIVED)


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside the lines of some vials: numbers of lines that were moved back (vial, number), draws of which something is
    unaccounted, the newest version of each resource (`Type/id`), and what each vial held after each line (vial, number)."""

    reversed: Collection[tuple[str, int]]
    open_draws: Collection[str]
    versions: Mapping[str, int]
    books: Mapping[tuple[str, int], int]


def beside(lines: Iterable[Entry], versions: Mapping[str, int], books: Mapping[tuple[str, int], int]) -> Beside:
    """From all lines of the vials."""
    every = list(lines)
    back = {(one.vial, one.reverses) for one in every if one.reverses}
    rest = {one.draw for one in every if one.kind == UNACCOUNTED and not one.reverses and (one.vial, one.number) not in back}
    return Beside(back, rest - {""}, versions, books)


def marked(line: Entry, around: Beside) -> tuple[str, ...]:
    """The marks of a line, in the order of MARKS."""
    kept = line.flags.split()
    seen = {
        LATE: False,
        AMENDED: _is_amended(line, around),
        UNWITNESSED: line.kind in WITNESSED and not line.witness,
        SHORT: _is_short(line, around),
        UNRECEIVED: line.kind == OPENED,
    }
    return tuple(mark for mark in MARKS if mark in kept or seen[mark])


def _is_amended(line: Entry, around: Beside) -> bool:
    version = int(line.source.rpartition("/")[2] or 0)
    return bool(line.reverses) or (line.vial, line.number) in around.reversed or around.versions.get(line.reference, 0) > version


def _is_short(line: Entry, around: Beside) -> bool:
    is_below = line.kind == COUNTED and not line.reverses and line.amount_ug < around.books.get((line.vial, line.number), 0)
    return is_below or line.draw in around.open_draws
