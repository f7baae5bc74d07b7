"""Units of measure: what can be compared and converted, exactly, and what somebody probably meant.

    canonical("mg")                               Unit: to its base unit and back, in fractions
    convert(Decimal("0.05"), "g", "mg")           Fraction(50); Incommensurable for g and mL, UnknownUnit for mmHg
    rounded(Fraction(1, 3), ROUND_FLOOR)          the decimal that stands in an index: exact where there is one
    suggestion("mmHg")                            "mm[Hg]"

What is commensurable is said in `service.fhir.ucum`; it is narrower than UCUM. https://ucum.org/ucum, http://hl7.org/fhir/R4/datatypes.html#quantity
"""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from functools import lru_cache

from service.fhir.ucum import Unreadable, measure

UCUM = "http://unitsofmeasure.org"

DIGITS = 30
"""Significant digits that are kept of a number without an exact decimal."""
_EXACTLY = Context(prec=10**6)


class UnknownUnit(ValueError):
    """The code is no unit of UCUM. `suggestion` is the code that was probably meant, or None."""

    def __init__(self, code: str) -> None:
        self.suggestion = suggestion(code)
        meant = f"; write {self.suggestion!r}" if self.suggestion else ""
        super().__init__(f"{code[:40]!r} is no unit of UCUM (https://ucum.org/ucum){meant}")


class Incommensurable(ValueError):
    """Two units measure different things."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first[:40]!r} and {second[:40]!r} do not measure the same and cannot be converted")


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of UCUM. Units with the same `base` are commensurable."""

    code: str
    base: str
    factor: Fraction
    zero: Fraction

    def to_base(self, value: Decimal | Fraction) -> Fraction:
        """`value` of this unit in the base unit."""
        return Fraction(value) * self.factor + self.zero

    def from_base(self, value: Fraction) -> Fraction:
        """`value` of the base unit in this unit."""
        return (value - self.zero) / self.factor


@lru_cache(maxsize=4096)
def canonical(code: str) -> Unit | None:
    """The unit that a UCUM code names, case heeded; None when it names none."""
    try:
        found = measure(code)
    except Unreadable:
        return None
    return Unit(code, found.base, found.factor, found.zero)


def unit(code: str) -> Unit:
    """The unit that a UCUM code names. Raises UnknownUnit."""
    found = canonical(code)
    if found is None:
        raise UnknownUnit(code)
    return found


def convert(value: Decimal, from_code: str, to_code: str) -> Fraction:
    """`value`, exactly. Raises UnknownUnit, Incommensurable."""
    one, other = unit(from_code), unit(to_code)
    if one.base != other.base:
        raise Incommensurable(from_code, to_code)
    return Fraction(value) if one == other else other.from_base(one.to_base(value))


def rounded(value: Fraction, rounding: str = ROUND_HALF_EVEN) -> Decimal:
    """The decimal equal to `value` where one exists, else the one next to it in the direction of `rounding` (of `decimal`)."""
    above, below = Decimal(value.numerator), Decimal(value.denominator)
    nearest = Context(prec=DIGITS, rounding=rounding).divide(above, below)
    if _EXACTLY.multiply(nearest, below) == above:
        return nearest
    return _finite(value) or nearest


def _finite(value: Fraction) -> Decimal | None:
    """The decimal equal to `value`, however long; None where it never ends."""
    rest, twos, fives = value.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    if rest != 1:
        return None
    places = max(twos, fives)
    return Decimal(value.numerator * 2 ** (places - twos) * 5 ** (places - fives)).scaleb(-places, _EXACTLY)


_MEANT = {
    "mmhg": "mm[Hg]",
    "mm hg": "mm[Hg]",
    "torr": "mm[Hg]",
    "cmh2o": "cm[H2O]",
    "cm h2o": "cm[H2O]",
    "mcg": "ug",
    "\u00b5g": "ug",
    "\u03bcg": "ug",
    "mcl": "uL",
    "\u00b5l": "uL",
    "\u03bcl": "uL",
    "cc": "mL",
    "ml": "mL",
    "gm": "g",
    "gram": "g",
    "gms": "g",
    "kgs": "kg",
    "kilo": "kg",
    "lb": "[lb_av]",
    "lbs": "[lb_av]",
    "pound": "[lb_av]",
    "oz": "[oz_av]",
    "in": "[in_i]",
    "inch": "[in_i]",
    "inches": "[in_i]",
    "foot": "[ft_i]",
    "feet": "[ft_i]",
    "liter": "L",
    "litre": "L",
    "sec": "s",
    "second": "s",
    "minute": "min",
    "hr": "h",
    "hour": "h",
    "day": "d",
    "week": "wk",
    "month": "mo",
    "year": "a",
    "yr": "a",
    "bpm": "/min",
    "beat": "{beats}",
    "breath": "{breaths}",
    "degc": "Cel",
    "deg c": "Cel",
    "\u00b0c": "Cel",
    "celsius": "Cel",
    "degf": "[degF]",
    "deg f": "[degF]",
    "\u00b0f": "[degF]",
    "fahrenheit": "[degF]",
    "percent": "%",
    "pct": "%",
    "iu": "[iU]",
    "unit": "[iU]",
    "meq": "meq",
    "mosm": "mosm",
    "ppm": "[ppm]",
    "psi": "[psi]",
    "score": "{score}",
    "point": "{score}",
    "m2": "m2",
    "x10^3": "10*3",
    "10e3": "10*3",
}
"""Common spellings that are no UCUM, in small letters and in the singular."""


def suggestion(text: str) -> str | None:
    """The UCUM code that was probably meant by `text`; None when there is nothing to say."""
    short = text.strip()[:80]
    parts = re.split(r"([/.])", short)
    meant = "".join(part if part in "/." else _meant(part.strip()) for part in parts)
    for candidate in (_meant(short), meant, "".join(meant.split()), meant.replace("^", ""), short.lower()):
        if candidate != text and canonical(candidate) is not None:
            return candidate
    return None


def _meant(part: str) -> str:
    small = part.lower()
    if canonical(part) is not None and part != "ml":
        return part
    return _MEANT.get(small) or _MEANT.get(small.removesuffix("s")) or part
