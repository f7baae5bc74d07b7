"""Decimals as text that sorts as they do, exactly and on every database (compared byte by byte).

    sign   0 negative · 1 zero · 2 positive
    scale  four digits: the power of ten of the first digit, plus 5000; negative numbers take the complement
    digits without leading and trailing zeros; negative numbers take the complement of each, and a closing ~

Digits after the 300th are cut: an index entry has a longest length. Nothing lies below FIRST or above LAST. `just_below` and
`just_above` are the open ends of a range: `<5` ends just below 5.
"""

from decimal import Decimal

FIRST = " "
LAST = "~"
_COMPLEMENT = str.maketrans("0123456789", "9876543210")
_OFFSET = 5000
_DIGITS = 300


def ordered(number: Decimal) -> str:
    """The text of a number whose exponent lies within three digits."""
    if not number:
        return "1"
    sign, digits, _ = number.as_tuple()
    scale = f"{number.adjusted() + _OFFSET:04d}"
    text = "".join(map(str, digits[:_DIGITS])).lstrip("0").rstrip("0")
    if sign:
        return f"0{(scale + text).translate(_COMPLEMENT)}~"
    return f"2{scale}{text}"


def just_above(number: Decimal) -> str:
    """Above `number`, below every number above it."""
    text = ordered(number)
    return text + "!" if not text.endswith("~") else text + "~"


def just_below(number: Decimal) -> str:
    """Below `number`, above every number below it."""
    text = ordered(number)
    if text.endswith("~"):
        return text[:-1] + "}"
    return text[:-1] + chr(ord(text[-1]) - 1) + "~"
