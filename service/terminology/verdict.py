"""What is known about one code and one set of codes: it is in it, it is not, or that cannot be known here. Never a guess.

Answers are combined as in logic with three values: one IN makes a union IN and one OUT makes an intersection OUT, whatever is unknown.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Answer(StrEnum):
    """Whether a code belongs to a set."""

    IN = "in"
    OUT = "out"
    UNKNOWN = "unknown"


IN, OUT, UNKNOWN = Answer.IN, Answer.OUT, Answer.UNKNOWN


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer about one code. `reason` says why it is unknown, or what was not checked of an IN. `display` is the name of the code, when
    one is known, `designations` are the rows of other ones; `abstract` marks a group that nobody may choose."""

    answer: Answer
    reason: str | None = None
    display: str | None = None
    abstract: bool = False
    inactive: bool = False
    designations: Sequence[Any] = ()


Judge = Callable[[str, str], Verdict]
"""Answers about (code system, code)."""

NOT_IN = Verdict(OUT)


def unknown(reason: str) -> Verdict:
    """The verdict that it cannot be known, and why."""
    return Verdict(UNKNOWN, reason)


def either(judges: Iterable[Judge], system: str, code: str) -> Verdict:
    """In any of them."""
    return best(judge(system, code) for judge in judges)


def best(verdicts: Iterable[Verdict]) -> Verdict:
    """The first IN; else the first that is unknown; else OUT."""
    found = NOT_IN
    for verdict in verdicts:
        if verdict.answer is IN:
            return verdict
        if verdict.answer is UNKNOWN and found.answer is OUT:
            found = verdict
    return found


def every(judges: Iterable[Judge], system: str, code: str) -> Verdict:
    """In all of them; what is known of the code is what the first says."""
    first, *others = judges
    found = first(system, code)
    for judge in others:
        if found.answer is OUT:
            return found
        found = both(found, judge(system, code))
    return found


def both(first: Verdict, second: Verdict) -> Verdict:
    """In both of two; what is known of the code is what the first says."""
    if first.answer is OUT or second.answer is IN:
        return first
    return second if second.answer is OUT or first.answer is IN else first


def without(verdict: Verdict, excluded: Verdict) -> Verdict:
    """In the one and not in the other."""
    if verdict.answer is OUT or excluded.answer is OUT:
        return verdict
    return NOT_IN if excluded.answer is IN else excluded
