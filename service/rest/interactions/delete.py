"""https://hl7.org/fhir/R4/http.html#delete and https://hl7.org/fhir/R4/http.html#cdelete: the end of a resource; its history stays.

Deleting what is not there succeeds too: 204. A conditional delete takes exactly one match, or several where the setting
CONDITIONAL_DELETE_MULTIPLE allows it.
"""

from service.records.commit import commit
from service.records.context import Context
from service.rest import changes, preference, provenance, response
from service.rest.exchange import Call, FhirResponse


def run(ctx: Context, call: Call) -> FhirResponse:
    """Deletes one resource, named by its id or found by a search."""
    provenance.require_none(call, "A deletion makes no version that it could be about. Post the Provenance by itself.")
    wish = preference.parse(call.header("prefer"))
    return response.committed(ctx, commit(ctx, [changes.delete(call)])[0], wish)
