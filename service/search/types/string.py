"""Strings: the beginning of a field, whatever its case and accents; `:exact` to the letter, `:contains` anywhere.

Both sides are folded the same way: compatibility decomposition, accents dropped, case folded, white space joined. A name
answers by each of its parts and its text, an address by each of its lines and parts. Folded text is kept only where it is longer than the
indexed prefix, the original only where it differs. https://hl7.org/fhir/R4/search.html#string
"""

import unicodedata
from typing import Any

from service.search.keys import digest
from service.search.query import Text
from service.search.types import escapes
from service.search.types.protocol import Action, Asked, Condition, Json, Reading, Refused, Rows, SearchParameter, Source

TABLE = "string"
MODIFIERS = frozenset({"exact", "contains"})
PREFIXES: tuple[str, ...] = ()
PREFIX = 100
"""Characters of the folded text that the index holds in order."""

_ESCAPE = "/"
_AFTER_ALL = "\U0010ffff"
_TEXT = frozenset({"string", "markdown", "code", "uri", "url"})
_NAME = ("family", "given", "prefix", "suffix", "text")
_ADDRESS = ("line", "city", "district", "state", "postalCode", "country", "text")
_PARTS = {"HumanName": _NAME, "Address": _ADDRESS}
READS = _TEXT | _PARTS.keys()


def folded(text: str) -> str:
    """`text` without case, accents and superfluous white space."""
    if text.isascii():
        return " ".join(text.lower().split())
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return " ".join("".join(character for character in decomposed if not unicodedata.combining(character)).split())


def parse(text: str, modifier: str | None, parameter: SearchParameter, reading: Reading) -> Text:
    """Any text that is not empty once folded."""
    plain = escapes.unescaped(text)
    if not folded(plain):
        raise Refused("it needs at least one letter or digit")
    return Text(plain)


def write(value: Any) -> str:
    """The text with its separators escaped."""
    return escapes.escaped(value.text)


def extractor(source: Source) -> Action:
    """Text, and the parts of names and addresses."""
    key = source.key
    members = _PARTS.get(source.element)
    if members:
        return lambda value, rows: _add_parts(key, value, members, rows)
    return lambda value, rows: _add(key, value, rows)


def _add_parts(key: int, value: Json, members: tuple[str, ...], rows: Rows) -> None:
    for name in members:
        part = value.get(name)
        if isinstance(part, str):
            _add(key, part, rows)
        elif isinstance(part, list):
            for one in part:
                _add(key, one, rows)


def _add(key: int, text: Json, rows: Rows) -> None:
    if not isinstance(text, str):
        return
    plain = folded(text)
    prefix = plain[:PREFIX]
    rows.string.add((key, prefix, digest(text), plain if plain != prefix else None, text if text != prefix else None))


def predicate(table: Any, asked: Asked) -> Condition:
    """Prefix by a range of the index; the rest of a long text, and `:contains`, by the folded text."""
    if asked.modifier == "exact":
        original = (table.exact == asked.bind(_text)) | (table.exact.is_(None) & (table.prefix == asked.bind(_text)))
        return (table.prefix == asked.bind(_prefix)) & original
    if asked.modifier == "contains":
        inside = table.prefix.like(asked.bind(lambda value: f"%{_literally(value)}%"), escape=_ESCAPE)
        return inside | table.folded.like(asked.bind(lambda value: f"%{_literally(value)}%"), escape=_ESCAPE)
    if is_long(asked.value):
        return (table.prefix == asked.bind(_prefix)) & table.folded.like(asked.bind(lambda value: f"{_literally(value)}%"), escape=_ESCAPE)
    return (table.prefix >= asked.bind(_prefix)) & (table.prefix < asked.bind(lambda value: _prefix(value) + _AFTER_ALL))


def is_long(value: Text) -> bool:
    """Whether the folded text is longer than the prefix that the index holds in order."""
    return len(folded(value.text)) > PREFIX


def _text(value: Text) -> str:
    return value.text


def _prefix(value: Text) -> str:
    return folded(value.text)[:PREFIX]


def _literally(value: Text) -> str:
    """The folded text without a meaning in LIKE."""
    return folded(value.text).replace(_ESCAPE, _ESCAPE * 2).replace("%", _ESCAPE + "%").replace("_", _ESCAPE + "_")
