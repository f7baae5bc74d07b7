"""Whether one value of a resource is what one value of a search asks for, by the kind of the parameter. Plain and slow.

Asked values are texts that still carry their escapes. https://hl7.org/fhir/R4/search.html
"""

import unicodedata
from functools import cache
from typing import Any

from tests.properties import search_units as units
from tests.properties.search_spans import Range, Span, by_date, by_number, near
from tests.properties.search_values import Measured, Pointer, Token

BASE = "http://clinic.example/fhir"
PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap", "po")


def split(text: str, separator: str) -> list[str]:
    """Parts between unescaped separators, still escaped."""
    parts = [""]
    characters = iter(text)
    for one in characters:
        if one == "\\":
            parts[-1] += one + next(characters, "")
        elif one == separator:
            parts.append("")
        else:
            parts[-1] += one
    return parts


def unescaped(text: str) -> str:
    r"""`\,` `\|` `\$` `\\` as what they stand for; a backslash before anything else is itself."""
    made = ""
    at = 0
    while at < len(text):
        if text[at] == "\\" and text[at + 1 : at + 2] in (",", "|", "$", "\\"):
            at += 1
        made += text[at]
        at += 1
    return made


def fields(text: str) -> list[str]:
    """The parts between `|`, as they are meant."""
    return [unescaped(part) for part in split(text, "|")]


def prefixed(text: str) -> tuple[str, str]:
    """The prefix and the rest."""
    return (text[:2], text[2:]) if text[:2] in PREFIXES else ("eq", text)


@cache
def folded(text: str) -> str:
    """Without case, accents and superfluous white space; the two code points that are no characters count as unreadable ones."""
    text = text.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return " ".join("".join(one for one in plain if not unicodedata.combining(one)).split())


def by_string(found: str, asked: str, modifier: str | None) -> bool:
    """The beginning, :exact, :contains; and what a filter asks: the end, the whole, the order."""
    text, there = folded(unescaped(asked)), folded(found)
    if modifier == "exact":
        return unicodedata.normalize("NFC", found) == unicodedata.normalize("NFC", unescaped(asked))
    tests = {
        None: there.startswith(text),
        "contains": text in there,
        "ends-with": there.endswith(text),
        "whole": there == text,
        "gt": there > text,
        "lt": there < text,
        "ge": there >= text,
        "le": there <= text,
    }
    return tests[modifier]


def by_token(found: Token, asked: str, implied: bool) -> bool:
    """The four forms; where a system is implied, `|code` does not deny it."""
    parts = fields(asked)
    if len(parts) == 1 or (implied and parts[0] == ""):
        return found.code == parts[-1] and found.code != ""
    return found.system == parts[0] and parts[1] in ("", found.code)


def by_type(found: Token, asked: str) -> bool:
    """`:of-type`: system and code of the identifier's type, and its value."""
    system, code, value = fields(asked)
    return (system, code) in found.types and found.code == value


def by_moment(found: Range, asked: str) -> bool:
    """A date with its prefix."""
    prefix, text = prefixed(unescaped(asked))
    return by_date(found, prefix, text)


def by_plain_number(found: Span, asked: str) -> bool:
    """A number with its prefix."""
    prefix, text = prefixed(unescaped(asked))
    return by_number(found, prefix, near(text))


def by_quantity(found: Measured, asked: str) -> bool:
    """A number with its prefix and perhaps a unit, which UCUM converts."""
    number, *unit = fields(asked)
    prefix, text = prefixed(number)
    wanted = near(text)
    if not unit:
        return by_number(found.span, prefix, wanted)
    system, code = unit
    if system == units.UCUM:
        return found.system == system and units.comparable(found.code, code) and _converted(found, code, prefix, text)
    if system:
        return (found.system, found.code) == (system, code) and by_number(found.span, prefix, wanted)
    return code in (found.code, found.unit) and by_number(found.span, prefix, wanted)


def _converted(found: Measured, code: str, prefix: str, text: str) -> bool:
    """Both sides in the same unit."""
    asked = near(text)
    ends = [None if end is None else units.converted(end, found.code) for end in (found.span.low, found.span.high)]
    there = Span(ends[0], ends[1], found.span.open_low, found.span.open_high)
    moved = type(asked)(*(units.converted(getattr(asked, name), code) for name in ("at", "low", "high", "tenth_low", "tenth_high")))
    return by_number(there, prefix, moved)


def local(literal: str) -> str:
    """`Type/id` or `Type/id/_history/n` of a resource here; "" for what points elsewhere."""
    plain = literal.removeprefix(BASE + "/")
    return "" if ":" in plain or plain.startswith("#") or "/" not in plain else plain


def key(literal: str) -> str:
    """`Type/id` of a resource here."""
    return local(literal).split("/_history/")[0]


def by_reference(found: Pointer, asked: str, type: str | None = None) -> bool:
    """By id, Type/id, one version, own URL, URL elsewhere, canonical URL with or without version."""
    text = unescaped(asked).removeprefix(BASE + "/")
    if "://" in text or text.startswith("urn:"):
        return found.literal != "" and not local(found.literal) and text in (found.literal, found.literal.split("|")[0].split("#")[0])
    if "/_history/" in text:
        return local(found.literal) == text
    named = key(found.literal)
    if "/" in text:
        return named == text
    return named != "" and named.split("/")[1] == text and type in (None, named.split("/")[0])


def by_uri(found: str, asked: str, modifier: str | None) -> bool:
    """Character by character; :below is that or under it, :above that or over it (a version apart), by whole segments."""
    text = unescaped(asked)
    if modifier == "below":
        return found == text or found.startswith(text.removesuffix("/") + "/")
    if modifier == "above":
        bare = text.split("|")[0].split("#")[0]
        return found in (text, bare) or bare.startswith(found.removesuffix("/") + "/")
    return found == text


def by_part(kind: str, found: Any, asked: str) -> bool:
    """A value of a component, of any kind."""
    tests: dict[str, Any] = {
        "token": lambda: by_token(found, asked, implied=False),
        "code": lambda: by_token(found, asked, implied=True),
        "quantity": lambda: by_quantity(found, asked),
        "date": lambda: by_moment(found, asked),
        "string": lambda: by_string(found, asked, None),
        "reference": lambda: by_reference(found, asked),
    }
    return bool(tests[kind]())


def by_composite(found: Any, asked: str) -> bool:
    """Both components within the same element."""
    first, second = split(asked, "$")
    (one_kind, ones), (other_kind, others) = found
    return any(by_part(one_kind, one, first) for one in ones) and any(by_part(other_kind, other, second) for other in others)
