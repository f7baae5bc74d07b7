"""Conditional request headers (https://hl7.org/fhir/R4/http.html#concurrency, https://hl7.org/fhir/R4/http.html#cread).

Entity tags are weak and hold the version: `W/"3"`. On a write a header that cannot be read is a 400: ignoring it would let the very
change through that the client wanted to guard. On a read it is as if it were not there, as RFC 9110 wants: the client gets
the resource, which is never wrong.
"""

import re
from email.utils import format_datetime, parsedate_to_datetime

from service.clock import to_datetime
from service.errors import BadRequest, PreconditionFailed

_TAG = re.compile(r'\s*(?:W/)?"([^"]{0,64})"\s*')
_DIGITS_OF_A_VERSION = 9


def etag(version: int) -> str:
    """The entity tag of a version."""
    return f'W/"{version}"'


def http_date(instant: int) -> str:
    """`instant` (microseconds since the epoch) as an HTTP date."""
    return format_datetime(to_datetime(instant), usegmt=True)


def required_version(header: str | None) -> int | None:
    """The version that If-Match asks for; None without the header.

    BadRequest when it is not one entity tag; PreconditionFailed when no version could ever bear the tag.
    """
    if header is None:
        return None
    tags = _tags(header)
    if len(tags) != 1:
        raise _malformed("If-Match", 'Name the one version that you read, as in W/"3".')
    if not _is_version(tags[0]):
        raise PreconditionFailed.of(
            "conflict", "if-match", f'If-Match: no version of this server bears the tag "{tags[0]}". Read the resource and use its ETag.'
        )
    return int(tags[0])


def must_be_new(header: str | None) -> bool:
    """Whether If-None-Match on an update says `*`: only create, never replace. BadRequest for anything else."""
    if header is None:
        return False
    if header.strip() != "*":
        raise _malformed("If-None-Match", "An update understands * only: create the resource, but leave an existing one alone.")
    return True


def is_current(version: int, last_updated: int, if_none_match: str | None, if_modified_since: str | None) -> bool:
    """Whether the client's copy is still good, so that 304 answers it. If-None-Match outranks If-Modified-Since."""
    if if_none_match is not None:
        return if_none_match.strip() == "*" or str(version) in _tags(if_none_match)
    seconds = _seconds(if_modified_since) if if_modified_since is not None else None
    return seconds is not None and last_updated // 1_000_000 <= seconds


def _seconds(header: str) -> int | None:
    """An HTTP date in whole seconds since the epoch; None when it is none."""
    try:
        return int(parsedate_to_datetime(header).timestamp())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _tags(header: str) -> list[str]:
    """What a list of entity tags holds; nothing when it cannot be read."""
    tags, position = [], 0
    while match := _TAG.match(header, position):
        tags.append(match[1])
        position = match.end()
        if position == len(header):
            return tags
        if header[position] != ",":
            break
        position += 1
    return []


def _is_version(tag: str) -> bool:
    return tag.isascii() and tag.isdecimal() and len(tag) <= _DIGITS_OF_A_VERSION and not tag.startswith("0")


def _malformed(name: str, mend: str) -> BadRequest:
    return BadRequest.of("invalid", "conditional-header", f"The header {name} cannot be read. {mend}")
