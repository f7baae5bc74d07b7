"""Books of vials that a test writes itself: lines without the records behind them, numbered and chained as the service does it."""

from dataclasses import astuple, dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

from service.fhir import temporal
from service.ledger.entry import COUNTED, FIRST, SYRINGE, VIAL, Account, Entry, digest
from service.records.context import Context, Service
from service.records.register.question import Question
from service.records.register.report import Report
from service.storage import ledger
from service.storage.ledger import Vial
from tests.access import TESTS

MG = 1000
"""Micrograms in a milligram."""
SITE, SAFE = "site-1", "safe-1"
NURSE, OTHER, WITNESS = "Practitioner/nurse", "Practitioner/other", "Practitioner/witness"
PATIENT, VISIT = "Patient/recipient", "Encounter/visit"
EVER = Question(temporal.BEGINNING, temporal.END)


def at(text: str) -> int:
    """An instant, in microseconds."""
    return temporal.interval(text, ZoneInfo("UTC")).lo


def vial(id: str, **facts: Any) -> Vial:
    """A vial of 500 mg of ketamine in 10 mL."""
    shipped = Vial(
        vial=id,
        substance="6130",
        name="ketamine",
        form="10 mL vial",
        schedule="CIII",
        strength_ug_per_ml=50 * MG,
        content_ug=500 * MG,
        ndc="67457000110",
        lot="LOT-1",
        expires="2027-08-31",
        serial=f"S-{id}",
        site=SITE,
        safe=SAFE,
        remaining_ug=0,
        entries=0,
        head=FIRST,
    )
    return replace(shipped, **facts)


@dataclass
class Books:
    """The books of one service, in which lines are written at `when` unless they say otherwise."""

    service: Service
    when: int = at("2026-11-17T10:00:00Z")
    heads: dict[str, Vial] = field(default_factory=dict)

    def add(self, id: str, amount: int = 500, kind: str = "received", **facts: Any) -> None:
        """A vial that comes in full, so many milligrams of it; 0: with nothing in its book."""
        self.heads[id] = vial(id, **facts)
        with self.service.database.write() as tx:
            ledger.add(tx, [self.heads[id]])
        if amount:
            self.post(id, kind, amount, origin="supplier/supplier@", target=self._vial(id))

    def draw(self, id: str, draw: str, amount: float, **more: Any) -> None:
        """Out of the vial into a syringe."""
        self.post(id, "drawn", amount, origin=self._vial(id), target=self._syringe(draw), draw=draw, **self._of_visit(), **more)

    def give(self, id: str, draw: str, amount: float, **more: Any) -> None:
        """Out of the syringe."""
        self.post(id, "given", amount, origin=self._syringe(draw), target=f"given/@{SITE}", draw=draw, **{**self._of_visit(), **more})

    def waste(self, id: str, draw: str, amount: float, witness: str = WITNESS, **more: Any) -> None:
        """Out of the syringe; without a witness it is marked."""
        marks = {"witness": witness, "flags": "" if witness else "unwitnessed"}
        target = {"origin": self._syringe(draw), "target": f"wasted/@{SITE}", "draw": draw}
        self.post(id, "wasted", amount, **{**self._of_visit(), **target, **marks, **more})

    def take(self, id: str, kind: str, amount: float, **more: Any) -> None:
        """Out of the vial, to where nothing comes back from."""
        self.post(id, kind, amount, origin=self._vial(id), target=f"{kind}/@{SITE}", **more)

    def count(self, id: str, amount: float, **more: Any) -> None:
        """What was counted in the vial."""
        self.post(id, COUNTED, amount, **more)

    def back(self, id: str, number: int) -> None:
        """Move a line back."""
        with self.service.database.read() as tx:
            rows = [Entry(*tuple(row)) for row in ledger.of_vials(tx, [id])[id]]
        line = next(one for one in rows if one.number == number)
        self._append(replace(line, origin=line.target, target=line.origin, reverses=number, flags=""))

    def post(self, id: str, kind: str, amount: float, **more: Any) -> None:
        """One line, of so many milligrams."""
        number = self.heads[id].entries + 1
        said = {
            "reverses": 0,
            "source": f"Observation/{id}-{number}/_history/1",
            "draw": "",
            "occurred": self.when,
            "recorded": self.when,
            "origin": "",
            "target": "",
            "volume_ul": round(amount * 20),
            "site": SITE,
            "safe": SAFE,
            "patient": "",
            "encounter": "",
            "performer": NURSE,
            "witness": "",
            "flags": "",
            "policy": "1",
            **more,
        }
        self._append(Entry(vial=id, number=number, kind=kind, amount_ug=round(amount * MG), **said))

    def _append(self, line: Entry) -> None:
        head = self.heads[line.vial]
        line = replace(line, number=head.entries + 1, previous=head.head)
        line = replace(line, hash=digest(line))
        moved = sum(sign * line.amount_ug for sign, end in ((1, line.target), (-1, line.origin)) if end.startswith(f"{VIAL}/"))
        known = replace(head, remaining_ug=head.remaining_ug + moved, entries=line.number, head=line.hash)
        with self.service.database.write() as tx:
            ledger.extend(tx, [(known, head.entries)], [astuple(line)])
        self.heads[line.vial] = known

    def _vial(self, id: str) -> str:
        return str(Account(VIAL, id, self.heads[id].safe))

    def _syringe(self, draw: str) -> str:
        return str(Account(SYRINGE, draw))

    def _of_visit(self) -> dict[str, Any]:
        return {"patient": PATIENT, "encounter": VISIT}


def cells(report: Report) -> list[dict[str, Any]]:
    """The rows as they are, by column."""
    names = [one.name for one in report.columns]
    return [dict(zip(names, row, strict=True)) for row in report.rows]


def sums(report: Report) -> list[dict[str, Any]]:
    """The totals, by column; without what is empty."""
    names = [one.name for one in report.columns]
    return [{name: cell for name, cell in zip(names, row, strict=True) if cell is not None} for row in report.totals]


def asking(service: Service) -> Context:
    """A request of somebody who may see all."""
    return Context(service, TESTS)
