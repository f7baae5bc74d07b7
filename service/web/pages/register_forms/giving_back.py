"""The form for what goes back from a syringe into its vial, untouched."""

from collections.abc import Mapping

from flask import Response

from service.ledger import reading
from service.ledger.amount import milligrams
from service.records.entering import movement, stock
from service.records.entering.movement import RETURN, Movement
from service.records.entering.typed import Typed
from service.web.pages.desk import Desk
from service.web.pages.register_forms import choose
from service.web.pages.register_forms.field import Field
from service.web.pages.register_forms.slip import PERHAPS, Make, Opened, Slip

_FIELDS = (
    Field("amount", "Amount returned, mg", "amount"),
    Field("volume", "Volume, mL", "amount", hint="May be left out.", is_needed=False),
)


def _opened(desk: Desk, given: Mapping[str, str]) -> Opened | Response:
    if not given.get("draw"):
        return choose.page(desk, "return", "Return to the vial", (choose.draws(desk),))
    found = stock.syringe(desk.ctx, given["draw"])
    tree, vial = found.tree, reading.medication(found.tree) or ""
    facts = (
        ("Patient", choose.patient(found.patient)),
        ("Draw", choose.drawn(desk, found)),
        ("Left by the book", f"{milligrams(found.left_ug)} mg"),
    )
    visit = reading.visit(tree) or ""

    def read(typed: Typed) -> Make:
        amount, volume = typed.amount("amount"), typed.volume("volume")
        subject = reading.patient(tree) or ""
        return lambda occasion: movement.changes(Movement(RETURN, vial, subject, amount, volume, found.reference, visit), occasion)

    return Opened(facts, _FIELDS, read, (found.reference,), {"draw": given["draw"]})


SLIP = Slip(
    name="return",
    title="Return to the vial",
    lead="What was drawn and goes back into the vial that it came from. What was given or diluted is wasted instead.",
    button="Record the return",
    second=PERHAPS,
    statement="Both saw this amount go back into the vial.",
    opened=_opened,
)
