"""The form for a vial that moves to another safe. It moves whole: the amount is what it holds by the book."""

from collections.abc import Mapping

from flask import Response

from service.ledger.amount import milligrams
from service.records.entering import choices, movement, stock
from service.records.entering.movement import TRANSFER, Movement
from service.records.entering.typed import Typed
from service.web.pages import summary
from service.web.pages.desk import Desk
from service.web.pages.register_forms import choose
from service.web.pages.register_forms.field import Field
from service.web.pages.register_forms.slip import PERHAPS, Make, Opened, Slip


def _opened(desk: Desk, given: Mapping[str, str]) -> Opened | Response:
    if not given.get("vial"):
        return choose.page(desk, "transfer", "Move a vial", (choose.vials(desk),))
    id = given["vial"]
    vial = stock.vial(desk.ctx, id)
    safes = {f"Location/{one['id']}": summary.label(one) for one in choices.safes(desk.ctx)}
    here = f"Location/{vial.safe}"
    others = {place: name for place, name in safes.items() if place != here}

    def read(typed: Typed) -> Make:
        to = typed.chosen("safe", others)
        found = Movement(TRANSFER, f"Medication/{id}", here, vial.remaining_ug, destination=to)
        return lambda occasion: movement.changes(found, occasion)

    facts = (*choose.label(vial), ("From", safes.get(here, here)), ("Holds by the book", f"{milligrams(vial.remaining_ug)} mg"))
    fields = (Field("safe", "To the safe", "choice", choices=tuple(others.items())),)
    return Opened(facts, fields, read, (f"Medication/{id}",), {"vial": id})


SLIP = Slip(
    name="transfer",
    title="Move a vial",
    lead="A vial that goes to another safe, whole.",
    button="Record the move",
    second=PERHAPS,
    statement="Both saw this vial put into the other safe.",
    opened=_opened,
)
