"""JSON text as tokens (https://www.rfc-editor.org/rfc/rfc8259): nothing is decoded, so nothing can change.

The text is one that this service stored or wrote: well-formed. White space between the tokens is skipped.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')


class Kind(Enum):
    """What a token is."""

    OPEN = "open"
    CLOSE = "close"
    COMMA = "comma"
    COLON = "colon"
    KEY = "key"
    STRING = "string"
    NUMBER = "number"
    LITERAL = "literal"


_PUNCTUATION = {"{": Kind.OPEN, "[": Kind.OPEN, "}": Kind.CLOSE, "]": Kind.CLOSE, ",": Kind.COMMA, ":": Kind.COLON}


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its characters as they stand in the text, and the member name that its value belongs to."""

    kind: Kind
    text: str
    member: str


def tokens(text: str) -> Iterator[Token]:
    """The tokens of `text` in their order; a list's items carry the member name of the list."""
    containers: list[tuple[str, str]] = []
    member, key_is_next = "", False
    for match in _TOKEN.finditer(text):
        piece = match.group()
        if piece in "{[":
            containers.append((piece, member))
            key_is_next = piece == "{"
        elif piece in "}]":
            member = containers.pop()[1]
        elif piece == ",":
            inside, around = containers[-1]
            key_is_next = inside == "{"
            member = member if key_is_next else around
        elif key_is_next:
            member, key_is_next = piece[1:-1], False
            yield Token(Kind.KEY, piece, member)
            continue
        yield Token(_kind(piece), piece, member)


def _kind(piece: str) -> Kind:
    if piece in _PUNCTUATION:
        return _PUNCTUATION[piece]
    if piece.startswith('"'):
        return Kind.STRING
    return Kind.LITERAL if piece in ("true", "false", "null") else Kind.NUMBER
