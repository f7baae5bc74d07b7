"""National Drug Codes (`http://hl7.org/fhir/sid/ndc`): labeler, product and package, written with ten or with eleven digits.

    1234-5678-90, 12345-678-90, 12345-6789-0        ten digits as on a label: which part is short is told by the hyphens
    01234-5678-90, 01234567890                      eleven digits, every part with a leading zero where it was short: the form for billing
                                                    and for prescription monitoring, and the canonical one here

Ten digits without hyphens are refused: they may be any of three codes. Eleven digits may come from up to three codes of ten.
https://www.ecfr.gov/current/title-21/section-207.33
"""

import re
from dataclasses import dataclass

NDC = "http://hl7.org/fhir/sid/ndc"
MAP = "https://clinic.example/fhir/ConceptMap/ndc-10-to-11"
"""The map between the two ways of writing: computed, never stored."""

_LENGTHS = (5, 4, 2)
_HYPHENATED = re.compile(r"([0-9]{4,5})-([0-9]{3,4})-([0-9]{1,2})")
_PLAIN = re.compile(r"([0-9]{5})([0-9]{4})([0-9]{2})")
_TEN = re.compile(r"[0-9]{10}")


class MalformedNdc(ValueError):
    """The text is no NDC, or may be several. The message says why and what to write."""


@dataclass(frozen=True, slots=True)
class Ndc:
    """One code, in parts of five, four and two digits."""

    labeler: str
    product: str
    package: str

    @property
    def eleven(self) -> str:
        """Eleven digits without hyphens."""
        return self.labeler + self.product + self.package

    @property
    def hyphenated(self) -> str:
        """Eleven digits, 5-4-2."""
        return f"{self.labeler}-{self.product}-{self.package}"

    @property
    def ten(self) -> tuple[str, ...]:
        """Every code of ten digits that is written so with eleven: one of them is on the label. Empty when there is none."""
        parts = (self.labeler, self.product, self.package)
        shortened = (
            (part[1:] if number == short else part for number, part in enumerate(parts))
            for short, digits in enumerate(parts)
            if digits[0] == "0"
        )
        return tuple("-".join(form) for form in shortened)


def read(text: str) -> Ndc:
    """The code. Raises MalformedNdc."""
    if plain := _PLAIN.fullmatch(text):
        return Ndc(*plain.groups())
    if hyphenated := _HYPHENATED.fullmatch(text):
        parts = hyphenated.groups()
        if sum(map(len, parts)) in (10, 11):
            return Ndc(*(part.zfill(length) for part, length in zip(parts, _LENGTHS, strict=True)))
    if _TEN.fullmatch(text):
        raise MalformedNdc(f"{text} may be three codes: write it with its hyphens (4-4-2, 5-3-2 or 5-4-1) or with eleven digits")
    raise MalformedNdc(f"{text[:40]!r} is no NDC: ten digits with hyphens (4-4-2, 5-3-2 or 5-4-1), or eleven (5-4-2) with or without them")


def is_code(text: str) -> bool:
    """Whether the text is one NDC."""
    try:
        read(text)
    except MalformedNdc:
        return False
    return True


def key(text: str) -> str:
    """The form in which codes are the same: eleven digits; the text itself when it is no NDC."""
    try:
        return read(text).eleven
    except MalformedNdc:
        return text
