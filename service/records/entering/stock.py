"""The vials and draws that the caller may handle: those in the books of the sites of the clinics that the person works for."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from service.audit.event import Event
from service.audit.kinds import REST
from service.errors import NotFound
from service.ledger import reading
from service.ledger.entry import SYRINGE
from service.records import trail
from service.records.context import Context
from service.records.entering import looking
from service.records.entering.choices import OPEN_VISITS
from service.records.entering.looking import Tree
from service.records.register import gate
from service.storage import ledger
from service.storage.ledger import Asked, Vial

_MOST_DRAWS = "200"
_TAG = f"{reading.ACT_CODE}|{reading.TAG}"


@dataclass(frozen=True, slots=True)
class Syringe:
    """What a draw filled: `tree` is the MedicationDispense, `left_ug` what is still in it, `patient` the Patient, where it was read."""

    tree: Tree
    left_ug: int
    patient: Tree | None = None

    @property
    def reference(self) -> str:
        """`MedicationDispense/id`."""
        return f"MedicationDispense/{self.tree['id']}"


def vials(ctx: Context) -> list[Vial]:
    """The vials that hold something; substance by substance. Raises Forbidden without `ledger.write`."""
    gate.require_write(ctx)
    with ctx.snapshot() as tx:
        found = [one for one in ledger.known(tx, gate.sites(ctx, tx)) if one.remaining_ug]
    trail.note(ctx, Event(REST["search-type"], type="Medication", description="the vials at hand"))
    return found


def vial(ctx: Context, id: str) -> Vial:
    """One vial, by the id of its Medication. Raises Forbidden without `ledger.write`, NotFound for one that is not in those books."""
    gate.require_write(ctx)
    looking.require_id(id)
    with ctx.snapshot() as tx:
        sites, found = gate.sites(ctx, tx), ledger.vials(tx, [id]).get(id)
    trail.note(ctx, Event(REST["read"], reference=f"Medication/{id}", type="Medication"))
    if found is None or (sites is not None and found.site not in sites):
        raise NotFound.of("not-found", "form-vial", "There is no such vial in the books of your clinics. Receive it, or choose another.")
    return found


def syringes(ctx: Context) -> list[Syringe]:
    """The draws of the visits that go on of which something is left, the latest first. Raises Forbidden without `ledger.write`.

    A visit is not finished while a draw is open (CS-24), so these are all.
    """
    gate.require_write(ctx)
    asked = [("_tag", _TAG), ("context:Encounter.status", OPEN_VISITS), ("_sort", "-whenhandedover"), ("_count", _MOST_DRAWS)]
    found, people = looking.several(ctx, "MedicationDispense", [*asked, ("_include", "MedicationDispense:subject")], "the open draws")
    vials = {(reading.medication(one) or "").removeprefix("Medication/") for one in found}
    with ctx.snapshot() as tx:
        sites = gate.sites(ctx, tx)
        known = [id for id, one in ledger.vials(tx, vials).items() if sites is None or one.site in sites]
        left = _left(line for rows in ledger.of_vials(tx, known).values() for line in rows)
    unfinished = [one for one in found if left.get(one["id"], 0) > 0]
    return [Syringe(one, left[one["id"]], people.get(reading.patient(one) or "")) for one in unfinished]


def syringe(ctx: Context, id: str) -> Syringe:
    """One draw, by the id of its MedicationDispense. Raises Forbidden and NotFound like any read."""
    gate.require_write(ctx)
    tree = looking.one(ctx, f"MedicationDispense/{id}")
    patient = reading.patient(tree)
    with ctx.snapshot() as tx:
        left = _left(ledger.lines(tx, Asked(sites=gate.sites(ctx, tx), draw=id)))
    if id not in left:
        raise NotFound.of("not-found", "form-draw", "There is no such draw in the books of your clinics.")
    return Syringe(tree, left[id], looking.one(ctx, patient) if patient else None)


def _left(lines: Iterable[Any]) -> dict[str, int]:
    """What each syringe holds, in micrograms, by the id of its draw."""
    held: dict[str, int] = defaultdict(int)
    for line in lines:
        for account, sign in ((line.target, 1), (line.origin, -1)):
            if line.draw and account.startswith(f"{SYRINGE}/"):
                held[line.draw] += sign * line.amount_ug
    return held
