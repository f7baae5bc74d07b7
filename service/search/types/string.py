"""Strings: the beginning of a field, whatever its case and accents; `:exact` to the letter, `:contains` anywhere.

Both sides are folded the same way (`search.types.folding`); `:exact` compares case and accents, but not how an accent is encoded. A name
answers by each of its parts and its text, an address by each of its lines and parts. Folded text is kept only where it is longer than the
indexed prefix, the original only where it differs. `_filter` alone can ask for the end of a field (`ends-with`), for all of it whatever its
case (`whole`), and for its place in the order of code points (`gt ge lt le`, of a text that is not long).
https://hl7.org/fhir/R4/search.html#string
"""

from collections.abc import Callable
from typing import Any

from service.search import keys
from service.search.keys import digest
from service.search.query import Text
from service.search.types import escapes
from service.search.types.folding import AFTER_ALL, composed, folded
from service.search.types.protocol import Action, Asked, Condition, Json, Reading, Refused, Rows, SearchParameter, Source

TABLE = "string"
MODIFIERS = frozenset({"exact", "contains"})
PREFIXES: tuple[str, ...] = ()
PREFIX = 100
"""Characters of the folded text that the index holds in order."""
LONGEST = 2000
"""Characters of the longest text that can be asked for; a pattern must be bounded on SQLite."""

_ESCAPE = "/"
_TEXT = frozenset({"string", "markdown", "code", "uri", "url"})
_NAME = ("family", "given", "prefix", "suffix", "text")
_ADDRESS = ("line", "city", "district", "state", "postalCode", "country", "text")
_PARTS = {"HumanName": _NAME, "Address": _ADDRESS}
READS = _TEXT | _PARTS.keys()


def parse(text: str, modifier: str | None, parameter: SearchParameter, reading: Reading) -> Text:
    """Any text that is not empty once folded, and no longer than can be compared: what `:text` looks at is kept by its beginning."""
    plain = escapes.unescaped(text)
    if not folded(plain):
        raise Refused("it needs at least one letter or digit")
    longest, compared = (keys.LONGEST, folded(plain)) if modifier == "text" else (LONGEST, plain)
    if len(compared) > longest:
        raise Refused(f"it is longer than {longest} characters; give the beginning")
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
    plain, exact = folded(text), composed(text)
    prefix = plain[:PREFIX]
    rows.string.add((key, prefix, digest(exact), plain if plain != prefix else None, exact if exact != prefix else None))


def predicate(table: Any, asked: Asked) -> Condition:
    """Prefix by a range of the index; the rest of a long text, and what stands inside or at the end, by the folded text."""
    if asked.modifier == "exact":
        original = (table.exact == asked.bind(_exact)) | (table.exact.is_(None) & (table.prefix == asked.bind(_exact)))
        return (table.prefix == asked.bind(_prefix)) & original
    if asked.modifier == "contains":
        inside = asked.bind(lambda value: f"%{literally(value.text)}%")
        return table.prefix.like(inside, escape=_ESCAPE) | table.folded.like(inside, escape=_ESCAPE)
    if asked.modifier == "ends-with":
        end = asked.bind(lambda value: f"%{literally(value.text)}")
        return (table.folded.is_(None) & table.prefix.like(end, escape=_ESCAPE)) | table.folded.like(end, escape=_ESCAPE)
    if asked.modifier in _ORDERINGS:
        return _ORDERINGS[asked.modifier](table, asked.bind(_prefix))
    if asked.modifier == "whole":
        rest = table.folded == asked.bind(lambda value: folded(value.text)) if is_long(asked.value) else table.folded.is_(None)
        return (table.prefix == asked.bind(_prefix)) & rest
    if is_long(asked.value):
        beginning = asked.bind(lambda value: f"{literally(value.text)}%")
        return (table.prefix == asked.bind(_prefix)) & table.folded.like(beginning, escape=_ESCAPE)
    return (table.prefix >= asked.bind(_prefix)) & (table.prefix < asked.bind(lambda value: _prefix(value) + AFTER_ALL))


_ORDERINGS: dict[str, Callable[[Any, Any], Condition]] = {
    "gt": lambda table, text: (table.prefix > text) | ((table.prefix == text) & table.folded.is_not(None)),
    "ge": lambda table, text: table.prefix >= text,
    "lt": lambda table, text: table.prefix < text,
    "le": lambda table, text: (table.prefix < text) | ((table.prefix == text) & table.folded.is_(None)),
}
"""A field with the same beginning as a text that is not long is greater when it goes on."""


def is_long(value: Text) -> bool:
    """Whether the folded text is longer than the prefix that the index holds in order."""
    return len(folded(value.text)) > PREFIX


def _exact(value: Text) -> str:
    return composed(value.text)


def _prefix(value: Text) -> str:
    return folded(value.text)[:PREFIX]


def literally(text: str) -> str:
    """The folded text without a meaning in LIKE."""
    return folded(text).replace(_ESCAPE, _ESCAPE * 2).replace("%", _ESCAPE + "%").replace("_", _ESCAPE + "_")
