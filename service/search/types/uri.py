"""URIs, compared whole, character by character. A canonical URL with a version is found with and without it.

`:below` is the URL itself and everything under it, from segment to segment of its path: `http://a/b` finds `http://a/b/c` and not
`http://a/bc`; with a slash at its end only what is under it. `:above` is the URL itself and everything that it is under. Both are for
URLs: a urn has no segments. https://hl7.org/fhir/R4/search.html#uri
"""

import re
from typing import Any

from service.search.keys import LONGEST, text_key
from service.search.query import Uri
from service.search.types import escapes
from service.search.types.literals import canonical
from service.search.types.protocol import Action, Asked, Condition, Json, Reading, Refused, Rows, SearchParameter, Source

TABLE = "uri"
MODIFIERS = frozenset({"above", "below"})
PREFIXES: tuple[str, ...] = ()
READS = frozenset({"uri", "url", "oid", "uuid", "canonical"})
DEEPEST = 16
"""The most segments of a URL whose parents are asked for."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://[^/?#|]+")
_AFTER_SLASH = chr(ord("/") + 1)


def parse(text: str, modifier: str | None, parameter: SearchParameter, reading: Reading) -> Uri:
    """Any URI; a URL of bounded length and depth for `:above` and `:below`."""
    plain = escapes.unescaped(text)
    if modifier not in MODIFIERS:
        return Uri(plain)
    if not _URL.match(plain):
        raise Refused(f"':{modifier}' goes along the path of a URL, which {plain[:40]!r} does not have")
    if len(plain) >= LONGEST or len(_parents(plain)) > DEEPEST:
        raise Refused(f"':{modifier}' takes a URL of at most {LONGEST} characters and {DEEPEST} segments")
    return Uri(plain)


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
    """The same URI, or a bounded range or a bounded number of them."""
    same = table.uri == asked.bind(lambda value: text_key(value.uri))
    if asked.modifier == "below":
        under = (table.uri >= asked.bind(lambda value: value.uri.rstrip("/") + "/")) & (
            table.uri < asked.bind(lambda value: value.uri.rstrip("/") + _AFTER_SLASH)
        )
        return same | under
    if asked.modifier == "above":
        return same | table.uri.in_([asked.bind(_parent(place)) for place in range(2 * DEEPEST)])
    return same


def _parent(place: int) -> Any:
    """Reads the parent at that place, with a slash at its end where the place is odd; the last one again where there are fewer."""

    def read(value: Uri) -> str:
        parents = _parents(value.uri)
        return parents[min(place // 2, len(parents) - 1)] + "/" * (place % 2)

    return read


def _parents(url: str) -> list[str]:
    """The URL without version and fragment, and every beginning of it that ends before a slash of its path."""
    found = _URL.match(url)
    assert found, "only URLs have parents"
    bare = url.split("|", 1)[0].split("#", 1)[0].rstrip("/")
    cuts = [at for at in range(found.end(), len(bare)) if bare[at] == "/"]
    return [bare, *(bare[:at] for at in reversed(cuts))]
