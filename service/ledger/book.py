"""The book of a vial: its lines, those that the present commit adds, and what its accounts hold, in the order of events too.

A line stands when it neither moves another back nor was moved back itself: balances at an instant count what stands. At one instant what
comes in counts before what goes out.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from service.ledger.entry import COUNTED, DRAWN, FIRST, OPENED, RECEIVED, SYRINGE, TRANSFERRED, UNACCOUNTED, VIAL, Entry, digest
from service.ledger.scene import Drawn
from service.ledger.vial import Facts

_HOLDING = (f"{VIAL}/", f"{SYRINGE}/")
_PLACING = (RECEIVED, OPENED, TRANSFERRED)
_RESIDUAL = "residual"
_DISPOSED = {"given": "given_ug", "wasted": "wasted_ug", "returned": "returned_ug"}


@dataclass(frozen=True, slots=True)
class Shortfall:
    """An account that would hold less than nothing at an instant: how much less, and which line takes it there."""

    account: str
    instant: int
    missing_ug: int
    line: Entry


@dataclass(slots=True)
class Book:
    """One vial. `entries` are its lines as they stand in the ledger, by number; `fresh` those to be added, not yet numbered and chained."""

    vial: str
    facts: Facts
    entries: Sequence[Entry]
    fresh: list[Entry] = field(default_factory=list)
    _standing: dict[int, Entry] = field(default_factory=dict)
    _balances: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def __post_init__(self) -> None:
        gone = {line.reverses for line in self.entries if line.reverses}
        for line in self.entries:
            if not line.reverses and line.number not in gone:
                self._stand(line.number, line)

    def post(self, line: Entry) -> None:
        """Add a line; it gets the next number when the book is sealed."""
        self.fresh.append(line)
        self._stand(-len(self.fresh), line)

    def reverse(self, line: Entry, source: str) -> None:
        """Move back what a line of the ledger moved, because `source` says otherwise now."""
        self.fresh.append(replace(line, origin=line.target, target=line.origin, reverses=line.number, source=source, number=0, flags=""))
        del self._standing[line.number]
        self._balances[line.target] -= line.amount_ug
        self._balances[line.origin] += line.amount_ug

    def _stand(self, key: int, line: Entry) -> None:
        self._standing[key] = line
        self._balances[line.target] += line.amount_ug
        self._balances[line.origin] -= line.amount_ug

    @property
    def is_empty(self) -> bool:
        """Whether no line stands."""
        return not self._standing

    def standing(self, *kinds: str) -> list[Entry]:
        """The lines that stand, those to be added among them; of some kinds only, where any are named."""
        return [line for line in self._standing.values() if not kinds or line.kind in kinds]

    def of(self, reference: str) -> list[Entry]:
        """The lines of the ledger that stand and that the resource `Type/id` made."""
        return [line for line in self._standing.values() if line.number and line.reference == reference]

    def holds(self, account: str) -> int:
        """What an account holds, in micrograms."""
        return self._balances.get(account, 0)

    def held(self, instant: int | None = None) -> int:
        """What is in the vial, wherever it is kept; at `instant`, or after everything."""
        lines = self._standing.values()
        return sum(_in_vial(line) for line in lines if instant is None or line.kind == OPENED or line.occurred <= instant)

    def place(self, instant: int | None = None) -> str | None:
        """The Location that the vial is kept at; None when nothing was ever put into it."""
        lines = sorted(self.standing(*_PLACING), key=_turn)
        known = [line for line in lines if instant is None or line.kind == OPENED or line.occurred <= instant] or lines[:1]
        return known[-1].target.partition("@")[2] if known else None

    def draws(self) -> Iterator[Drawn]:
        """What became of each draw that stands."""
        sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for line in self._standing.values():
            if line.draw:
                sums[line.draw][line.kind] += line.amount_ug
                if line.kind == UNACCOUNTED:
                    sums[line.draw][_RESIDUAL] -= _effect(line, f"{SYRINGE}/{line.draw}@")
        for id, kinds in sums.items():
            if DRAWN in kinds:
                disposed = {name: kinds.get(kind, 0) for kind, name in _DISPOSED.items()}
                left, residual = self.holds(f"{SYRINGE}/{id}@"), kinds.get(_RESIDUAL, 0)
                yield Drawn(draw=id, vial=self.vial, drawn_ug=kinds[DRAWN], left_ug=left, residual_ug=residual, **disposed)

    def shortfalls(self) -> Iterator[Shortfall]:
        """Every account of vial or syringe that would fall below nothing, at the first instant at which it would."""
        balances: dict[str, int] = defaultdict(int)
        told: set[str] = set()
        for line in sorted(self._standing.values(), key=_turn):
            for account in (line.target, line.origin):
                if account.startswith(_HOLDING):
                    balances[account] += _effect(line, account)
                    if balances[account] < 0 and account not in told:
                        told.add(account)
                        yield Shortfall(account, line.occurred, -balances[account], line)

    def misses(self, fresh: bool = True) -> dict[str, int]:
        """By how much each count that stands differs from the book at its time: counted less book, by the resource that counted.

        Without `fresh`, as it was before the lines that are to be added.
        """
        lines = sorted((self if fresh else Book(self.vial, self.facts, self.entries)).standing(), key=_turn)
        found: dict[str, int] = {}
        held = 0
        for line in lines:
            held += _in_vial(line)
            if line.kind == COUNTED:
                found[line.reference] = line.amount_ug - held
        return found

    def sealed(self, recorded: int, policy: Callable[[int], str]) -> list[Entry]:
        """The lines to be added, numbered and chained. Where some move others back, those that fill the vial come first.

        `policy` tells the version of the policies that was in force at an instant: each line has that of its event, by which it was judged.
        """
        lines = sorted(self.fresh, key=_turn)
        if any(line.reverses for line in lines):
            lines.sort(key=lambda line: -_in_vial(line))
        previous = self.entries[-1].hash if self.entries else FIRST
        sealed = []
        for number, line in enumerate(lines, len(self.entries) + 1):
            numbered = replace(line, number=number, recorded=recorded, policy=policy(line.occurred), previous=previous)
            chained_line = replace(numbered, hash=digest(numbered))
            previous = chained_line.hash
            sealed.append(chained_line)
        return sealed


def _turn(line: Entry) -> tuple[bool, int, int]:
    """The order of events: an opening before everything, and at one instant what fills the vial, draws, the rest, counts."""
    return line.kind != OPENED, line.occurred, _rank(line)


def _effect(line: Entry, account: str) -> int:
    return (line.amount_ug if line.target == account else 0) - (line.amount_ug if line.origin == account else 0)


def _in_vial(line: Entry) -> int:
    into, out = line.target.startswith(f"{VIAL}/"), line.origin.startswith(f"{VIAL}/")
    return (into - out) * line.amount_ug


def _rank(line: Entry) -> int:
    """What happens first of what happens at one instant: what fills the vial, draws, the rest, counts."""
    if line.kind == COUNTED:
        return 4
    if line.kind == UNACCOUNTED:
        return 1 if line.target.startswith(f"{SYRINGE}/") else 3
    return 0 if _in_vial(line) > 0 and line.kind != "returned" else 1 if line.kind == DRAWN else 2


def chained(entries: Sequence[Entry]) -> bool:
    """Whether the lines of one vial are numbered from 1 without gaps, and each holds the hash of the one before it."""
    previous = FIRST
    for number, line in enumerate(entries, 1):
        if line.number != number or line.previous != previous or digest(line) != line.hash:
            return False
        previous = line.hash
    return True
