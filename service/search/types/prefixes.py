"""The prefixes of ordered values (https://hl7.org/fhir/R4/search.html#prefix) and the bare numbers behind them."""

import re
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Any

from service.search.types.decimal_order import ordered
from service.search.types.protocol import Asked, Condition, Refused

ALL = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
_PREFIXED = re.compile(r"([A-Za-z]+)(.*)", re.DOTALL)
_DECIMAL = re.compile(r"[+-]?\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_APPROXIMATELY = Decimal("0.1")
_EXACTLY = Context(prec=2200)
"""A number of up to eighty digits may stand a thousand places from its own precision."""

Place = Callable[[Any, Decimal, str], str]
"""The column value of a number that belongs to a value asked for, rounded in a direction of `decimal` where it must be."""


def split(text: str) -> tuple[str, str]:
    """The prefix (`eq` when there is none) and the rest. Raises Refused for letters that are no prefix."""
    found = _PREFIXED.fullmatch(text)
    if not found:
        return "eq", text
    if found[1] not in ALL:
        raise Refused(f"{found[1][:20]!r} is no prefix; the prefixes are {', '.join(ALL)}")
    return found[1], found[2]


def decimal(text: str) -> Decimal:
    """The number in `text`. Raises Refused when it is none."""
    if not _DECIMAL.fullmatch(text):
        raise Refused(f"{text[:40]!r} is no number")
    return Decimal(text)


def implied_range(text: str) -> tuple[Decimal, Decimal]:
    """What a number may mean at the precision it is written with: `100` is 99.5 to 100.5, the upper end excluded.

    Half of the last digit to either side; but a number that ends before its ones, such as `1e2`, is a digit finer, because R4 says that
    it is 95 to 105.
    """
    number = Decimal(text)
    exponent = int(number.as_tuple().exponent)
    half = Decimal(5).scaleb(exponent - 1 if exponent <= 0 else exponent - 2)
    return _EXACTLY.subtract(number, half), _EXACTLY.add(number, half)


def compare(lo: Any, hi: Any, asked: Asked, place: Place) -> Condition:
    """The rows whose range [lo, hi] stands to the number asked for as its prefix says.

    Only `eq` and `ne` look at the precision of the number; `ap` widens it by a tenth. A number that has no exact column value is placed
    where the row of an equal number says the same as if it had one: rows reach outward.
    """
    prefix = asked.value.prefix
    if prefix in ("eq", "ne"):
        first = asked.bind(lambda value: place(value, implied_range(value.text)[0], ROUND_FLOOR))
        after = asked.bind(lambda value: place(value, implied_range(value.text)[1], ROUND_FLOOR))
        within = (lo >= first) & (hi < after)
        return within if prefix == "eq" else ~within
    if prefix == "ap":
        first = asked.bind(lambda value: place(value, _near(value.text)[0], ROUND_FLOOR))
        last = asked.bind(lambda value: place(value, _near(value.text)[1], ROUND_FLOOR))
        return (hi >= first) & (lo <= last)
    rounding = ROUND_CEILING if prefix == "gt" else ROUND_FLOOR
    at = asked.bind(lambda value: place(value, Decimal(value.text), rounding))
    return {"gt": hi > at, "lt": lo < at, "ge": hi >= at, "le": lo <= at, "sa": lo > at, "eb": hi < at}[prefix]


def as_written(value: Any, number: Decimal, rounding: str) -> str:
    """The column value of a number that is not converted."""
    return ordered(number)


def _near(text: str) -> tuple[Decimal, Decimal]:
    """A tenth to either side, and at least what the precision implies."""
    number = Decimal(text)
    tenth, (first, after) = _EXACTLY.multiply(number.copy_abs(), _APPROXIMATELY), implied_range(text)
    return min(first, _EXACTLY.subtract(number, tenth)), max(after, _EXACTLY.add(number, tenth))
