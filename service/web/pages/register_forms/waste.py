"""The form for waste, from a syringe or from a vial: a second person sees it and signs for it on the same page."""

from collections.abc import Mapping

from flask import Response

from service.ledger import reading
from service.ledger.amount import milligrams
from service.records.entering import movement, stock
from service.records.entering.movement import METHODS, REASONS, WASTE, Movement
from service.records.entering.typed import Typed
from service.web.pages.desk import Desk
from service.web.pages.register_forms import choose, volumes
from service.web.pages.register_forms.field import Field, choices_of, coded
from service.web.pages.register_forms.slip import TOGETHER, Make, Opened, Slip

_AMOUNT = Field("amount", "Amount wasted, mg", "amount")
_PARTS = (
    Field("reason", "Why", "choice", choices=choices_of(REASONS)),
    Field("method", "How it was made unusable", "choice", choices=choices_of(METHODS)),
)


def _opened(desk: Desk, given: Mapping[str, str]) -> Opened | Response:
    if given.get("draw"):
        return _of_draw(desk, given["draw"])
    if given.get("vial"):
        return _of_vial(desk, given["vial"])
    return choose.page(desk, "waste", "Waste", (choose.draws(desk), choose.vials(desk)))


def _of_draw(desk: Desk, id: str) -> Opened:
    found = stock.syringe(desk.ctx, id)
    tree, subject, vial = found.tree, reading.patient(found.tree) or "", reading.medication(found.tree) or ""
    facts = (("Patient", choose.patient(found.patient)), ("Draw", choose.drawn(desk, found)), ("Left by the book", _left(found.left_ug)))
    measured = Field("volume", "Volume, mL", "amount", hint="As it was in the syringe. May be left out.", is_needed=False)

    def read(typed: Typed) -> Make:
        amount, volume = typed.amount("amount"), typed.volume("volume")
        made = Movement(WASTE, vial, subject, amount, volume, found.reference, reading.visit(tree) or "", told=_told(typed))
        return lambda occasion: movement.changes(made, occasion)

    return Opened(facts, (_AMOUNT, measured, *_PARTS), read, (found.reference,), {"draw": id})


def _of_vial(desk: Desk, id: str) -> Opened:
    vial = stock.vial(desk.ctx, id)
    amount = Field("amount", "Amount wasted, mg", "amount", works_out=True)

    def read(typed: Typed) -> Make:
        wasted, told = typed.amount("amount"), _told(typed)
        found = Movement(WASTE, f"Medication/{id}", f"Location/{vial.safe}", wasted, volumes.exact(vial, wasted), told=told)
        return lambda occasion: movement.changes(found, occasion)

    return Opened(choose.label(vial), (amount, *_PARTS), read, (f"Medication/{id}",), {"vial": id}, volumes.told(vial))


def _told(typed: Typed) -> Mapping[str, tuple[str, str]]:
    return {"cs-waste-reason": coded(typed, "reason", REASONS), "cs-waste-method": coded(typed, "method", METHODS)}


def _left(left_ug: int) -> str:
    return f"{milligrams(left_ug)} mg"


SLIP = Slip(
    name="waste",
    title="Waste",
    lead="What is thrown away of a controlled substance, before a second person who signs for it here.",
    button="Record the waste, signed by both",
    second=TOGETHER,
    statement="Both saw this amount made unusable.",
    opened=_opened,
)
