"""How JOSE writes bytes and JSON, read strictly: base64url without padding (RFC 7515, 2) and JSON objects without surprises.

What is not in its one canonical form is refused, so that no two texts mean the same thing and no two programs read one text differently.
"""

import base64
from typing import Any

from service.errors import BadRequest
from service.fhir import document

_DIGITS = 20


def from_base64url(text: str) -> bytes:
    """The bytes that `text` stands for. ValueError for padding, foreign characters and left-over bits that are not zero."""
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if to_base64url(raw) != text:  # decoding passes over what it does not know
        raise ValueError("not base64url, or not as it is written in one way only")
    return raw


def to_base64url(raw: bytes) -> str:
    """`raw` in base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def json_object(raw: bytes, depth: int) -> dict[str, Any]:
    """The JSON object in `raw`, nested no deeper than `depth`.

    ValueError for anything else: no UTF-8, duplicate members, NaN, long numbers, lone surrogates. Numbers with a fraction or an exponent
    are Decimals; int stands for whole numbers as they were written, and only for them.
    """
    try:
        tree = document.decode(raw, document.Limits(depth=depth, digits=_DIGITS)).tree
    except BadRequest as error:
        raise ValueError(str(error)) from None
    if not isinstance(tree, dict):
        raise ValueError("not a JSON object")
    return tree
