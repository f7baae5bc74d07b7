"""The formats of R4's primitive types (https://hl7.org/fhir/R4/datatypes.html#primitive).

Each rule takes a JSON value and returns None when it is well-formed, or the rest of a sentence that says what it must be.
Regular expressions that R4 states come from the definitions; calendars, ranges and JSON types are checked here.
"""

import binascii
import re
from calendar import monthrange
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from service.fhir.element import Structure

LONGEST_STRING = 1024 * 1024

Rule = Callable[[Any], str | None]

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_WHITE_SPACE = re.compile(r"[ \t\r\n]+")
_PATTERNED = ("code", "id", "oid", "uuid", "date", "dateTime", "instant", "time")
_LARGEST_INTEGER = 2**31 - 1

_MENDS = {
    "boolean": "must be true or false, without quotes",
    "integer": "must be a whole number between -2147483648 and 2147483647, without quotes",
    "unsignedInt": "must be a whole number between 0 and 2147483647, without quotes",
    "positiveInt": "must be a whole number between 1 and 2147483647, without quotes",
    "decimal": "must be a JSON number, without quotes",
    "string": "must be a string that is not empty, has no control characters but tab and line ends, and at most 1,048,576 characters",
    "uri": "must be a URI: a string that is not empty and has no white space",
    "code": "must be a code: a string without white space at its ends, and single spaces inside",
    "id": "must be an id: 1 to 64 letters, digits, hyphens and dots",
    "oid": "must be an OID as a URI, such as urn:oid:1.2.3",
    "uuid": "must be a UUID as a URI in lower case, such as urn:uuid:c757873d-ec9a-4326-a141-556f43239520",
    "date": "must be a date that exists: YYYY, YYYY-MM or YYYY-MM-DD",
    "dateTime": "must be a date that exists: YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with a time zone (Z or +hh:mm)",
    "instant": "must be a moment that exists: YYYY-MM-DDThh:mm:ss with optional fraction and a time zone (Z or +hh:mm)",
    "time": "must be a time of day: hh:mm:ss with optional fraction, without a time zone",
    "base64Binary": "must be base64 (RFC 4648 section 4) with padding, and not empty",
}
_MENDS |= {"markdown": _MENDS["string"], "xhtml": _MENDS["string"], "url": _MENDS["uri"], "canonical": _MENDS["uri"]}
PRIMITIVES = frozenset(_MENDS)
"""The names of the primitive types; their names begin with a small letter, all others with a capital."""


def rule_for(structure: Structure) -> Rule:
    """The format rule of a primitive type."""
    name = structure.name
    mend = _MENDS[name]
    if name in _PATTERNED:
        return _patterned(structure, mend)
    fits = _FITS[name]
    return lambda value: None if fits(value) else mend


def _patterned(structure: Structure, mend: str) -> Rule:
    fullmatch = re.compile(structure.regex or ".+", re.ASCII).fullmatch
    dated = structure.name in {"date", "dateTime", "instant"}

    def rule(value: Any) -> str | None:
        if type(value) is not str or not fullmatch(value):
            return mend
        if dated and value[8:10] > "28" and not _is_day(value):
            return mend
        return None

    return rule


def _is_day(value: str) -> bool:
    return int(value[8:10]) <= monthrange(int(value[:4]), int(value[5:7]))[1]


def _is_boolean(value: Any) -> bool:
    return value is True or value is False


def _whole(smallest: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and smallest <= value <= _LARGEST_INTEGER


def _is_decimal(value: Any) -> bool:
    return type(value) is int or (isinstance(value, Decimal) and value.is_finite())


def _is_string(value: Any) -> bool:
    return type(value) is str and 0 < len(value) <= LONGEST_STRING and (value.isprintable() or not _CONTROL.search(value))


def _is_uri(value: Any) -> bool:
    if type(value) is not str or not value:
        return False
    return (value.isascii() and value.isprintable() and " " not in value) or not re.search(r"[\s\x00-\x1f]", value)


def _is_base64(value: Any) -> bool:
    if type(value) is not str or not value.isascii():
        return False
    packed = _WHITE_SPACE.sub("", value)
    try:
        return bool(packed) and len(packed) % 4 == 0 and binascii.a2b_base64(packed, strict_mode=True) is not None
    except binascii.Error:
        return False


_FITS: dict[str, Callable[[Any], bool]] = {
    "boolean": _is_boolean,
    "integer": _whole(-(2**31)),
    "unsignedInt": _whole(0),
    "positiveInt": _whole(1),
    "decimal": _is_decimal,
    "string": _is_string,
    "markdown": _is_string,
    "xhtml": _is_string,
    "uri": _is_uri,
    "url": _is_uri,
    "canonical": _is_uri,
    "base64Binary": _is_base64,
}
