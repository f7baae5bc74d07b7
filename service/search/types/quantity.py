"""Quantities: `number`, `number|system|code` or `number||unit`.

A unit of UCUM is compared in its base unit, exactly: `ge50|http://unitsofmeasure.org|mg` finds 0.05 g, at the precision that was written in
mg. `number||unit` and a bare number compare what was recorded, as it was recorded: by a code of any system or a printed unit, or
whatever the unit. Each has rows of its own: those in base units stand under the system CANONICAL, and nothing else looks at them.

A `<` or `>` in the record is a range with an open end; a SampledData is the range of its samples. What is commensurable is said in
`service.fhir.ucum`. https://hl7.org/fhir/R4/search.html#quantity
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from service.fhir import units
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
CANONICAL = system_key(units.UCUM + "#canonical")
"""The system of a row in base units."""

_QUANTITIES = frozenset({"Quantity", "SimpleQuantity", "Age", "Count", "Distance", "Duration", "MoneyQuantity"})
READS = _QUANTITIES | {"Money", "Range", "SampledData"}
_TIMES = frozenset({"Age", "Duration"})
_CURRENCIES = "urn:iso:std:iso:4217"
_LONGEST_KEPT = 200

Ends = tuple[Decimal | None, bool, Decimal | None, bool]
"""A range: its ends (None: open) and, after each, whether it belongs to the range."""


def parse(text: str, modifier: str | None, parameter: SearchParameter, reading: Reading) -> Quantity:
    """A prefix, a decimal and perhaps a unit, which is one of UCUM when its system says so."""
    parts = [escapes.unescaped(part) for part in escapes.split(text, "|")]
    prefix, number = prefixes.split(parts[0].replace(" ", "+"))
    prefixes.decimal(number)
    if len(parts) == 1:
        return Quantity(prefix, number)
    if len(parts) != 3 or not parts[2]:
        raise Refused("a unit is written 'number|system|code' or 'number||unit'")
    if parts[1] == units.UCUM:
        _require_unit(parts[2], parameter)
    return Quantity(prefix, number, parts[1] or None, parts[2])


def _require_unit(code: str, parameter: SearchParameter) -> None:
    """That UCUM has the unit and, where every element of the parameter measures time, that it measures time too."""
    try:
        base = units.unit(code).base
    except units.UnknownUnit as unknown:
        raise Refused(str(unknown)) from None
    if parameter.elements and parameter.elements <= _TIMES and base != units.unit("s").base:
        raise Refused(f"{code[:40]!r} does not measure time, as {parameter.code} does; write 's', 'min', 'h' or 'd'")


def write(value: Any) -> str:
    """The form that it was."""
    number = f"{'' if value.prefix == 'eq' else value.prefix}{value.text}"
    if value.code is None:
        return number
    return f"{number}|{escapes.escaped(value.system or '')}|{escapes.escaped(value.code)}"


def extractor(source: Source) -> Action:
    """The range of a quantity with its unit: by code, by printed unit where it differs, and in the base unit."""
    key = source.key
    if source.element in _QUANTITIES:
        return lambda value, rows: _add(key, value, _quantity(value), rows)
    if source.element == "Money":
        return lambda value, rows: _add(key, {"code": value.get("currency"), "system": _CURRENCIES}, _quantity(value), rows)
    if source.element == "Range":
        return lambda value, rows: _add_range(key, value, rows)
    return lambda value, rows: _add(key, value.get("origin", {}), _samples(value), rows)


def _add(key: int, unit: Json, ends: Ends | None, rows: Rows) -> None:
    if ends is None:
        return
    code, printed, system = unit.get("code") or "", unit.get("unit") or "", unit.get("system") or ""
    short = len(code) + len(printed) + len(system) <= _LONGEST_KEPT
    for row in (_rows if short else _rows.__wrapped__)(code, printed, system, ends):
        rows.quantity.add((key, *row))


@lru_cache(maxsize=4096)
def _rows(code: str, printed: str, system: str, ends: Ends) -> tuple[tuple[str, str, str, int], ...]:
    """The rows of a range in a unit, without their key. The same few values are measured again and again."""
    covered, found = _covered(ends), []
    if code or not printed:
        found.append((text_key(code), *covered, system_key(system)))
    if printed and printed != code:
        found.append((text_key(printed), *covered, PRINTED))
    known = units.canonical(code) if code and system == units.UCUM else None
    if known:
        found.append((text_key(known.base), *_covered(_in_base(ends, known)), CANONICAL))
    return tuple(found)


def _covered(ends: Ends) -> tuple[str, str]:
    low, low_included, high, high_included = ends
    first = FIRST if low is None else ordered(low) if low_included else just_above(low)
    if low is not None and low == high and low_included and high_included:
        return first, first
    last = LAST if high is None else ordered(high) if high_included else just_below(high)
    return first, last


def _in_base(ends: Ends, unit: units.Unit) -> Ends:
    """The range in the base unit; where an end has no exact decimal there, it moves outward."""
    low, low_included, high, high_included = ends
    first = None if low is None else units.rounded(unit.to_base(low), ROUND_FLOOR)
    last = None if high is None else units.rounded(unit.to_base(high), ROUND_CEILING)
    return first, low_included, last, high_included


def _quantity(value: Json) -> Ends | None:
    number = value.get("value")
    if number is None:
        return None
    at, comparator = Decimal(number), value.get("comparator")
    if comparator in ("<", "<="):
        return None, False, at, comparator == "<="
    if comparator in (">", ">="):
        return at, comparator == ">=", None, False
    return at, True, at, True


def _add_range(key: int, value: Json, rows: Rows) -> None:
    """A Range in one unit; one whose ends are in two is in none."""
    low, high = value.get("low") or {}, value.get("high") or {}
    first, last = _quantity(low), _quantity(high)
    if (first is None and last is None) or (first and last and low.get("code") != high.get("code")):
        return
    opening = first[:2] if first else (None, False)
    closing = last[2:] if last else (None, False)
    _add(key, low if first else high, (*opening, *closing), rows)


def _samples(value: Json) -> Ends | None:
    """The least and the greatest sample: origin + factor x sample; E, L and U (errors and limits) are no samples."""
    origin, factor = value.get("origin", {}).get("value", 0), value.get("factor", 1)
    try:
        samples = [Decimal(origin) + Decimal(factor) * Decimal(one) for one in (value.get("data") or "").split() if one not in "ELU"]
    except InvalidOperation:
        return None
    return (min(samples), True, max(samples), True) if samples else None


def predicate(table: Any, asked: Asked) -> Condition:
    """The comparison of the two ranges, within the unit."""
    value = asked.value
    if value.system == units.UCUM:
        same = (table.code == asked.bind(lambda one: text_key(units.unit(one.code).base))) & (table.system == CANONICAL)
        return same & prefixes.compare(table.lo, table.hi, asked, _converted)
    compared = prefixes.compare(table.lo, table.hi, asked, prefixes.as_written)
    if value.code is None:
        return (table.system != CANONICAL) & compared
    unit = table.code == asked.bind(lambda one: text_key(one.code))
    system = table.system != CANONICAL if value.system is None else table.system == asked.bind(lambda one: system_key(one.system))
    return unit & system & compared


def _converted(value: Quantity, number: Decimal, rounding: str) -> str:
    return ordered(units.rounded(units.unit(value.code or "").to_base(number), rounding))
