"""Whether the lines of a vial tie out: with each other, with the row that holds what is left, and with the chain of their hashes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from service.ledger.amount import milligrams
from service.ledger.entry import COUNTED, FIRST, SYRINGE, UNACCOUNTED, VIAL, Account, Entry, digest
from service.storage.ledger import Vial


@dataclass(frozen=True, slots=True)
class Tie:
    """Of one vial: what it holds by its lines, what is in syringes, what nobody accounts for, and what does not tie out, in words."""

    vial: str
    holds_ug: int
    in_syringes_ug: int
    unaccounted_ug: int
    breaks: tuple[str, ...]


def tied(vial: Vial, lines: Sequence[Entry]) -> Tie:
    """The tie of a vial with all its lines, by number."""
    holds, syringes = _held(lines, VIAL), _syringes(lines)
    rest = sum(_moved(one, UNACCOUNTED) for one in lines)
    breaks = (*_book(vial, lines, holds), *_draws(syringes), *_counts(lines), *_chain(vial, lines))
    return Tie(vial.vial, holds, sum(syringes.values()), rest, breaks)


def _moved(line: Entry, kind: str) -> int:
    """What a line adds to accounts of a kind."""
    ends = ((line.target, line.amount_ug), (line.origin, -line.amount_ug))
    return sum(amount for account, amount in ends if account and Account.read(account).kind == kind)


def _held(lines: Sequence[Entry], kind: str) -> int:
    return sum(_moved(one, kind) for one in lines)


def _syringes(lines: Sequence[Entry]) -> dict[str, int]:
    """What is in the syringe of each draw."""
    found: dict[str, int] = {}
    for one in lines:
        for account, amount in ((one.target, one.amount_ug), (one.origin, -one.amount_ug)):
            at = Account.read(account)
            if at.kind == SYRINGE:
                found[at.owner] = found.get(at.owner, 0) + amount
    return found


def _book(vial: Vial, lines: Sequence[Entry], holds: int) -> Iterator[str]:
    if holds != vial.remaining_ug:
        yield f"its lines add up to {milligrams(holds)} mg and its book says {milligrams(vial.remaining_ug)} mg"
    if len(lines) != vial.entries:
        yield f"it has {len(lines)} lines and its book says {vial.entries}"


def _draws(syringes: dict[str, int]) -> Iterator[str]:
    for draw, left in syringes.items():
        if left < 0:
            yield f"more left the syringe of MedicationDispense/{draw} than was drawn, by {milligrams(-left)} mg"


def _counts(lines: Sequence[Entry]) -> Iterator[str]:
    """The newest count that stands, against the book at its time."""
    back = {one.reverses for one in lines}
    ordered = sorted(lines, key=lambda one: (one.occurred, one.recorded, one.number))
    newest, book, counted = None, 0, 0
    for one in ordered:
        book += _moved(one, VIAL)
        if one.kind == COUNTED and not one.reverses and one.number not in back:
            newest, counted = one, book
    if newest is not None and newest.amount_ug != counted:
        yield f"the count of line {newest.number} is {milligrams(newest.amount_ug)} mg and the book {milligrams(counted)} mg"


def _chain(vial: Vial, lines: Sequence[Entry]) -> Iterator[str]:
    before = FIRST
    for place, one in enumerate(lines, 1):
        if one.number != place or one.previous != before or one.hash != digest(one):
            yield f"the chain of hashes breaks at line {one.number}"
            return
        before = one.hash
    if lines and before != vial.head:
        yield "its newest line is not the one that its book names"
