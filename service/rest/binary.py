"""Binary as itself: raw content in and out (https://hl7.org/fhir/R4/binary.html#rest, https://hl7.org/fhir/R4/http.html#binary).

Only the media types of the setting BINARY_TYPES come in raw. Raw content goes out as an attachment that browsers neither show
nor sniff: a clinic's server must not host pages that a stranger uploaded.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from service.errors import BadRequest, UnsupportedMediaType
from service.fhir.document import Document, stored
from service.records.context import Context
from service.rest import accept, body
from service.rest.exchange import Call
from service.rest.preference import Return

ATTACHMENT = {
    "Content-Disposition": "attachment",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}


@dataclass(frozen=True, slots=True)
class Raw:
    """Content as it was uploaded, with the header fields that keep it harmless."""

    content: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=lambda: ATTACHMENT)


def is_raw(call: Call) -> bool:
    """Whether the request carries raw content for a Binary rather than a resource."""
    return call.type == "Binary" and call.request.document is None and not body.is_json(body.media_type(call))


def document_or_resource(ctx: Context, call: Call) -> Document:
    """What a write carries: the resource in the body, or the Binary that wraps raw content."""
    return document(ctx, call) if is_raw(call) else body.resource(ctx, call)


def document(ctx: Context, call: Call) -> Document:
    """The Binary that wraps the raw body. UnsupportedMediaType when its type is not on the list, BadRequest when it is empty."""
    media = body.media_type(call)
    allowed = ctx.service.settings.binary_types.replace(" ", "").split(",")
    if media not in allowed:
        told = f"{media[:60]!r} is not stored raw." if media else "The request does not say what it carries."
        raise UnsupportedMediaType.of(
            "not-supported", "binary-type", f"{told} Send one of {', '.join(allowed)}, or a Binary resource as JSON."
        )
    if not call.request.body:
        raise BadRequest.of("required", "body-required", "The request has no content. Send the bytes of the document.")
    tree: dict[str, Any] = {"resourceType": "Binary"}
    if call.id is not None:
        tree["id"] = call.id
    tree["contentType"] = media
    if context := call.header("x-security-context"):
        tree["securityContext"] = {"reference": context}
    tree["data"] = base64.b64encode(call.request.body).decode()
    return Document.of(tree)


def raw(call: Call, text: str) -> Raw | None:
    """The content of a stored Binary unless the client asks for the resource (https://hl7.org/fhir/R4/binary.html#rest)."""
    tree = stored(text).tree
    media = str(tree["contentType"])
    if "_format" in dict(call.request.query) or not accept.wants_raw(call.header("accept"), media):
        return None
    try:
        return Raw(base64.b64decode(str(tree.get("data", "")), validate=False), media)
    except binascii.Error:
        return None


def default_return(call: Call) -> Return:
    """What a write answers with when Prefer does not say: nothing to raw content unless Accept names FHIR JSON, the resource otherwise."""
    return Return.MINIMAL if is_raw(call) and not accept.names_json(call.header("accept")) else Return.REPRESENTATION
