"""URIs, compared whole, character by character. A canonical URL with a version is found with and without it.

https://hl7.org/fhir/R4/search.html#uri
"""

from typing import Any

from service.search.keys import text_key
from service.search.query import Uri
from service.search.types import escapes
from service.search.types.literals import canonical
from service.search.types.protocol import Action, Asked, Condition, Json, Reading, Rows, SearchParameter, Source

TABLE = "uri"
MODIFIERS: frozenset[str] = frozenset()
PREFIXES: tuple[str, ...] = ()
READS = frozenset({"uri", "url", "oid", "uuid", "canonical"})


def parse(text: str, modifier: str | None, parameter: SearchParameter, reading: Reading) -> Uri:
    """Any URI."""
    return Uri(escapes.unescaped(text))


def write(value: Any) -> str:
    """The URI with its separators escaped."""
    return escapes.escaped(value.uri)


def extractor(source: Source) -> Action:
    """The URI as it is."""
    key = source.key
    if source.element == "canonical":
        return lambda value, rows: _add_canonical(key, value, rows)
    return lambda value, rows: rows.uri.add((key, text_key(value)))


def _add_canonical(key: int, value: Json, rows: Rows) -> None:
    rows.uri.update((key, url) for url, _ in canonical(value))


def predicate(table: Any, asked: Asked) -> Condition:
    """The same URI."""
    return table.uri == asked.bind(lambda value: text_key(value.uri))
