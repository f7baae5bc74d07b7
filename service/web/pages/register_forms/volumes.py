"""The volume of a vial's solution that holds an amount."""

from collections.abc import Callable

from service.ledger.amount import milligrams, millilitres
from service.storage.ledger import Vial

_MILLILITRE = 1000


def exact(vial: Vial, amount_ug: int) -> int | None:
    """In microlitres; None where it is no whole number of them."""
    volume, rest = divmod(amount_ug * _MILLILITRE, vial.strength_ug_per_ml) if vial.strength_ug_per_ml else (0, 1)
    return None if rest else volume


def told(vial: Vial) -> Callable[[int], str]:
    """What is said of the volume of an amount."""

    def words(amount_ug: int) -> str:
        if not vial.strength_ug_per_ml:
            return "The vial has no strength in the books: work the volume out by hand."
        volume = exact(vial, amount_ug)
        nearest = (2 * amount_ug * _MILLILITRE + vial.strength_ug_per_ml) // (2 * vial.strength_ug_per_ml)
        size = f"{millilitres(nearest)} mL" if volume is not None else f"about {millilitres(nearest)} mL"
        return f"{milligrams(amount_ug)} mg are {size} of {milligrams(vial.strength_ug_per_ml)} mg/mL."

    return words
