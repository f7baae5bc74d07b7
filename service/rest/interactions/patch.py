"""https://hl7.org/fhir/R4/http.html#patch: parts of a resource changed by JSON Patch or FHIRPath Patch.

The resource is named by its id or found by a search; If-Match guards it. What the patch makes of the resource passes the same
gate as any other write.
"""

from service.records.commit import commit
from service.records.context import Context
from service.rest import changes, preference, provenance, response
from service.rest.exchange import Call, FhirResponse


def run(ctx: Context, call: Call) -> FhirResponse:
    """Patches one resource."""
    wish = preference.parse(call.header("prefer"))
    with provenance.naming(1):
        done = provenance.told(commit(ctx, provenance.attested(ctx, call, [changes.patch(ctx, call)])), 1)[0]
    return response.committed(ctx, done, wish)
