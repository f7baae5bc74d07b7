"""The form for vials that came in: two people receive them, and both sign."""

from collections.abc import Mapping
from datetime import date

from flask import Response

from service.records.entering import choices, delivery
from service.records.entering.delivery import MOST_VIALS, SUBSTANCES, Delivery, Product
from service.records.entering.typed import Typed
from service.web.pages import summary
from service.web.pages.desk import Desk
from service.web.pages.register_forms.field import Field
from service.web.pages.register_forms.slip import TOGETHER, Make, Opened, Slip

_NAMES = {code: f"{one.name} ({one.schedule})" for code, one in SUBSTANCES.items()}
_MOST_NUMBER = 64


def _opened(desk: Desk, _: Mapping[str, str]) -> Opened | Response:
    suppliers = {f"Organization/{one['id']}": summary.label(one) for one in choices.suppliers(desk.ctx)}
    safes = {f"Location/{one['id']}": summary.label(one) for one in choices.safes(desk.ctx)}
    fields = (
        Field("supplier", "Supplier", "choice", choices=tuple(suppliers.items())),
        Field("invoice", "Invoice number", most=_MOST_NUMBER),
        Field("safe", "Safe that the vials go into", "choice", choices=tuple(safes.items())),
        Field("substance", "Substance", "choice", choices=tuple(_NAMES.items())),
        Field("strength", "Strength, mg/mL", "amount"),
        Field("volume", "Volume of a vial, mL", "amount"),
        Field("ndc", "NDC, eleven digits", hint="Without hyphens. May be left out.", is_needed=False, most=11),
        Field("lot", "Lot number", most=_MOST_NUMBER),
        Field("expires", "Expires", "day", hint="The last day on which it may be used."),
        Field("serials", "Serial numbers of the vials", "words", hint=f"One on each line, at most {MOST_VIALS}.", most=2000),
    )

    def read(typed: Typed) -> Make:
        found = _read(typed, suppliers, safes)
        if "serials" not in typed.wrong and (known := choices.known_serials(desk.ctx, found.serials)):
            typed.wrong["serials"] = f"There is a vial {', '.join(known)} already: a vial is received once. Look at the label."
        return lambda occasion: delivery.changes(found, occasion)

    return Opened((), fields, read, tuple(safes)[:1])


def _read(typed: Typed, suppliers: Mapping[str, str], safes: Mapping[str, str]) -> Delivery:
    return Delivery(
        supplier=typed.chosen("supplier", suppliers),
        safe=typed.chosen("safe", safes),
        invoice=typed.words("invoice", "the number of the invoice", _MOST_NUMBER),
        product=_product(typed),
        lot=typed.matching("lot", delivery.LOT, "State the lot number as it is on the label: letters, digits, and . _ / -"),
        expires=_expires(typed),
        serials=_serials(typed),
    )


def _product(typed: Typed) -> Product:
    code = typed.chosen("substance", SUBSTANCES)
    strength, volume = typed.amount("strength"), typed.volume("volume")
    ndc = typed.matching("ndc", delivery.NDC, "An NDC has eleven digits here, as in 67457000110. Leave it out if it is not on the label.")
    if volume is None:
        typed.wrong["volume"] = "State the volume of a vial in mL, as in 10."
    product = Product(SUBSTANCES.get(code, next(iter(SUBSTANCES.values()))), strength, volume or 0, ndc)
    if not typed.wrong.keys() & {"strength", "volume"} and product.content_ug is None:
        typed.wrong["volume"] = "Strength times volume is no whole number of micrograms. Look at both."
    return product


def _expires(typed: Typed) -> str:
    found = typed.day("expires")
    when = typed.text("when")[:10]
    if found and "expires" not in typed.wrong and when and found < when and _is_day(when):
        typed.wrong["expires"] = "The vials had expired when they came. Send them back, or look at the label."
    return found


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _serials(typed: Typed) -> tuple[str, ...]:
    found = delivery.serials(typed.fields.get("serials", ""))
    wrong = [one for one in found if not delivery.SERIAL.fullmatch(one)]
    if not 0 < len(found) <= MOST_VIALS:
        typed.wrong["serials"] = f"State the serial number of each vial, 1 to {MOST_VIALS}. A larger delivery takes several forms."
    elif len(set(found)) < len(found):
        typed.wrong["serials"] = "A serial number is there twice: each vial has its own."
    elif wrong:
        typed.wrong["serials"] = f"{wrong[0][:64]!r} is no serial number: letters, digits, and . _ / -"
    return found


SLIP = Slip(
    name="receive",
    title="Receive vials",
    lead="Vials of one product and lot, from one supplier. Two people receive them; both are named in the record.",
    button="Receive",
    second=TOGETHER,
    statement="Both received these vials and compared labels and number with the invoice.",
    opened=_opened,
)
