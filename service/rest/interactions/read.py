"""https://hl7.org/fhir/R4/http.html#read and https://hl7.org/fhir/R4/http.html#cread: the current version of a resource.

An ETag or a date that shows the client's copy to be current is answered 304; a deleted resource is 410, one that never
was 404. Full reads serve the stored text as it is; `_summary` and `_elements` cut it.
"""

from service.records import read as records
from service.records.context import Context
from service.rest import binary, precondition, response, subset
from service.rest.exchange import Call, FhirResponse


def run(ctx: Context, call: Call) -> FhirResponse:
    """Reads one resource."""
    view = subset.view(call)
    version = records.read(ctx, call.named_type, call.named_id)
    assert version.text is not None
    ctx.trail.saw(version.type, version.text)
    named = response.Named(version.type, version.id, version.version, version.last_updated)
    if precondition.is_current(version.version, version.last_updated, call.header("if-none-match"), call.header("if-modified-since")):
        return response.not_modified(named)
    if call.type == "Binary" and (raw := binary.raw(call, version.text)) is not None:
        return FhirResponse(200, raw.content, {**response.validators(named), **raw.headers}, raw.content_type)
    return response.stored(ctx, named, subset.cut(ctx, version.text, view))
