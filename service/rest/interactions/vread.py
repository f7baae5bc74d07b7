"""https://hl7.org/fhir/R4/http.html#vread: one version of a resource, as it was.

A version that never was is 404, whatever its number looks like; the version that records a deletion is 410.
"""

from service.records import read as records
from service.records.context import Context
from service.rest import precondition, response, subset, version_number
from service.rest.exchange import Call, FhirResponse


def run(ctx: Context, call: Call) -> FhirResponse:
    """Reads one version."""
    view = subset.view(call)
    version = records.vread(ctx, call.named_type, call.named_id, version_number.of(call))
    assert version.text is not None
    ctx.trail.saw(version.type, version.text)
    named = response.Named(version.type, version.id, version.version, version.last_updated)
    if precondition.is_current(version.version, version.last_updated, call.header("if-none-match"), call.header("if-modified-since")):
        return response.not_modified(named)
    return response.stored(ctx, named, subset.cut(ctx, version.text, view))
