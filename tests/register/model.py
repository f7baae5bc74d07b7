"""A plain model of the register, in memory: facts with an amount and a time, and accounts that may not fall below nothing at any time.

It knows nothing of how the service works: every question is answered by playing all facts again in the order of their times. Times are
minutes and no two facts share one; amounts are micrograms.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

OUTSIDE = ("supplier", "gone")
TOLERANCE_UG, PERMILLE = 100, 5


@dataclass(frozen=True)
class Fact:
    """Something that happened. `kind`: receive, draw, give, waste, return, count, adjust, transfer. `place`: to where a transfer goes."""

    kind: str
    time: float
    vial: str
    amount: int
    draw: str = ""
    place: str = ""
    visit: str = ""


@dataclass
class Model:
    """The facts by the name of the record that states them. `residuals` are what was left of draws when their visits were finished."""

    facts: dict[str, Fact] = field(default_factory=dict)
    residuals: dict[str, int] = field(default_factory=dict)
    finished: set[str] = field(default_factory=set)

    def allows(self, name: str, fact: Fact | None) -> bool:
        """Whether the record may state this, or (None) nothing any more, so that no account falls below nothing at any time."""
        facts = {one: known for one, known in self.facts.items() if one != name} | ({name: fact} if fact else {})
        return not any(balance < 0 for balances in _played(facts, self.residuals) for balance in balances)

    def take(self, name: str, fact: Fact | None) -> None:
        """It states this from now on."""
        self.facts.pop(name, None)
        if fact:
            self.facts[name] = fact

    def finish(self, visit: str) -> bool:
        """Finish a visit if all its draws are accounted for; whether that was so. What is left within the tolerance is set aside."""
        left = {name: self.left(name) for name, fact in self.facts.items() if fact.kind == "draw" and fact.visit == visit}
        if any(abs(amount) > max(TOLERANCE_UG, self.facts[name].amount * PERMILLE // 1000) for name, amount in left.items()):
            return False
        self.residuals |= {name: amount for name, amount in left.items() if amount}
        self.finished.add(visit)
        return True

    def held(self, vial: str, time: float | None = None) -> int:
        """What a vial holds, wherever it is."""
        facts = {name: fact for name, fact in self.facts.items() if time is None or fact.time <= time}
        return sum(amount for account, amount in _balances(facts, {}).items() if account.startswith(f"vial {vial} "))

    def left(self, draw: str) -> int:
        """What the syringe of a draw holds."""
        return _balances(self.facts, self.residuals)[f"syringe {draw}"]

    def place(self, vial: str, time: float) -> str:
        """Where a vial is."""
        return _place(self.facts, vial, time)

    def of(self, kind: str, vial: str = "") -> list[str]:
        """The names of the facts of a kind."""
        return [name for name, fact in self.facts.items() if fact.kind == kind and fact.vial.startswith(vial)]

    def corrected(self, name: str, amount: int) -> Fact:
        """The same fact with another amount."""
        return replace(self.facts[name], amount=amount)


def _place(facts: Mapping[str, Fact], vial: str, time: float) -> str:
    moved = [fact for fact in facts.values() if fact.kind == "transfer" and fact.vial == vial and fact.time <= time]
    return max(moved, key=lambda fact: fact.time).place if moved else "safe"


def _moves(facts: Mapping[str, Fact], residuals: Mapping[str, int]) -> Iterator[tuple[float, str, str, int]]:
    """(time, from, to, how much)."""
    for name, fact in facts.items():
        syringe = f"syringe {name if fact.kind == 'draw' else fact.draw}"
        vial = f"vial {fact.vial} {_place(facts, fact.vial, fact.time)}"
        if fact.kind == "receive":
            yield fact.time, "supplier", vial, fact.amount
        elif fact.kind == "draw":
            yield fact.time, vial, syringe, fact.amount
        elif fact.kind in ("give", "waste"):
            yield fact.time, syringe if fact.draw else vial, "gone", fact.amount
        elif fact.kind == "return":
            yield fact.time, syringe, vial, fact.amount
        elif fact.kind == "adjust":
            yield fact.time, *((vial, "gone") if fact.amount < 0 else ("gone", vial)), abs(fact.amount)
        elif fact.kind == "transfer":
            before = f"vial {fact.vial} {_place(facts, fact.vial, fact.time - 0.0001)}"
            yield fact.time, before, vial, fact.amount
    for draw, amount in residuals.items():
        last = max(fact.time for name, fact in facts.items() if draw in (name, fact.draw))
        yield last + 0.00005, f"syringe {draw}", "gone", amount


def _played(facts: Mapping[str, Fact], residuals: Mapping[str, int]) -> Iterator[list[int]]:
    """The balances of what was touched, after each move."""
    balances: Counter[str] = Counter()
    for _, origin, target, amount in sorted(_moves(facts, residuals)):
        balances[origin] -= amount
        balances[target] += amount
        yield [balances[account] for account in (origin, target) if account not in OUTSIDE]


def _balances(facts: Mapping[str, Fact], residuals: Mapping[str, int]) -> Counter[str]:
    balances: Counter[str] = Counter()
    for _, origin, target, amount in _moves(facts, residuals):
        balances[origin] -= amount
        balances[target] += amount
    return balances


def vial_accounts(model: Model) -> dict[str, int]:
    """What each account of a vial or a syringe holds, if it holds anything."""
    found = _balances(model.facts, model.residuals)
    return {account: amount for account, amount in found.items() if amount and account not in OUTSIDE}
