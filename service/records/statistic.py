"""The statistics of R4's code system observation-statistics, exactly, on fractions.

Percentiles, quartiles, quintiles and the median interpolate linearly between neighbours (the value at rank p * (n - 1) of the sorted
values). Standard deviation and variance are those of a sample (divided by n - 1). Skewness and kurtosis are the third and fourth
standardized moments of the values; a normal distribution has 0 and 3. The regression is the least-squares line over the time in hours
since the first measurement. None: not defined for so few values, or for values that do not differ.
http://terminology.hl7.org/CodeSystem/observation-statistics
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction

_ROOT = Context(prec=60)
Values = Sequence[Fraction]


@dataclass(frozen=True, slots=True)
class Statistic:
    """One statistic of sorted values. `power`: the dimension of its result in terms of the unit of the values: 0, 1 or 2."""

    display: str
    of: Callable[[Values], Fraction | None]
    power: int = 1


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points: what is added in an hour, and the value at the first point."""

    gradient: Fraction
    intercept: Fraction


def regression(points: Sequence[tuple[Fraction, Fraction]]) -> Line | None:
    """The least-squares line through (hours, value)."""
    n = len(points)
    if n == 0:
        return None
    x, y = (sum(column, Fraction()) / n for column in zip(*points, strict=True))
    spread = sum(((one - x) ** 2 for one, _ in points), Fraction())
    if spread == 0:
        return None
    gradient = sum(((one - x) * (other - y) for one, other in points), Fraction()) / spread
    return Line(gradient, y - gradient * x)


def percentile(values: Values, part: Fraction) -> Fraction | None:
    """The value below which `part` (0 to 1) of the sorted values lie."""
    if not values:
        return None
    rank = part * (len(values) - 1)
    below = int(rank)
    above = min(below + 1, len(values) - 1)
    return values[below] + (values[above] - values[below]) * (rank - below)


def _at(part: str) -> Callable[[Values], Fraction | None]:
    return lambda values: percentile(values, Fraction(part))


def _average(values: Values) -> Fraction | None:
    return sum(values, Fraction()) / len(values) if values else None


def _variance(values: Values) -> Fraction | None:
    return _moment(values, 2) * len(values) / (len(values) - 1) if len(values) > 1 else None


def _deviation(values: Values) -> Fraction | None:
    variance = _variance(values)
    return None if variance is None else _root(variance)


def _quartile_deviation(values: Values) -> Fraction | None:
    upper, lower = percentile(values, Fraction(3, 4)), percentile(values, Fraction(1, 4))
    return None if upper is None or lower is None else (upper - lower) / 2


def _skew(values: Values) -> Fraction | None:
    spread = _moment(values, 2) if values else Fraction()
    return _moment(values, 3) / _root(spread**3) if spread else None


def _kurtosis(values: Values) -> Fraction | None:
    spread = _moment(values, 2) if values else Fraction()
    return _moment(values, 4) / spread**2 if spread else None


def _moment(values: Values, order: int) -> Fraction:
    mean = sum(values, Fraction()) / len(values)
    return sum(((value - mean) ** order for value in values), Fraction()) / len(values)


def _root(value: Fraction) -> Fraction:
    return Fraction(_ROOT.sqrt(_ROOT.divide(Decimal(value.numerator), Decimal(value.denominator))))


STATISTICS: Mapping[str, Statistic] = {
    "average": Statistic("Average", _average),
    "maximum": Statistic("Maximum", lambda values: values[-1] if values else None),
    "minimum": Statistic("Minimum", lambda values: values[0] if values else None),
    "count": Statistic("Count", lambda values: Fraction(len(values)), 0),
    "median": Statistic("Median", _at("1/2")),
    "std-dev": Statistic("Standard Deviation", _deviation),
    "sum": Statistic("Sum", lambda values: sum(values, Fraction())),
    "variance": Statistic("Variance", _variance, 2),
    "20-percent": Statistic("20th Percentile", _at("1/5")),
    "80-percent": Statistic("80th Percentile", _at("4/5")),
    "4-lower": Statistic("Lower Quartile", _at("1/4")),
    "4-upper": Statistic("Upper Quartile", _at("3/4")),
    "4-dev": Statistic("Quartile Deviation", _quartile_deviation),
    "5-1": Statistic("1st Quintile", _at("1/5")),
    "5-2": Statistic("2nd Quintile", _at("2/5")),
    "5-3": Statistic("3rd Quintile", _at("3/5")),
    "5-4": Statistic("4th Quintile", _at("4/5")),
    "skew": Statistic("Skew", _skew, 0),
    "kurtosis": Statistic("Kurtosis", _kurtosis, 0),
}
"""By code. `total-count` and `regression` need more than the values."""
TOTAL, REGRESSION = "total-count", "regression"
DISPLAYS: Mapping[str, str] = {
    **{code: one.display for code, one in STATISTICS.items()},
    TOTAL: "Total Count",
    REGRESSION: "Regression",
}
