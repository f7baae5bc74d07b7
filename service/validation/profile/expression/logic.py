"""Conditions and comparisons, in logic with three values (http://hl7.org/fhirpath/N1/#boolean-logic, ...#comparison)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from service.validation.chronology import certainly_after
from service.validation.run import Run

Json = Any
Values = Sequence[Json]
Expression = Callable[[Values, Run], Values]
"""From a collection to a collection. A boolean is a collection of one; what is not known is empty."""
Later = Callable[[], bool | None]

TRUE: Values = (True,)
FALSE: Values = (False,)
NONE: Values = ()


class Beyond(Exception):
    """The expression, or a value that it met, is beyond what is compiled here."""


class Undecided(Exception):
    """FHIRPath has no answer either: the engine need not be asked."""


def condition(known: bool | None) -> Values:
    """A condition as a collection."""
    return NONE if known is None else TRUE if known else FALSE


def truth(values: Values) -> bool | None:
    """A collection as a condition: None when it is empty; what is there and is no boolean counts as true."""
    if values is TRUE:
        return True
    if not values:
        return None
    return values[0] if len(values) == 1 and isinstance(values[0], bool) else True


def _and(left: bool | None, later: Later) -> bool | None:
    if left is False:
        return False
    right = later()
    return right if left or right is False else None


def _or(left: bool | None, later: Later) -> bool | None:
    if left:
        return True
    right = later()
    return right if left is False or right else None


def _xor(left: bool | None, later: Later) -> bool | None:
    right = later()
    return None if left is None or right is None else left is not right


def _implies(left: bool | None, later: Later) -> bool | None:
    if left is False:
        return True
    right = later()
    return right if left or right else None


def _equal(left: Json, right: Json) -> bool | None:
    if isinstance(left, bool) or isinstance(right, bool):
        if not (isinstance(left, bool) and isinstance(right, bool)):
            raise Beyond("types")
        return left is right
    if isinstance(left, str) is not isinstance(right, str) or isinstance(left, dict | list) or isinstance(right, dict | list):
        raise Beyond("types")
    return bool(left == right)


def _less(left: Json, right: Json) -> bool | None:
    """None for dates of which the earlier is not certain."""
    if isinstance(left, str) and isinstance(right, str):
        return True if certainly_after(right, left) else False if left == right or certainly_after(left, right) else None
    if isinstance(left, bool | str | dict) or isinstance(right, bool | str | dict):
        raise Beyond("types")
    return bool(left < right)


def _negated(known: bool | None) -> bool | None:
    return None if known is None else not known


LOGIC: Mapping[str, Callable[[bool | None, Later], bool | None]] = {"and": _and, "or": _or, "xor": _xor, "implies": _implies}
COMPARED: Mapping[str, Callable[[Json, Json], bool | None]] = {
    "=": _equal,
    "!=": lambda left, right: _negated(_equal(left, right)),
    "<": _less,
    ">": lambda left, right: _less(right, left),
    "<=": lambda left, right: _negated(_less(right, left)),
    ">=": lambda left, right: _negated(_less(left, right)),
}
