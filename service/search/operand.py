"""The operands of a search: what a value of a parameter is once it has been read. Frozen values that compare.

https://hl7.org/fhir/R4/search.html#ptypes
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """Text as it was asked for."""

    text: str


@dataclass(frozen=True, slots=True)
class Token:
    """`system|code`: system None is any, "" none; code None is any code of the system."""

    code: str | None
    system: str | None = None


@dataclass(frozen=True, slots=True)
class OfType:
    """`:of-type`: an identifier whose type has the coding `system|code`, with the value `value`."""

    system: str
    code: str
    value: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A date of any precision with its prefix, and the interval (microseconds, both ends inclusive) that it covers."""

    prefix: str
    text: str
    lo: int
    hi: int


@dataclass(frozen=True, slots=True)
class Number:
    """A decimal as it was written, with its prefix."""

    prefix: str
    text: str


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its prefix, and the unit: system None is any, code is a code or a printed unit, None any."""

    prefix: str
    text: str
    system: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """What a reference points to: a resource here (`type` None: any type), or a URL elsewhere (`url`)."""

    id: str = ""
    type: str | None = None
    version: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Uri:
    """A URI, compared character by character."""

    uri: str


@dataclass(frozen=True, slots=True)
class Composite:
    """Values of the components of a composite parameter, in their order, joined by `$`: all of one element."""

    parts: tuple["Value", ...]


Value = Text | Token | OfType | Moment | Number | Quantity | Target | Uri | Composite
