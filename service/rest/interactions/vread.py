"""https://hl7.org/fhir/R4/http.html#vread: one version of a resource, as it was.

A version that never was is 404, whatever its number looks like; the version that records a deletion is 410.
"""

from service.errors import NotFound
from service.records import read as records
from service.records.context import Context
from service.rest import precondition, response, subset
from service.rest.exchange import Call, FhirResponse

_DIGITS = 9


def run(ctx: Context, call: Call) -> FhirResponse:
    """Reads one version."""
    view = subset.view(call)
    version = records.vread(ctx, call.named_type, call.named_id, _number(call))
    assert version.text is not None
    named = response.Named(version.type, version.id, version.version, version.last_updated)
    if precondition.is_current(version.version, version.last_updated, call.header("if-none-match"), call.header("if-modified-since")):
        return response.not_modified(named)
    return response.stored(ctx, named, subset.cut(ctx, version.text, view))


def _number(call: Call) -> int:
    text = call.version or ""
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS and int(text)):
        raise NotFound.of(
            "not-found", "unknown-version", f"This {call.type} has no version {text[:20]!r}. Versions are numbered from 1; see _history."
        )
    return int(text)
