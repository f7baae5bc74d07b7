"""Quantities as whole numbers: micrograms of a substance, microlitres of a solution.

What is finer than a microgram or a microlitre is refused, never rounded: no binary float and no rounding in a dose. Units are those of
UCUM (https://ucum.org): `g mg ug` and `L mL uL`.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

UCUM = "http://unitsofmeasure.org"
MASSES: Mapping[str, int] = {"ug": 1, "mg": 1_000, "g": 1_000_000}
"""Micrograms in a unit of mass."""
VOLUMES: Mapping[str, int] = {"uL": 1, "mL": 1_000, "L": 1_000_000}
"""Microlitres in a unit of volume."""
_WRITTEN: Mapping[str, str] = {"mcg": "ug", "\u00b5g": "ug", "\u03bcg": "ug", "ml": "mL", "l": "L", "\u00b5L": "uL", "\u03bcL": "uL"}
"""How people write the same units."""
LARGEST = 10**12
"""A kilogram in micrograms: no amount of a clinic is larger."""


class Inexact(ValueError):
    """An amount that is no whole number of micrograms or microlitres, or has no such unit; the text says what to send instead."""


def micrograms(quantity: object) -> int:
    """The amount of a Quantity in micrograms. Raises Inexact."""
    return _whole(quantity, MASSES, "microgram")


def microlitres(quantity: object) -> int:
    """The volume of a Quantity in microlitres. Raises Inexact."""
    return _whole(quantity, VOLUMES, "microlitre")


def milligrams(amount_ug: int) -> Decimal:
    """Micrograms as exact milligrams, without zeros at the end."""
    return _thousandth(amount_ug)


def millilitres(volume_ul: int) -> Decimal:
    """Microlitres as exact millilitres, without zeros at the end."""
    return _thousandth(volume_ul)


def _thousandth(whole: int) -> Decimal:
    text = f"{Decimal(whole) / 1000:f}"
    return Decimal(text.rstrip("0").rstrip(".") if "." in text else text)


def _whole(quantity: object, units: Mapping[str, int], finest: str) -> int:
    if not isinstance(quantity, Mapping):
        raise Inexact(f"There is no amount. State one, in one of {', '.join(units)}.")
    code, value = _unit(quantity), quantity.get("value")
    if code not in units:
        raise Inexact(f"The unit is {str(code)[:20]!r}. State the amount in one of {', '.join(units)} (UCUM).")
    if isinstance(value, bool) or not isinstance(value, Decimal | int):
        raise Inexact("The amount has no value. State a number.")
    if not -LARGEST <= value <= LARGEST:
        raise Inexact("The amount is larger than a clinic holds. Look at the unit.")
    whole = _times(Decimal(value), units[code])
    if whole != whole.to_integral_value():
        raise Inexact(f"The amount is finer than a {finest}, which nobody can account for. State a whole number of {finest}s.")
    if abs(whole) > LARGEST:
        raise Inexact("The amount is larger than a clinic holds. Look at the unit.")
    return int(whole) if whole else 0


def _times(value: Decimal, thousands: int) -> Decimal:
    """The product to its last digit: an ordinary one is rounded to the digits of the context."""
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    return Decimal((sign, digits, exponent + len(str(thousands)) - 1))


def _unit(quantity: Mapping[str, Any]) -> str:
    """The code of the unit, else its text. Raises Inexact where the two, or another system of units, say different things."""
    code, text, system = quantity.get("code"), quantity.get("unit"), quantity.get("system", UCUM)
    if system != UCUM:
        raise Inexact(f"The unit is not one of UCUM. State the amount with the system {UCUM}.")
    said = _WRITTEN.get(str(text), str(text))
    if code is not None and code != said and said in (*MASSES, *VOLUMES):
        raise Inexact(f"The unit reads {str(text)!r} and its code is {str(code)[:20]!r}. Make them the same.")
    return str(code if code is not None else text)
