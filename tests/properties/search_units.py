"""Units by hand: what the samples measure in, each with its dimension and its exact factor (and offset) to one unit of it.

Sources: https://ucum.org/ucum (mm[Hg] is 133.322 Pa there). A dose per body weight is a dimension of its own, never a percentage.
"""

from fractions import Fraction

UCUM = "http://unitsofmeasure.org"

FACTORS: dict[str, tuple[str, Fraction, Fraction]] = {
    "g": ("mass", Fraction(1), Fraction(0)),
    "mg": ("mass", Fraction(1, 1000), Fraction(0)),
    "ug": ("mass", Fraction(1, 1_000_000), Fraction(0)),
    "kg": ("mass", Fraction(1000), Fraction(0)),
    "L": ("volume", Fraction(1), Fraction(0)),
    "mL": ("volume", Fraction(1, 1000), Fraction(0)),
    "Pa": ("pressure", Fraction(1), Fraction(0)),
    "kPa": ("pressure", Fraction(1000), Fraction(0)),
    "mm[Hg]": ("pressure", Fraction(133_322, 1000), Fraction(0)),
    "Cel": ("temperature", Fraction(1), Fraction(27315, 100)),
    "[degF]": ("temperature", Fraction(5, 9), Fraction(45967, 100) * Fraction(5, 9)),
    "/min": ("frequency", Fraction(1, 60), Fraction(0)),
    "%": ("share", Fraction(1, 100), Fraction(0)),
    "mg/kg": ("dose by weight", Fraction(1), Fraction(0)),
    "s": ("time", Fraction(1), Fraction(0)),
    "min": ("time", Fraction(60), Fraction(0)),
    "h": ("time", Fraction(3600), Fraction(0)),
    "d": ("time", Fraction(86400), Fraction(0)),
}

TIMES = tuple(unit for unit, (dimension, _, _) in FACTORS.items() if dimension == "time")


def comparable(one: str, other: str) -> bool:
    """Whether the two measure the same."""
    return one in FACTORS and other in FACTORS and FACTORS[one][0] == FACTORS[other][0]


def converted(number: Fraction, unit: str) -> Fraction:
    """In the one unit of its dimension."""
    _, factor, offset = FACTORS[unit]
    return number * factor + offset
