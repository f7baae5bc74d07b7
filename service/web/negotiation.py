"""Between bytes and exchange: what the client accepts, what it sent, and how much of it is read.

https://hl7.org/fhir/R4/http.html#mime-type. JSON is what the API speaks; a browser gets the same content as a page. XML is not
offered and says so. Sizes are checked before a byte of the body is read.
"""

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
from flask import Request, Response
from werkzeug.datastructures import Headers
from werkzeug.exceptions import RequestEntityTooLarge

from service.config import Settings
from service.errors import BadRequest, NotAcceptable, PayloadTooLarge, UnsupportedMediaType
from service.rest import accept, formats, query
from service.rest.exchange import FHIR_JSON, FhirRequest, FhirResponse

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_JSON_FORMATS = frozenset({"json", "application/json", "application/fhir+json", "text/json", "application/json+fhir"})
_HTML_FORMATS = frozenset({"html", "text/html", "application/xhtml+xml"})
_XML_FORMATS = frozenset({"xml", "application/xml", "application/fhir+xml", "text/xml", "application/xml+fhir"})
_PIECE = 65_536
_WITHOUT_CONTENT = (204, 304)
_FHIR_VERSION = re.compile(r"fhirversion\s*=\s*\"?([\w.]+)", re.IGNORECASE)


class TooSlow(BadRequest):
    """408: the body took too long to arrive; nothing more is to be read from the client."""

    status = 408


class BrokenOff(BadRequest):
    """400: the body ended or became unreadable before it was complete; nothing more is to be read from the client."""


@dataclass(frozen=True, slots=True)
class Look:
    """How the answer shall look: as a page or as JSON of some media type, indented or compact; or, for a report, as a file (`format`)."""

    html: bool = False
    pretty: bool = False
    media_type: str = FHIR_JSON
    format: str = ""


def head(request: Request, path: str) -> FhirRequest:
    """The request without its body. `path` is decoded, below the FHIR base; one slash at its end means nothing."""
    segments = tuple(path.removesuffix("/").split("/")) if path.strip("/") else ()
    return FhirRequest(
        method=request.method,
        path=segments,
        query=query.decode_bytes(request.query_string),
        headers={name.lower(): value for name, value in request.headers.items()},
    )


def look(asked: FhirRequest) -> Look:
    """What the client accepts; `_format` outranks the Accept header. NotAcceptable when that is not on offer."""
    if file := formats.wished(asked):
        return Look(format=file)
    wishes = dict(asked.query)
    pretty = wishes.get("_pretty", "").lower() == "true"
    if "_format" in wishes:
        wished = _look_of_format(wishes["_format"], pretty)
        return wished if wished.html else replace(wished, format=_whole(asked, pretty))
    header = asked.headers.get("accept")
    _require_version(header or "")
    json, html, name = _liking(header)
    if max(json, html) <= 0 and not _is_raw_read(asked):
        raise _not_acceptable("xml" in (header or "").lower())
    if html > json:
        return Look(html=True, pretty=pretty)
    return Look(pretty=pretty, media_type=name, format=_whole(asked, pretty))


def _whole(asked: FhirRequest, pretty: bool) -> str:
    """`json` for a report whose JSON goes out as it is made, which one that is indented does not."""
    return "json" if formats.is_report(asked) and not pretty else ""


def body(request: Request, settings: Settings, is_bundle: bool) -> bytes:
    """The body of the request, within the limit.

    UnsupportedMediaType when it is compressed, PayloadTooLarge beyond the limit, BrokenOff when it is incomplete.
    """
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise UnsupportedMediaType.of(
            "not-supported", "content-encoding", f"A body encoded as {encoding[:20]} is not read. Send it as it is."
        )
    limit = settings.bundle_bytes if is_bundle else settings.body_bytes
    # a stream without a length is cut at the maximum, not refused: one byte more shows that there was more
    request.max_content_length = limit + 1
    try:
        content = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise _too_large(limit) from None
    except Exception as error:  # noqa: BLE001 - whatever the server stumbles over in the stream, the client sent it
        raise (_too_slow(settings) if _is_late(error) else _broken_off()) from None
    if len(content) > limit:
        raise _too_large(limit)
    if len(content) < (request.content_length or 0):
        raise _broken_off()
    return content


def discard(request: Request, most: int) -> None:
    """Reads what a refused client still sends, up to `most` bytes: it would not hear the answer over a broken connection."""
    left = most if request.environ.get("wsgi.input_terminated") else min(request.content_length or 0, most)
    stream = request.environ["wsgi.input"]
    with suppress(Exception):
        while left > 0 and (piece := stream.read(min(left, _PIECE))):
            left -= len(piece)


def _is_late(error: BaseException | None) -> bool:
    """Whether it comes from the limit on the arrival of requests, however it was wrapped."""
    while error is not None and not isinstance(error, TimeoutError):
        error = error.__cause__ or error.__context__
    return error is not None


def _too_slow(settings: Settings) -> TooSlow:
    told = f"The request took longer than {settings.body_seconds:g} seconds to arrive. Send it faster, or less at once."
    return TooSlow.of("timeout", "body-time", told)


def _broken_off() -> BrokenOff:
    return BrokenOff.of("incomplete", "body-size", "The body broke off or is wrongly chunked. Send it again, whole.")


def _too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge.of("too-long", "body-size", f"The body is larger than {limit} bytes. Send less, or split the Bundle.")


class Final(Response):
    """A response whose header fields are complete and correct: nothing looks through them again on the way out."""

    def get_wsgi_headers(self, environ: "WSGIEnvironment") -> Headers:  # noqa: ARG002  the signature is werkzeug's
        """The header fields as they are."""
        return self.headers


def presented(answer: FhirResponse, look: Look) -> Response:
    """The answer as JSON, or as the raw content that it is."""
    headers = dict(answer.headers)
    if answer.body is not None:
        headers["Content-Type"] = f"{look.media_type}; charset=utf-8" if answer.content_type == FHIR_JSON else answer.content_type
    if answer.pieces is not None:
        return Final(answer.pieces, status=answer.status, headers=headers)
    content = _content(answer, look)
    if answer.status not in _WITHOUT_CONTENT:
        headers["Content-Length"] = str(len(content))
    response = Final([content], status=answer.status, headers=headers)
    if answer.body is None:
        response.headers.remove("Content-Type")
    return response


def _content(answer: FhirResponse, look: Look) -> bytes:
    if isinstance(answer.body, bytes):
        return answer.body
    text = answer.body or ""
    return (msgspec.json.format(text, indent=2) if look.pretty and text else text).encode()


def _look_of_format(wish: str, pretty: bool) -> Look:
    media = wish.partition(";")[0].strip().lower().replace(" ", "+")
    _require_version(wish)
    if media in _JSON_FORMATS:
        return Look(pretty=pretty)
    if media in _HTML_FORMATS:
        return Look(html=True, pretty=pretty)
    raise _not_acceptable(media in _XML_FORMATS)


@lru_cache(maxsize=256)
def _liking(header: str | None) -> tuple[float, float, str]:
    """How much a client with this Accept header likes JSON and pages, and the name by which it knows JSON: FHIR's own, if it can."""
    json = max(accept.quality(header, media) for media in accept.JSON)
    html = max(accept.quality(header, media) for media in accept.HTML)
    return json, html, _named(header)


def _named(header: str | None) -> str:
    if accept.quality(header, FHIR_JSON) > 0:
        return FHIR_JSON
    return next((media for media in accept.JSON if accept.quality(header, media) > 0), FHIR_JSON)


def _require_version(wish: str) -> None:
    versions = _FHIR_VERSION.findall(wish)
    if versions and not any(version in ("4.0", "4.0.1") for version in versions):
        raise NotAcceptable.of("not-supported", "fhir-version", f"This server speaks FHIR R4 (fhirVersion=4.0), not {versions[0][:10]}.")


def _is_raw_read(asked: FhirRequest) -> bool:
    return asked.method in ("GET", "HEAD") and len(asked.path) == 2 and asked.path[0] == "Binary"


def _not_acceptable(xml: bool) -> NotAcceptable:
    told = "XML is not offered." if xml else "None of the formats that you accept is offered."
    return NotAcceptable.of("not-supported", "format", f"{told} Accept application/fhir+json, or text/html in a browser.")
