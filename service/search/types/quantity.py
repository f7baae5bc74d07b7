"""Quantities: `number`, `number|system|code` or `number||unit`, compared as they were recorded.

`number||unit` finds a code of any system and a printed unit. A `<` or `>` in the record is a range with an open end. Units
are not converted: whoever asks in mg does not find what was recorded in g. A SampledData is the range of its samples.
https://hl7.org/fhir/R4/search.html#quantity
"""

from decimal import Decimal, InvalidOperation
from typing import Any

from service.search.keys import system_key, text_key
from service.search.query import Quantity
from service.search.types import escapes, prefixes
from service.search.types.decimal_order import FIRST, LAST, just_above, just_below, ordered
from service.search.types.protocol import Action, Asked, Condition, Json, Reading, Refused, Rows, SearchParameter, Source

TABLE = "quantity"
MODIFIERS: frozenset[str] = frozenset()
PREFIXES = prefixes.ALL
PRINTED = 0
"""The system of a row that stands for the printed unit, or for a quantity without a system."""

_QUANTITIES = frozenset({"Quantity", "SimpleQuantity", "Age", "Count", "Distance", "Duration", "MoneyQuantity"})
READS = _QUANTITIES | {"Money", "Range", "SampledData"}
_CURRENCIES = "urn:iso:std:iso:4217"


def parse(text: str, modifier: str | None, parameter: SearchParameter, reading: Reading) -> Quantity:
    """A prefix, a decimal and perhaps a unit."""
    parts = [escapes.unescaped(part) for part in escapes.split(text, "|")]
    prefix, number = prefixes.split(parts[0].replace(" ", "+"))
    prefixes.decimal(number)
    if len(parts) == 1:
        return Quantity(prefix, number)
    if len(parts) != 3 or not parts[2]:
        raise Refused("a unit is written 'number|system|code' or 'number||unit'")
    return Quantity(prefix, number, parts[1] or None, parts[2])


def write(value: Any) -> str:
    """The form that it was."""
    number = f"{'' if value.prefix == 'eq' else value.prefix}{value.text}"
    if value.code is None:
        return number
    return f"{number}|{escapes.escaped(value.system or '')}|{escapes.escaped(value.code)}"


def extractor(source: Source) -> Action:
    """The range of a quantity with its unit, twice when code and printed unit differ."""
    key = source.key
    if source.element in _QUANTITIES:
        return lambda value, rows: _add(key, value, _range(value), rows)
    if source.element == "Money":
        return lambda value, rows: _add(key, {"code": value.get("currency"), "system": _CURRENCIES}, _range(value), rows)
    if source.element == "Range":
        return lambda value, rows: _add_range(key, value, rows)
    return lambda value, rows: _add(key, value.get("origin", {}), _samples(value), rows)


def _add(key: int, unit: Json, covered: tuple[str, str] | None, rows: Rows) -> None:
    if covered is None:
        return
    code, printed = unit.get("code"), unit.get("unit")
    if code or not printed:
        rows.quantity.add((key, text_key(code or ""), *covered, system_key(unit.get("system") or "")))
    if printed and printed != code:
        rows.quantity.add((key, text_key(printed), *covered, PRINTED))


def _range(value: Json) -> tuple[str, str] | None:
    number = value.get("value")
    if number is None:
        return None
    number = Decimal(number)
    at = ordered(number)
    return {"<": (FIRST, just_below(number)), "<=": (FIRST, at), ">": (just_above(number), LAST), ">=": (at, LAST)}.get(
        value.get("comparator"), (at, at)
    )


def _add_range(key: int, value: Json, rows: Rows) -> None:
    low, high = value.get("low"), value.get("high")
    lo = _range(low) if low else None
    hi = _range(high) if high else None
    if lo or hi:
        _add(key, low or high, (lo[0] if lo else FIRST, hi[1] if hi else LAST), rows)


def _samples(value: Json) -> tuple[str, str] | None:
    """The least and the greatest sample: origin + factor x sample; E, L and U (errors and limits) are no samples."""
    origin, factor = value.get("origin", {}).get("value", 0), value.get("factor", 1)
    try:
        samples = [Decimal(origin) + Decimal(factor) * Decimal(one) for one in (value.get("data") or "").split() if one not in "ELU"]
    except InvalidOperation:
        return None
    return (ordered(min(samples)), ordered(max(samples))) if samples else None


def predicate(table: Any, asked: Asked) -> Condition:
    """The comparison of the two ranges, within the unit."""
    compared = prefixes.compare(table.lo, table.hi, asked, ordered)
    if asked.value.code is None:
        return compared
    unit = table.code == asked.bind(lambda value: text_key(value.code))
    if asked.value.system is not None:
        unit &= table.system == asked.bind(lambda value: system_key(value.system))
    return unit & compared
