"""The prefixes of ordered values (https://hl7.org/fhir/R4/search.html#prefix) and the bare numbers behind them."""

import re
from decimal import Decimal
from typing import Any

from service.search.types.protocol import Condition, Refused

ALL = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
_PREFIXED = re.compile(r"([A-Za-z]+)(.*)", re.DOTALL)
_DECIMAL = re.compile(r"[+-]?\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_APPROXIMATELY = Decimal("0.1")


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
    """What a number may mean at the precision it is written with: `100` is 99.5 to 100.5, the upper end excluded."""
    number = Decimal(text)
    exponent = int(number.as_tuple().exponent)
    half = Decimal(5).scaleb(exponent - 1)
    return number - half, number + half


def compare(prefix: str, text: str, lo: Any, hi: Any, order: Any) -> Condition:
    """The rows whose range [lo, hi] stands to the number `text` as `prefix` says; `order` makes a column value of a Decimal.

    Only `eq` and `ne` look at the precision of the number; `ap` widens it by a tenth.
    """
    number = Decimal(text)
    at = order(number)
    if prefix in ("eq", "ne"):
        first, after = (order(end) for end in implied_range(text))
        within = (lo >= first) & (hi < after)
        return within if prefix == "eq" else ~within
    if prefix == "ap":
        tenth = abs(number) * _APPROXIMATELY
        first, last = implied_range(text)
        return (hi >= order(min(first, number - tenth))) & (lo <= order(max(last, number + tenth)))
    return {"gt": hi > at, "lt": lo < at, "ge": hi >= at, "le": lo <= at, "sa": lo > at, "eb": hi < at}[prefix]
