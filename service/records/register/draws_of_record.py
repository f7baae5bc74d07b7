"""What became of draws: how much was drawn, wasted and returned, and who saw the waste, by the lines of the ledger that stand."""

from collections.abc import Collection, Iterable

from service.ledger.entry import DRAWN, RETURNED, WASTED, Entry
from service.storage import register
from service.storage.database import Transaction
from service.storage.register import Became


def became(tx: Transaction, draws: Collection[str]) -> dict[str, Became]:
    """By the id of the MedicationDispense. What was corrected is looked at line by line, as its witnesses may have been others."""
    found = register.became(tx, draws)
    corrected = [draw for draw, one in found.items() if one.moved_back and draw in draws]
    for draw, rows in register.lines_of(tx, corrected).items():
        found[draw] = _standing([Entry(*tuple(row)) for row in rows])
    return found


def _standing(lines: Iterable[Entry]) -> Became:
    every = list(lines)
    gone = {(one.vial, one.reverses) for one in every if one.reverses}
    standing = [one for one in every if not one.reverses and (one.vial, one.number) not in gone]
    wasted = [one for one in standing if one.kind == WASTED]
    return Became(
        drawn_ug=sum(one.amount_ug for one in standing if one.kind == DRAWN),
        wasted_ug=sum(one.amount_ug for one in wasted),
        returned_ug=sum(one.amount_ug for one in standing if one.kind == RETURNED),
        moved_back=0,
        unwitnessed=sum(not one.witness for one in wasted),
        witnesses=" ".join(one.witness for one in wasted),
    )
