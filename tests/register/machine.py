"""The register as a machine for Hypothesis: it does what a clinic does, in any order, through the API, and compares with a plain model.

After every step the accounts of the ledger hold what the model says, its chains hold, and nothing is negative; what the model does not
allow is refused with a rule of balance, what it allows is taken. All amounts are whole milligrams, but for what is left of a draw on
purpose: so that no difference is within the tolerance by chance.
"""

from collections import Counter
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from service.ledger.book import chained
from service.ledger.entry import Account, Entry
from service.storage import ledger
from tests.register.model import Fact, Model, vial_accounts
from tests.register.stock import Body, Clinic, at, quantity, rules

BALANCE = {"cs-01", "cs-02", "cs-05"}
MOST_VIALS = 2
_MG = 1000
_RATES = ((3, 4), (6, 3), (12, 2))
"""mL/h of the vial's 50 mg/mL, and minutes: whole milligrams."""
_CORRECTED = ("draw", "give", "waste", "return", "count", "adjust")

AMOUNTS = st.integers(1, 60)
DRAWN = st.integers(20, 100)
"""Never so much that a milligram is within the tolerance."""
CHOICE = st.randoms(use_true_random=False)


class Machine(RuleBasedStateMachine):
    """One clinic for a run of steps. `app` and `client` are those of the test."""

    app: Flask
    client: FlaskClient

    def __init__(self) -> None:
        super().__init__()
        self.clinic = Clinic.opened(self.client)
        self.model = Model()
        self.vials: list[str] = []
        self.minute = 0.0
        self.names = 0
        self.refused: Counter[str] = Counter()

    # what happens

    @precondition(lambda self: len(self.vials) < MOST_VIALS)
    @rule(amount=st.integers(200, 500))
    def receive(self, amount: int) -> None:
        name, vial, time = self._name(), self._name(), self._tick()
        self.clinic.add(vial, self.clinic.vial())
        self.vials.append(vial)
        self._post(name, Fact("receive", time, vial, amount * _MG), self.clinic.receipt(vial, amount, time))

    @precondition(lambda self: self.vials)
    @rule(amount=DRAWN, choice=CHOICE, is_late=st.booleans())
    def draw(self, amount: int, choice: Any, is_late: bool) -> None:
        vial = choice.choice(self.vials)
        time = self._some_time(self.model.facts[self._receipt(vial)].time, choice) if is_late else self._tick()
        place, visit = self.model.place(vial, time), self.clinic.places["visit"]
        fact = Fact("draw", time, vial, amount * _MG, visit=visit)
        self._post(self._name(), fact, self.clinic.draw(vial, amount, time, place))

    @precondition(lambda self: self._draws())
    @rule(amount=AMOUNTS, choice=CHOICE)
    def give(self, amount: int, choice: Any) -> None:
        draw = choice.choice(self._draws())
        begun = self._tick(4)
        body = self.clinic.given(self._vial_of(draw), [draw], amount, begun)
        self._post(self._name(), self._of_draw("give", begun + 2, draw, amount), body)

    @precondition(lambda self: self._draws())
    @rule(parts=st.lists(st.sampled_from(_RATES), min_size=2, max_size=3), choice=CHOICE, is_wrong=st.booleans())
    def give_in_parts(self, parts: list[tuple[int, int]], choice: Any, is_wrong: bool) -> None:
        """An infusion with its segments; when it states another sum than theirs it is refused (CS-03)."""
        draw, name = choice.choice(self._draws()), self._name()
        doses = [rate * minutes * 50 // 60 for rate, minutes in parts]
        begun = self._tick(sum(minutes for _, minutes in parts) + 2)
        whole = self.clinic.given(self._vial_of(draw), [draw], sum(doses) + is_wrong, begun)
        whole["effectivePeriod"] = {"start": at(begun), "end": at(begun + sum(minutes for _, minutes in parts))}
        fact = self._of_draw("give", begun + sum(minutes for _, minutes in parts), draw, sum(doses) + is_wrong)
        allowed = self.model.allows(name, fact) and not is_wrong
        answer = self.clinic.transaction(**{name: whole, **self._parts(name, draw, begun, list(zip(parts, doses, strict=True)))})
        self._told(name, fact, answer, allowed, BALANCE | ({"cs-03"} if is_wrong else set()))
        self.in_parts = {*getattr(self, "in_parts", ()), name}

    @precondition(lambda self: self._draws())
    @rule(amount=AMOUNTS, choice=CHOICE, kind=st.sampled_from(("waste", "return")), is_late=st.booleans())
    def put_away(self, amount: int, choice: Any, kind: str, is_late: bool) -> None:
        """A part of a draw is wasted, or goes back into the vial."""
        draw = choice.choice(self._draws())
        time = self._some_time(self.model.facts[draw].time, choice) if is_late else self._tick()
        self._entry(kind, draw, amount * _MG, time)

    @precondition(lambda self: self._draws())
    @rule(choice=CHOICE, is_short=st.booleans())
    def waste_the_rest(self, choice: Any, is_short: bool) -> None:
        """All that is left, or all but 0.05 mg, which the tolerance of the register allows."""
        draw = choice.choice(self._draws())
        left = self.model.left(draw) - 50 * is_short
        if left > 0:
            self._entry("waste", draw, left, self._tick())

    @precondition(lambda self: self.vials)
    @rule(amount=AMOUNTS, choice=CHOICE, sign=st.sampled_from((1, -1)), kind=st.sampled_from(("waste", "adjust")))
    def from_the_vial(self, amount: int, choice: Any, sign: int, kind: str) -> None:
        """Waste straight from a vial, or an adjustment up or down."""
        vial, time = choice.choice(self.vials), self._tick()
        signed = amount * sign if kind == "adjust" else amount
        self._post(self._name(), Fact(kind, time, vial, signed * _MG), self.clinic.entry(kind, vial, signed, time, note=[{"text": "Seen"}]))

    @precondition(lambda self: self.vials)
    @rule(choice=CHOICE, difference=st.sampled_from((0, 0, 1, -1)))
    def count(self, choice: Any, difference: int) -> None:
        """A count is always taken, whatever the book says."""
        vial, time = choice.choice(self.vials), self._tick()
        counted = max(0, self.model.held(vial) + difference * _MG)
        self._post(self._name(), Fact("count", time, vial, counted), self.clinic.entry("count", vial, counted / _MG, time))

    @precondition(lambda self: self.vials)
    @rule(choice=CHOICE, is_wrong=st.booleans())
    def transfer(self, choice: Any, is_wrong: bool) -> None:
        """A vial is moved whole, from where it is to the other safe."""
        vial, time = choice.choice(self.vials), self._tick()
        place = "other-safe" if self.model.place(vial, time) == "safe" else "safe"
        amount = self.model.held(vial) + is_wrong * _MG
        fact = Fact("transfer", time, vial, amount, place=place)
        body = self.clinic.entry("transfer", vial, amount / _MG, time, **self.clinic.to_safe(place))
        self._post(self._name(), fact, body, allowed=not is_wrong)

    @precondition(lambda self: self._correctable())
    @rule(amount=AMOUNTS, choice=CHOICE)
    def correct(self, amount: int, choice: Any) -> None:
        """A record states another amount from now on. An infusion with segments is left out: they would have to change with it (CS-03)."""
        whole = [name for name in self._correctable() if name not in getattr(self, "in_parts", ())]
        if not whole:
            return
        name = choice.choice(whole)
        fact = self.model.corrected(name, amount * _MG)
        allowed, kind = self.model.allows(name, fact), fact.kind
        changes: Body = {"quantity": quantity(amount)} if kind == "draw" else {"valueQuantity": quantity(amount), "status": "amended"}
        changes = {"dosage": {"dose": quantity(amount)}} if kind == "give" else changes
        self._told(name, fact, self.clinic.amend(name, **changes), allowed)

    @precondition(lambda self: self._correctable())
    @rule(choice=CHOICE)
    def withdraw(self, choice: Any) -> None:
        """A record was entered in error."""
        name = choice.choice(self._correctable())
        allowed = self.model.allows(name, None)
        self._told(name, None, self.clinic.amend(name, status="entered-in-error"), allowed)

    @precondition(lambda self: self.model.facts)
    @rule(choice=CHOICE)
    def send_again(self, choice: Any) -> None:
        """A number is given once (CS-33)."""
        place = self.clinic.places[choice.choice(list(self.model.facts))]
        body = {name: value for name, value in self.client.get(f"/fhir/{place}").json.items() if name not in ("id", "meta")}
        answer = self.clinic.post({**body, "meta": {"tag": self.clinic.vial()["meta"]["tag"]}})
        assert answer.status_code == 422
        assert "cs-33" in rules(answer)

    @precondition(lambda self: self._draws())
    @rule()
    def finish_the_visit(self) -> None:
        """Only when every draw is accounted for; after that nothing new comes to it (CS-24, CS-25)."""
        visit = self.clinic.places["visit"]
        self._discharge(visit)
        body = self.clinic.finished("escort") | {"id": visit.partition("/")[2]}
        answer = self.client.put(f"/fhir/{visit}", json=body)
        if self.model.finish(visit):
            assert answer.status_code == 200, answer.json
            late = self.clinic.draw(self.vials[0], 1, self._tick(), self.model.place(self.vials[0], self.minute))
            assert "cs-25" in rules(self.clinic.post(late))
            self.clinic.add("visit", self.clinic._visit())
        else:
            assert answer.status_code == 422, answer.json
            assert rules(answer) == {"cs-24"}

    # what must be so

    @invariant()
    def the_ledger_is_the_model(self) -> None:
        ids = {self.clinic.id(vial): vial for vial in self.vials}
        with self.app.extensions["infusion_records"].database.read() as tx:
            kept = {vial: [Entry(*tuple(row)) for row in rows] for vial, rows in ledger.of_vials(tx, ids).items()}
            remaining = {ids[id]: row.remaining_ug for id, row in ledger.vials(tx, ids).items()}
        assert remaining == {vial: self.model.held(vial) for vial in remaining}
        assert all(chained(lines) for lines in kept.values())
        balances: Counter[str] = Counter()
        for line in (line for lines in kept.values() for line in lines):
            balances[self._account(line.origin)] -= line.amount_ug
            balances[self._account(line.target)] += line.amount_ug
        found = {account: amount for account, amount in balances.items() if amount and account.startswith(("vial ", "syringe "))}
        assert found == vial_accounts(self.model)
        assert sum(balances.values()) == 0

    def teardown(self) -> None:
        """What counts say of the book is open as long as it differs."""
        for name in self.model.of("count"):
            fact = self.model.facts[name]
            asked = f"https://clinic.example/fhir/sid/discrepancy|{self.clinic.places[name]}"
            found = [
                one["resource"] for one in self.client.get("/fhir/DetectedIssue", query_string={"identifier": asked}).json.get("entry", ())
            ]
            is_open = any("mitigation" not in one for one in found)
            assert is_open == (self.model.held(fact.vial, fact.time) != fact.amount), (name, fact, found)

    # how

    def _name(self) -> str:
        self.names += 1
        return f"n{self.names}"

    def _tick(self, minutes: int = 2) -> float:
        """An even minute after everything else, and the clock moves on."""
        now, self.minute = self.minute, self.minute + minutes + minutes % 2
        return now

    def _some_time(self, since: float, choice: Any) -> float:
        """An instant in the past that nothing else has."""
        return choice.randrange(int(since), int(max(self.minute, since + 1))) + 1 / 7 + self.names / 7000

    def _receipt(self, vial: str) -> str:
        return self.model.of("receive", vial)[0]

    def _draws(self) -> list[str]:
        return [name for name in self.model.of("draw") if self.model.facts[name].visit not in self.model.finished]

    def _correctable(self) -> list[str]:
        open_ones = set(self._draws())
        facts = self.model.facts.items()
        return [
            name
            for name, fact in facts
            if fact.kind in _CORRECTED and (not (fact.draw or fact.kind == "draw") or {name, fact.draw} & open_ones)
        ]

    def _vial_of(self, draw: str) -> str:
        return self.model.facts[draw].vial

    def _of_draw(self, kind: str, time: float, draw: str, amount: int) -> Fact:
        return Fact(kind, time, self._vial_of(draw), amount * _MG, draw)

    def _entry(self, kind: str, draw: str, amount: int, time: float) -> None:
        body = self.clinic.entry(kind, self._vial_of(draw), amount / _MG, time, **self.clinic.of_draw(draw))
        self._post(self._name(), Fact(kind, time, self._vial_of(draw), amount, draw), body)

    def _post(self, name: str, fact: Fact, body: Body, allowed: bool = True) -> None:
        allowed = allowed and self.model.allows(name, fact)
        answer = self.clinic.post(body)
        if answer.status_code == 201:
            self.clinic.places[name] = f"{body['resourceType']}/{answer.json['id']}"
        self._told(name, fact, answer, allowed)

    def _told(self, name: str, fact: Fact | None, answer: Any, allowed: bool, why: set[str] = BALANCE) -> None:
        """It was taken if the model allows it, and refused for its balance if not."""
        if allowed:
            assert answer.status_code in (200, 201), (fact, answer.json)
            self.model.take(name, fact)
        else:
            assert answer.status_code == 422, (fact, answer.json)
            assert rules(answer) & why, answer.json
            self.refused.update(rules(answer))

    def _parts(self, name: str, draw: str, begun: float, parts: list[tuple[tuple[int, int], int]]) -> dict[str, Body]:
        found = {}
        for number, ((rate, minutes), dose) in enumerate(parts):
            body = self.clinic.given(self._vial_of(draw), [], dose, begun)
            del body["supportingInformation"]
            body["partOf"] = [{"reference": f"urn:uuid:{name}"}]
            body["effectivePeriod"] = {"start": at(begun), "end": at(begun + minutes)}
            body["dosage"]["rateQuantity"] = quantity(rate, "mL/h")
            found[f"{name}-{number}"] = body
            begun += minutes
        return found

    def _discharge(self, visit: str) -> None:
        if "escort" not in self.clinic.places:
            self.clinic.add("escort", {"resourceType": "RelatedPerson", "patient": self.clinic.to("patient")})
        self.clinic.add("discharge", self.clinic.discharge(visit))

    def _account(self, text: str) -> str:
        """An account of the ledger in the words of the model."""
        account, names = Account.read(text), {place.partition("/")[2]: name for name, place in self.clinic.places.items()}
        if account.kind == "vial":
            return f"vial {names[account.owner]} {names[account.place]}"
        return f"syringe {names[account.owner]}" if account.kind == "syringe" else account.kind
