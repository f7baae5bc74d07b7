"""The body of a request as a resource or a patch; what comes in another format is refused with the reason.

https://hl7.org/fhir/R4/http.html#mime-type. Entries of Bundles bring their resource already decoded.
"""

from email.message import Message

from service.errors import BadRequest, UnsupportedMediaType
from service.fhir import document
from service.fhir.document import Document
from service.fhir.fhirpath_patch import FhirpathPatch
from service.fhir.patch import JsonPatch, Patch
from service.records.context import Context
from service.rest.exchange import Call

JSON_PATCH = "application/json-patch+json"
FORM = "application/x-www-form-urlencoded"

_JSON = frozenset({"application/fhir+json", "application/json", "text/json", "application/json+fhir"})
_XML = frozenset({"application/fhir+xml", "application/xml", "text/xml", "application/xml+fhir"})
_FHIR_VERSIONS = frozenset({"", "4.0", "4.0.1"})


def media_type(call: Call) -> str:
    """The media type of the body, in lower case, without parameters; empty when the request does not say."""
    return (call.header("content-type") or "").partition(";")[0].strip().lower()


def is_json(media: str) -> bool:
    """Whether `media` is one of the names of FHIR JSON."""
    return media in _JSON


def resource(ctx: Context, call: Call) -> Document:
    """The resource in the body, strictly decoded.

    UnsupportedMediaType unless it says that it is FHIR JSON of R4; BadRequest when it is no JSON object.
    """
    if call.request.document is not None:
        return call.request.document
    _require_json(call)
    decoded = _decoded(ctx, call)
    if not isinstance(decoded.tree, dict):
        raise BadRequest.of("structure", "json-object", "The body is not a JSON object. Send one FHIR resource.")
    return decoded


def patch(ctx: Context, call: Call) -> Patch:
    """The patch in the body: JSON Patch, or a Parameters resource with FHIRPath Patch."""
    media = media_type(call)
    if call.request.document is None and media == JSON_PATCH:
        return JsonPatch.of(_decoded(ctx, call).tree)
    if call.request.document is None and not is_json(media):
        raise _unsupported(media, f"Send {JSON_PATCH}, or a Parameters resource as application/fhir+json.")
    return FhirpathPatch.of(resource(ctx, call).tree, ctx.service.definitions)


def limits(ctx: Context) -> document.Limits:
    """What the decoder accepts, by the settings."""
    return document.Limits(depth=ctx.service.settings.json_depth, digits=ctx.service.settings.number_digits)


def _decoded(ctx: Context, call: Call) -> Document:
    if not call.request.body.strip():
        raise BadRequest.of("required", "body-required", "The request has no body. Send the resource as JSON.")
    return document.decode(call.request.body, limits(ctx))


def _require_json(call: Call) -> None:
    media = media_type(call)
    if not is_json(media):
        raise _unsupported(media, "Send application/fhir+json.")
    header = Message()
    header["Content-Type"] = call.header("content-type") or ""
    charset = str(header.get_param("charset", "utf-8"))
    if charset.lower() not in ("utf-8", "utf8", "us-ascii"):
        raise _unsupported(f"charset {charset[:20]}", "Send UTF-8.")
    version = str(header.get_param("fhirversion", ""))
    if version not in _FHIR_VERSIONS:
        raise _unsupported(f"FHIR version {version[:10]}", "This server speaks FHIR R4: fhirVersion=4.0.")


def _unsupported(what: str, mend: str) -> UnsupportedMediaType:
    told = (
        "XML is not offered" if what in _XML else f"{what[:80]} is not understood here" if what else "The request does not name its format"
    )
    return UnsupportedMediaType.of("not-supported", "media-type", f"{told}. {mend}")
