"""A field of a form, as data: the template knows how each kind looks."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.records.entering.typed import Typed

Choice = tuple[str, str]
"""What is sent, and what is read."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `kind`: text, amount, moment, day, words (several lines) or choice; `most` characters; `value` is what it begins with.

    `works_out`: beside it is a button that shows the volume for the amount.
    """

    name: str
    label: str
    kind: str = "text"
    hint: str = ""
    choices: tuple[Choice, ...] = ()
    is_needed: bool = True
    most: int = 100
    value: str = ""
    works_out: bool = False


def choices_of(codes: Mapping[str, str]) -> tuple[Choice, ...]:
    """The codes with their displays."""
    return tuple(codes.items())


def coded(typed: Typed, name: str, codes: Mapping[str, str]) -> Choice:
    """The code that was chosen, and its display."""
    code = typed.chosen(name, codes)
    return code, codes.get(code, "")
