"""The query string and the form body of a search as decoded pairs (https://hl7.org/fhir/R4/http.html#search)."""

from urllib.parse import parse_qsl

from service.errors import BadRequest
from service.rest.exchange import Pairs

_MOST_PARAMETERS = 200
_PRESENTATION = frozenset({"_format", "_pretty"})


def decode(raw: str) -> Pairs:
    """The name and value pairs of `raw`, percent-decoded, in order.

    BadRequest for bytes that are not UTF-8, for NUL characters and for more parameters than any search needs.
    """
    if raw.count("&") >= _MOST_PARAMETERS:
        raise BadRequest.of("too-costly", "query", f"The query has more than {_MOST_PARAMETERS} parameters. Send fewer.")
    try:
        pairs = parse_qsl(raw, keep_blank_values=True, errors="strict")
    except ValueError:
        raise BadRequest.of("invalid", "query", "The query is not percent-encoded UTF-8. Encode it.") from None
    for name, value in pairs:
        if "\x00" in name or "\x00" in value:
            raise BadRequest.of("invalid", "query", "The query holds a NUL character. Remove it.")
    return tuple(pairs)


def decode_bytes(raw: bytes) -> Pairs:
    """The pairs of `raw` as it came over the wire. BadRequest for what `decode` refuses, and for bytes that are not UTF-8."""
    try:
        return decode(raw.decode("utf-8"))
    except UnicodeDecodeError:
        raise BadRequest.of("invalid", "query", "The query is not percent-encoded UTF-8. Encode it.") from None


def about_content(pairs: Pairs) -> Pairs:
    """The pairs that say what is asked for: without `_format` and `_pretty`, which say how it shall look."""
    return tuple(pair for pair in pairs if pair[0] not in _PRESENTATION)


def about_presentation(pairs: Pairs) -> Pairs:
    """The pairs that say how the answer shall look; links repeat them."""
    return tuple(pair for pair in pairs if pair[0] in _PRESENTATION)
