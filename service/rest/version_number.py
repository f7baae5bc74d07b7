"""The number of a version in a URL."""

from service.errors import NotFound
from service.rest.exchange import Call

_DIGITS = 9


def of(call: Call) -> int:
    """The version that the URL names. NotFound for one that no version can have."""
    text = call.version or ""
    if not is_one(text):
        raise NotFound.of(
            "not-found", "unknown-version", f"This {call.type} has no version {text[:20]!r}. Versions are numbered from 1; see _history."
        )
    return int(text)


def is_one(text: str) -> bool:
    """Whether a version can have the number `text`."""
    return text.isascii() and text.isdecimal() and len(text) <= _DIGITS and int(text) > 0
