"""Numbers: `eq` and `ne` at the precision that was written, every other prefix to the last digit.

`100` finds 99.5 up to (not including) 100.5; `1e2` finds 95 up to 105. https://hl7.org/fhir/R4/search.html#number
"""

from decimal import Decimal
from typing import Any

from service.search.query import Number
from service.search.types import escapes, prefixes
from service.search.types.decimal_order import FIRST, LAST, ordered
from service.search.types.protocol import Action, Asked, Condition, Json, Reading, Rows, SearchParameter, Source

TABLE = "number"
MODIFIERS: frozenset[str] = frozenset()
PREFIXES = prefixes.ALL
_NUMBERS = frozenset({"integer", "decimal", "positiveInt", "unsignedInt"})
READS = _NUMBERS | {"Range"}


def parse(text: str, modifier: str | None, parameter: SearchParameter, reading: Reading) -> Number:
    """A prefix and a decimal."""
    prefix, number = prefixes.split(escapes.unescaped(text).replace(" ", "+"))
    prefixes.decimal(number)
    return Number(prefix, number)


def write(value: Any) -> str:
    """The prefix, unless it is `eq`, and the number as it was written."""
    return f"{'' if value.prefix == 'eq' else value.prefix}{value.text}"


def extractor(source: Source) -> Action:
    """A number is a range of no width; a Range has its two ends."""
    key = source.key
    if source.element in _NUMBERS:
        return lambda value, rows: _add(key, value, value, rows)
    return lambda value, rows: _add(key, value.get("low", {}).get("value"), value.get("high", {}).get("value"), rows)


def _add(key: int, low: Json, high: Json, rows: Rows) -> None:
    if low is None and high is None:
        return
    lo = FIRST if low is None else ordered(Decimal(low))
    hi = LAST if high is None else ordered(Decimal(high))
    rows.number.add((key, lo, hi))


def predicate(table: Any, asked: Asked) -> Condition:
    """The comparison of the two ranges."""
    return prefixes.compare(table.lo, table.hi, asked, prefixes.as_written)
