"""The form for a count. It is blind: what the book says is shown when the count is written down, not before."""

from collections.abc import Mapping

from flask import Response

from service.records.entering import movement, stock
from service.records.entering.movement import COUNT, COUNTED, Movement
from service.records.entering.typed import Typed
from service.web.pages.desk import Desk
from service.web.pages.register_forms import choose, volumes
from service.web.pages.register_forms.field import Field, choices_of, coded
from service.web.pages.register_forms.slip import TOGETHER, Make, Opened, Slip

_FIELDS = (
    Field("amount", "Amount in the vial, mg", "amount", hint="What you measured, not what it ought to be.", works_out=True),
    Field("method", "How it was counted", "choice", choices=choices_of(COUNTED)),
)


def _opened(desk: Desk, given: Mapping[str, str]) -> Opened | Response:
    if not given.get("vial"):
        return choose.page(desk, "count", "Count a vial", (choose.vials(desk),))
    id = given["vial"]
    vial = stock.vial(desk.ctx, id)

    def read(typed: Typed) -> Make:
        amount, method = typed.amount("amount", least_ug=0), coded(typed, "method", COUNTED)
        told = {"cs-count-method": method}
        found = Movement(COUNT, f"Medication/{id}", f"Location/{vial.safe}", amount, volumes.exact(vial, amount), told=told)
        return lambda occasion: movement.changes(found, occasion)

    return Opened(choose.label(vial), _FIELDS, read, (f"Medication/{id}",), {"vial": id}, volumes.told(vial))


SLIP = Slip(
    name="count",
    title="Count a vial",
    lead="What two people measure in a vial. The book is shown afterwards; where both differ, a discrepancy opens at once.",
    button="Record the count, signed by both",
    second=TOGETHER,
    statement="Both counted what this vial holds.",
    opened=_opened,
)
