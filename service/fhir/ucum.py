"""UCUM codes read to what they measure: `measure(code)`, exact. The table is loaded when first asked for (a third of a second).

Grammar and table (`ucum-essence`, UCUM 2.2) are those that the package ucumvert carries; the arithmetic is done here, on fractions,
because a dose must not pass through binary floats. Apart from UCUM itself:

    what only counts something ([iU], [CFU], mol, eq, bit ...) is a dimension of its own: a mmol is no number of 10*20, an eq no mol
    a code that is an annotation alone ({score}) is a dimension of its own; beside a unit an annotation says nothing: {beats}/min is /min
    a dimension that cancels to nothing is remembered: mg/kg is not mL/L and neither is %
    units that are no multiple of another (pH, dB) are dimensions of their own; Cel and [degF] are counted from absolute zero

https://ucum.org/ucum
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from threading import Lock
from typing import Any

LONGEST = 80
"""Characters of the longest code that is read."""

_LARGEST = Fraction(10) ** 300
_MOST = 99
"""The greatest exponent."""
_COUNTED = frozenset({"mol", "eq", "osm"})
_PURE = frozenset({"10*", "10^", "[pi]"})
_ZERO = {"Cel": Fraction("273.15"), "[degF]": Fraction("459.67") * 5 / 9, "[degRe]": Fraction("273.15")}
"""What the zero of a temperature scale is in kelvin."""
_OPENING = re.compile(r"(^|\()/")
"""A division at the beginning, of the first unit alone: `/m/s` is `1/m/s`."""
_OUTSIDE = re.compile(r"[^!-~]")
_DECIMAL = re.compile(r"(^|[./(])\d+\.\d")
"""UCUM knows whole numbers only: it would read `1.73` as 1 times 73, which nobody means."""
_LOCK = Lock()
_SIMPLE, _POWER = "simple_unit", "annotatable"


class Unreadable(ValueError):
    """The code is no UCUM code, or combines units that cannot be combined."""


@dataclass(frozen=True, slots=True)
class Measure:
    """`value` of the code is `value * factor + zero` of `base`, the text of what it measures: its dimensions, and those that cancelled."""

    base: str
    factor: Fraction
    zero: Fraction = Fraction(0)


@dataclass(slots=True)
class _Product:
    """A product of powers while it is being multiplied out: exponents above and below the line by dimension."""

    factor: Fraction
    above: dict[str, int]
    below: dict[str, int]

    def multiply(self, other: "_Product", sign: int) -> None:
        """By `other`, or with sign -1 by its inverse."""
        above, below = (other.above, other.below) if sign > 0 else (other.below, other.above)
        for mine, others in ((self.above, above), (self.below, below)):
            for name, exponent in others.items():
                mine[name] = mine.get(name, 0) + exponent
        self.factor = _bounded(self.factor * other.factor if sign > 0 else self.factor / other.factor)

    def net(self) -> dict[str, int]:
        """The dimensions that are left over."""
        left = {name: self.above.get(name, 0) - self.below.get(name, 0) for name in self.above | self.below}
        return {name: exponent for name, exponent in left.items() if exponent}

    @property
    def base(self) -> str:
        """The dimensions as text, and in braces those that cancelled."""
        left = self.net()
        gone = {name: exponent for name, exponent in self.above.items() if exponent and name not in left}
        return (_text(left) or "1") + (f"{{{_text(gone)}}}" if gone else "")


def measure(code: str) -> Measure:
    """What a code measures. Raises Unreadable."""
    if not code or len(code) > LONGEST or not code.isascii():
        raise Unreadable(code)
    tree = _tree(code)
    if not any(tree.find_data(_SIMPLE)):
        return Measure(code, Fraction(1))
    special = _special(tree)
    if special is not None:
        return special
    product = _product(tree)
    return Measure(product.base, product.factor)


def _special(tree: Any) -> Measure | None:
    """The measure of a code that is one unit with a scale of its own, annotated or not."""
    units = list(tree.find_data(_SIMPLE))
    name, prefix = _atom(units[0])
    definition = _definitions().get(name)
    if definition is None or definition.get("isSpecial") != "yes":
        return None
    if len(units) > 1 or any(tree.find_data(_POWER)) or any(tree.find_data("term")):
        raise Unreadable("a unit with a scale of its own has no powers and products")
    if name not in _ZERO:
        return Measure(name, prefix)
    function = definition.find("{*}value/{*}function")
    kelvin = Fraction(function.get("value")) * _product(_tree(function.get("Unit"))).factor
    return Measure("K", kelvin * prefix, _ZERO[name])


def _product(tree: Any) -> _Product:
    """A product or quotient from left to right; annotations say nothing."""
    whole, sign = _Product(Fraction(1), {}, {}), 1
    for child in tree.children:
        if hasattr(child, "data"):
            whole.multiply(_part(child), sign)
        else:
            sign = -1 if str(child) == "/" else 1
    return whole


def _part(node: Any) -> _Product:
    if node.data == _SIMPLE:
        return _simple(node)
    return _power(node) if node.data == _POWER else _product(node)


def _power(node: Any) -> _Product:
    atom, exponent = node.children
    times = int(exponent)
    if abs(times) > _MOST or atom.children[0].type == "FACTOR":
        raise Unreadable(f"{exponent} is no exponent here")
    once, product = _simple(atom), _Product(Fraction(1), {}, {})
    for _ in range(abs(times)):
        product.multiply(once, 1 if times > 0 else -1)
    return product


def _simple(node: Any) -> _Product:
    if node.children[0].type == "FACTOR":
        return _Product(_bounded(Fraction(str(node.children[0]))), {}, {})
    name, prefix = _atom(node)
    unit = _unit(name)
    return _Product(unit.factor * prefix, dict(unit.above), dict(unit.below))


def _atom(node: Any) -> tuple[str, Fraction]:
    """The name of a unit without its prefix, and what the prefix stands for."""
    *prefix, name = map(str, node.children)
    return name, _prefixes()[prefix[0]] if prefix else Fraction(1)


@cache
def _unit(name: str) -> _Product:
    """A unit of the table in base units. Its own dimensions are the net ones: a named unit is a thing, not a ratio."""
    definition = _definitions().get(name)
    if definition is None:
        return _Product(Fraction(1), {name: 1}, {})
    if definition.get("isSpecial") == "yes":
        raise Unreadable(f"{name} has a scale of its own and cannot be combined")
    value = definition.find("{*}value")
    if name in _COUNTED or (value.get("Unit") == "1" and name not in _PURE):
        return _Product(Fraction(1), {name: 1}, {})
    factor = Fraction(value.get("value"))
    if value.get("Unit") == "1":
        return _Product(factor, {}, {})
    product = _product(_tree(value.get("Unit")))
    net = product.net()
    above = {name: exponent for name, exponent in net.items() if exponent > 0}
    below = {name: -exponent for name, exponent in net.items() if exponent < 0}
    return _Product(factor * product.factor, above, below)


def _bounded(factor: Fraction) -> Fraction:
    if not 1 / _LARGEST <= factor <= _LARGEST:
        raise Unreadable("the unit is too large or too small")
    return factor


def _text(dimensions: Mapping[str, int]) -> str:
    return ".".join(f"{name}{'' if exponent == 1 else exponent}" for name, exponent in sorted(dimensions.items()))


def _tree(code: str) -> Any:
    from ucumvert.parser import InvalidUcumError, parse_ucum

    if _OUTSIDE.search(code) or _DECIMAL.search(code):
        raise Unreadable(code)
    try:
        with _LOCK:
            return parse_ucum(_OPENING.sub(r"\g<1>1/", code), _parser())
    except InvalidUcumError:
        raise Unreadable(code) from None


@cache
def _parser() -> Any:
    from ucumvert.parser import get_ucum_parser

    return get_ucum_parser()


@cache
def _definitions() -> Mapping[str, Any]:
    """The elements of the table by code; base units are not among them."""
    from ucumvert import xml_util

    return {unit.get("Code"): unit for unit in xml_util.root.findall("{*}unit")}


@cache
def _prefixes() -> Mapping[str, Fraction]:
    from ucumvert import xml_util

    return {prefix.get("Code"): Fraction(prefix.find("{*}value").get("value")) for prefix in xml_util.root.findall("{*}prefix")}
