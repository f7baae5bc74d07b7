"""What a solution holds and what a pump delivers, in exact fractions: strengths, volumes, rates and times.

A strength is micrograms in a microlitre, which is the same number as milligrams in a millilitre. Units are those of UCUM.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from service.fhir import units
from service.fhir.temporal import SECOND
from service.ledger.amount import LARGEST

Tree = Mapping[str, Any]
Strength = Callable[[], Fraction]

_VOLUME_RATE, _MASS_RATE = "uL/s", "ug/s"


class Unclear(ValueError):
    """A number that cannot be compared with another; the text says what to state."""


def exact(quantity: object, unit: str) -> Fraction:
    """The value of a Quantity in `unit`. Raises Unclear without a value, for one beyond reason, and for what `unit` does not measure."""
    value, code = _stated(quantity)
    try:
        return units.convert(value, code, unit)
    except (units.UnknownUnit, units.Incommensurable) as error:
        raise Unclear(f"{error}.") from None


def _stated(quantity: object) -> tuple[Decimal, str]:
    stated = quantity if isinstance(quantity, Mapping) else {}
    value, code = stated.get("value"), stated.get("code", stated.get("unit"))
    if isinstance(value, bool) or not isinstance(value, Decimal | int) or not isinstance(code, str):
        raise Unclear("State it as a number with a unit of UCUM.")
    if not -LARGEST <= value <= LARGEST:
        raise Unclear("It is larger than a clinic holds. Look at the unit.")
    return Decimal(value), code


def ratio(value: object, above: str, below: str) -> Fraction:
    """A Ratio as so many of `above` in one of `below`. Raises Unclear, also where it divides by nothing."""
    stated = value if isinstance(value, Mapping) else {}
    numerator, denominator = exact(stated.get("numerator"), above), exact(stated.get("denominator"), below)
    if denominator <= 0:
        raise Unclear("The denominator must be more than nothing.")
    return numerator / denominator


def strength(medication: Tree | None) -> Fraction:
    """Of a vial, what its label says; of a prepared syringe, all that came out of vials together. Raises Unclear."""
    active = [one for one in (medication or {}).get("ingredient", ()) if one.get("isActive") is not False]
    filled = [one for one in active if "itemReference" in one]
    parts = filled or active[:1]
    found = sum((ratio(one.get("strength"), "ug", "uL") for one in parts), Fraction(0))
    if found <= 0:
        raise Unclear("It states no strength.")
    return found


def delivered(dosage: Tree, length: int, held: Strength) -> Fraction:
    """The micrograms that the rate of a dosage delivers in `length` microseconds; `held` tells the strength of what runs, if need be.

    Raises Unclear for a rate that is neither a volume nor a mass in a time, and for what `held` raises.
    """
    seconds = Fraction(length, SECOND)
    found = _rate(dosage, _VOLUME_RATE)
    amount = _rate(dosage, _MASS_RATE) if found is None else found * held()
    if amount is None or amount < 0:
        raise Unclear("State the rate as a volume or a mass in a time, as in mL/h or mg/h.")
    return amount * seconds


def has_rate(dosage: Tree) -> bool:
    """Whether the dosage says how fast it ran."""
    return "rateQuantity" in dosage or "rateRatio" in dosage


def _rate(dosage: Tree, unit: str) -> Fraction | None:
    """The rate in `unit`; None where it measures something else."""
    above, below = unit.split("/")
    try:
        return exact(dosage["rateQuantity"], unit) if "rateQuantity" in dosage else ratio(dosage.get("rateRatio"), above, below)
    except Unclear:
        return None
