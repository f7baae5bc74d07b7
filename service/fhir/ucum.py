"""UCUM codes read to what they measure: `measure(code)`, exact. The table is loaded when first asked for (a hundredth of a second).

The table (`ucum-essence`, UCUM 2.2) is the one that the package ucumvert carries; the arithmetic is done here, on fractions, because a
dose must not pass through binary floats. Apart from UCUM itself:

    what only counts something ([iU], [CFU], mol, eq, bit ...) is a dimension of its own: a mmol is no number of 10*20, an eq no mol
    a code that is an annotation alone ({score}) is a dimension of its own; beside a unit an annotation says nothing: {beats}/min is /min
    a dimension that cancels to nothing is remembered: mg/kg is not mL/L and neither is %
    units that are no multiple of another (pH, dB) are dimensions of their own; Cel and [degF] are counted from absolute zero
    whole numbers do not meet a point: `1.73` would be 1 times 73, which nobody means

https://ucum.org/ucum
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

LONGEST = 80
"""Characters of the longest code that is read."""

_LARGEST = Fraction(10) ** 300
_MOST = 99
"""The greatest exponent."""
_COUNTED = frozenset({"mol", "eq", "osm"})
_PURE = frozenset({"10*", "10^", "[pi]"})
_ZERO = {"Cel": Fraction("273.15"), "[degF]": Fraction("459.67") * 5 / 9, "[degRe]": Fraction("273.15")}
"""What the zero of a temperature scale is in kelvin."""
_TOKEN = re.compile(
    r"(?P<sign>[./()])"
    r"|(?P<annotation>\{[!-z|~]*\})"
    r"|(?P<unit>(?:10[*^]|[A-Za-z_'%]|\[[!-Z^-z|~\\]*\])+)(?P<exponent>[+-]?[1-9]\d{0,2})?"
    r"|(?P<factor>[1-9]\d*)",
    re.ASCII,
)
_DECIMAL = re.compile(r"(^|[./(])\d+\.\d")


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
    if len(code) > LONGEST or _DECIMAL.search(code):
        raise Unreadable(code)
    tokens = _tokens(code)
    product = _special(tokens) or _Reader(code, tokens).whole()
    if isinstance(product, Measure):
        return product
    is_named = any(token["unit"] or token["factor"] for token in tokens)
    return Measure(product.base, product.factor) if is_named else Measure(code, Fraction(1))


def _tokens(code: str) -> list[re.Match[str]]:
    tokens, at = [], 0
    while at < len(code):
        token = _TOKEN.match(code, at)
        if token is None:
            raise Unreadable(code)
        tokens.append(token)
        at = token.end()
    return tokens


class _Reader:
    """Recursive descent over the tokens of one code: terms of components, divided and multiplied from left to right."""

    def __init__(self, code: str, tokens: list[re.Match[str]]) -> None:
        self._code = code
        self._tokens = tokens
        self._at = 0

    def whole(self) -> _Product:
        """The code to its end."""
        product = self._term()
        if self._at < len(self._tokens):
            raise Unreadable(self._code)
        return product

    def _term(self) -> _Product:
        product, sign = _Product(Fraction(1), {}, {}), -1 if self._take("/") else 1
        while True:
            product.multiply(self._component(), sign)
            if self._take("/"):
                sign = -1
            elif self._take("."):
                sign = 1
            else:
                return product

    def _component(self) -> _Product:
        if self._take("("):
            product = self._term()
            if not self._take(")"):
                raise Unreadable(self._code)
        else:
            product = self._unit()
        if self._at < len(self._tokens) and self._tokens[self._at]["annotation"]:
            self._at += 1
        return product

    def _unit(self) -> _Product:
        if self._at == len(self._tokens) or self._tokens[self._at]["sign"]:
            raise Unreadable(self._code)
        token = self._tokens[self._at]
        self._at += 1
        if token["unit"]:
            return _power(token["unit"], int(token["exponent"] or 1))
        return _Product(_bounded(Fraction(token["factor"] or 1)), {}, {})

    def _take(self, sign: str) -> bool:
        found = self._at < len(self._tokens) and self._tokens[self._at]["sign"] == sign
        self._at += found
        return found


def _special(tokens: list[re.Match[str]]) -> Measure | None:
    """The measure of a code that is one unit with a scale of its own, annotated or not; None for any other."""
    symbol = tokens[0]["unit"] if tokens else None
    if not symbol or tokens[0]["exponent"] or len(tokens) > 2 or any(token["sign"] or token["unit"] for token in tokens[1:]):
        return None
    name, prefix = _parted(symbol)
    definition = _definitions().get(name)
    if definition is None or definition.get("isSpecial") != "yes":
        return None
    if name not in _ZERO:
        return Measure(name, prefix)
    function = definition.find("{*}value/{*}function")
    kelvin = Fraction(function.get("value")) * _product(function.get("Unit")).factor
    return Measure("K", kelvin * prefix, _ZERO[name])


def _product(code: str) -> _Product:
    return _Reader(code, _tokens(code)).whole()


def _power(symbol: str, exponent: int) -> _Product:
    if abs(exponent) > _MOST:
        raise Unreadable(f"the exponent {exponent}")
    name, prefix = _parted(symbol)
    unit, product = _unit(name), _Product(Fraction(1), {}, {})
    once = _Product(unit.factor * prefix, unit.above, unit.below)
    for _ in range(abs(exponent)):
        product.multiply(once, 1 if exponent > 0 else -1)
    return product


def _parted(symbol: str) -> tuple[str, Fraction]:
    """The name of a unit without its prefix, and what the prefix stands for."""
    if symbol in _definitions() or symbol in _base_units():
        return symbol, Fraction(1)
    for length in (1, 2):
        prefix, name = _prefixes().get(symbol[:length]), symbol[length:]
        metric = name in _base_units() or (name in _definitions() and _definitions()[name].get("isMetric") == "yes")
        if prefix is not None and metric:
            return name, prefix
    raise Unreadable(symbol)


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
    product = _product(value.get("Unit"))
    net = product.net()
    above = {name: exponent for name, exponent in net.items() if exponent > 0}
    below = {name: -exponent for name, exponent in net.items() if exponent < 0}
    return _Product(Fraction(value.get("value")) * product.factor, above, below)


def _bounded(factor: Fraction) -> Fraction:
    if not 1 / _LARGEST <= factor <= _LARGEST:
        raise Unreadable("the unit is too large or too small")
    return factor


def _text(dimensions: Mapping[str, int]) -> str:
    return ".".join(f"{name}{'' if exponent == 1 else exponent}" for name, exponent in sorted(dimensions.items()))


@cache
def _table() -> Any:
    """The root of ucum-essence. The package is found and not imported, which would take twenty times as long."""
    package = find_spec("ucumvert")
    assert package is not None, "ucumvert is installed with the service"
    return ElementTree.parse(Path(package.origin or "").parent / "vendor" / "ucum-essence.xml").getroot()  # noqa: S314 - our own


@cache
def _definitions() -> Mapping[str, Any]:
    """The derived units of the table by code."""
    return {unit.get("Code"): unit for unit in _table().findall("{*}unit")}


@cache
def _base_units() -> frozenset[str]:
    return frozenset(unit.get("Code") for unit in _table().findall("{*}base-unit"))


@cache
def _prefixes() -> Mapping[str, Fraction]:
    return {prefix.get("Code"): Fraction(prefix.find("{*}value").get("value")) for prefix in _table().findall("{*}prefix")}
