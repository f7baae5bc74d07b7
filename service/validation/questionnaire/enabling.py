"""Whether an item is to be answered, given the other answers.

What cannot be decided (values of different types or units, days of different precision, `!=` on a question without an answer) stays
undecided: such an item may be answered or not. https://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.enableWhen
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from typing import Any

from service.fhir import temporal
from service.validation.questionnaire.form import Condition, Question, Value, value

Json = Any


class Scope:
    """Items of a response that stand together, with all that is inside them."""

    def __init__(self, items: Sequence[Mapping[str, Json]]) -> None:
        self._items = items
        self._found: dict[str, list[Value]] | None = None

    def answers(self, link: str) -> list[Value] | None:
        """The answers to a question; None when it is not here."""
        if self._found is None:
            self._found = {}
            for item in _deep(self._items):
                given = (value(answer, "value") for answer in item.get("answer", ()))
                self._found.setdefault(str(item.get("linkId")), []).extend(one for one in given if one)
        return self._found.get(link)


def enabled(question: Question, around: Sequence[Scope]) -> bool | None:
    """Whether the item is to be answered; None when that cannot be decided. `around`: the scopes it is in, from the outermost in."""
    found = [_holds(one, _answers(one.question, around)) for one in question.conditions]
    deciding = question.any_of and bool(found)
    if deciding in found:
        return deciding
    return None if None in found else not deciding


def _answers(link: str, around: Sequence[Scope]) -> list[Value]:
    """The answers to a question, from the nearest scope that has it."""
    return next((found for scope in reversed(around) if (found := scope.answers(link)) is not None), [])


def _deep(items: Sequence[Mapping[str, Json]]) -> Iterator[Mapping[str, Json]]:
    for item in items:
        yield item
        yield from _deep(item.get("item", ()))
        for answer in item.get("answer", ()):
            yield from _deep(answer.get("item", ()))


def _holds(condition: Condition, answers: Sequence[Value]) -> bool | None:
    if condition.operator == "exists":
        return bool(answers) is condition.expected[1]
    if not answers:
        return None if condition.operator == "!=" else False
    if condition.operator in ("=", "!="):
        same = _any(equal(one, condition.expected) for one in answers)
        return same if condition.operator == "=" or same is None else not same
    return _any(_ordered(one, condition.operator, condition.expected) for one in answers)


def _any(verdicts: Iterator[bool | None]) -> bool | None:
    found = set(verdicts)
    return True if True in found else None if None in found else False


def equal(one: Value, other: Value) -> bool | None:
    """Whether two values are the same; None when they cannot be compared."""
    (kind, left), (other_kind, right) = one, other
    if kind != other_kind:
        return None
    if kind == "Coding":
        return (left.get("system"), left.get("code")) == (right.get("system"), right.get("code"))
    if kind == "Quantity":
        return bool(left.get("value") == right.get("value")) if _unit(left) == _unit(right) else None
    if kind == "Reference":
        return bool(left.get("reference") == right.get("reference"))
    return bool(left == right)


def _ordered(one: Value, operator: str, other: Value) -> bool | None:
    """Whether `one` is above or below `other`, as the operator says; None when they have no order."""
    interval, other_interval = _span(one), _span(other)
    if interval is None or other_interval is None or (one[0], interval[2]) != (other[0], other_interval[2]):
        return None
    (low, high, _), (other_low, other_high, _) = interval, other_interval
    if operator == ">":
        return True if low > other_high else False if high <= other_low else None
    if operator == "<":
        return True if high < other_low else False if low >= other_high else None
    if operator == ">=":
        return True if low >= other_high else False if high < other_low else None
    return True if high <= other_low else False if low > other_high else None


def _span(one: Value) -> tuple[Json, Json, Json] | None:
    """The least and the greatest that a value may mean, and its unit; None for what has no order."""
    kind, found = one
    if kind in ("Date", "DateTime"):
        interval = temporal.interval(found, UTC)
        return interval.lo, interval.hi, None
    if kind == "Quantity":
        return (found["value"], found["value"], _unit(found)) if "value" in found else None
    return (found, found, None) if kind in ("Decimal", "Integer", "Time", "String") else None


def _unit(quantity: Mapping[str, Json]) -> tuple[Json, Json]:
    return quantity.get("system"), quantity.get("code", quantity.get("unit"))
