"""The form for a draw: first the visit is chosen, then vial, order and amount. The volume is worked out and shown."""

from collections.abc import Mapping
from dataclasses import replace

from flask import Response

from service.errors import NotFound
from service.ledger import reading
from service.records.entering import choices, looking, stock
from service.records.entering import draw as draws
from service.records.entering.choices import Visit
from service.records.entering.draw import Draw
from service.records.entering.looking import Tree
from service.records.entering.syringe import Dilution
from service.records.entering.typed import Typed
from service.storage.ledger import Vial
from service.web.pages import summary
from service.web.pages.desk import Desk
from service.web.pages.register_forms import choose, volumes
from service.web.pages.register_forms.field import Field
from service.web.pages.register_forms.slip import ALONE, Make, Opened, Slip


def _opened(desk: Desk, given: Mapping[str, str]) -> Opened | Response:
    if not given.get("visit"):
        return choose.page(desk, "draw", "Draw from a vial", (_visits(desk, given.get("vial", "")),))
    visit = choices.visit(desk.ctx, given["visit"])
    patient = reading.patient(visit.tree)
    if patient is None:
        raise NotFound.of("not-found", "form-visit", "The visit has no patient. Choose another.")
    vials = {one.vial: one for one in stock.vials(desk.ctx)}
    orders = {f"MedicationRequest/{one['id']}": _ordered(one) for one in choices.orders(desk.ctx, visit.reference)}
    listed = tuple((id, ", ".join(choose.named(one))) for id, one in vials.items())
    fields = (
        Field("vial", "Vial", "choice", choices=listed, value=given.get("vial", "")),
        Field("order", "Order", "choice", choices=tuple(orders.items()), is_needed=False, hint=_hint(orders)),
        Field("amount", "Amount, mg", "amount", works_out=True),
        Field(
            "diluted", "Diluted to, mL in all", "amount", is_needed=False, hint="Of the filled syringe. Leave it out if it was not diluted."
        ),
        Field("until", "The syringe may be used until", "moment", is_needed=False, hint="Of a diluted one."),
    )

    def read(typed: Typed) -> Make:
        found = _read(typed, visit, vials, orders)
        found = replace(found, dilution=_dilution(desk, typed, found))
        return lambda occasion: draws.changes(found, occasion)

    chosen = vials.get(given.get("vial", ""))
    facts = (("Patient", choose.patient(visit.patient)), ("Visit", _when(desk, visit.tree)))
    told = volumes.told(chosen) if chosen else _unknown
    return Opened(facts, fields, read, (patient,), {"visit": given["visit"]}, told)


def _unknown(_: int) -> str:
    return "Choose the vial first: the volume depends on its strength."


def _hint(orders: Mapping[str, str]) -> str:
    return "" if orders else "The visit has no order. Have one written before you draw."


def _read(typed: Typed, visit: Visit, vials: Mapping[str, Vial], orders: Mapping[str, str]) -> Draw:
    id = typed.chosen("vial", vials)
    amount = typed.amount("amount")
    order = typed.chosen("order", {"", *orders})
    vial = vials.get(id)
    return Draw(
        vial=f"Medication/{id}",
        safe=f"Location/{vial.safe}" if vial else "",
        patient=reading.patient(visit.tree) or "",
        visit=visit.reference,
        order=order,
        amount_ug=amount,
        volume_ul=volumes.exact(vial, amount) if vial else None,
    )


def _dilution(desk: Desk, typed: Typed, found: Draw) -> Dilution | None:
    volume = typed.volume("diluted")
    until = typed.moment("until") if volume is not None else ""
    if volume is None and typed.text("until"):
        typed.wrong["diluted"] = "State to how many mL it was diluted, or leave the time out."
    if volume is not None and found.volume_ul is not None and volume < found.volume_ul:
        typed.wrong["diluted"] = "The whole is less than what was drawn. Look at both."
    return None if volume is None or typed.wrong else Dilution(looking.one(desk.ctx, found.vial), volume, until)


def _visits(desk: Desk, vial: str) -> choose.Group:
    along = f"&vial={vial}" if vial.replace("-", "").replace(".", "").isalnum() else ""
    found = tuple(
        (f"visit={one.tree['id']}{along}", choose.patient(one.patient), f"{one.tree.get('status', '')}, {_when(desk, one.tree)}")
        for one in choices.visits(desk.ctx)
    )
    return "For which visit?", "No visit goes on now.", found


def _when(desk: Desk, visit: Tree) -> str:
    start = str(visit.get("period", {}).get("start", ""))
    return desk.site.local_time(start)[:16] if start else str(visit.get("id", ""))


def _ordered(order: Tree) -> str:
    """An order in words: what its dosage says, else what it is called."""
    dosage = next((one["text"] for one in order.get("dosageInstruction", ()) if "text" in one), "")
    return (dosage or summary.label(order) or str(order.get("id", "")))[:160]


SLIP = Slip(
    name="draw",
    title="Draw from a vial",
    lead="An amount taken out of a vial for one patient. The draw stays open until all of it is given, wasted or returned.",
    button="Record the draw",
    second=ALONE,
    statement="",
    opened=_opened,
)
