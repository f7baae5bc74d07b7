"""https://hl7.org/fhir/R4/http.html#update and https://hl7.org/fhir/R4/http.html#cond-update: the resource as the client wants it to be.

A PUT to an id that is free makes the resource there (201). If-Match guards against overwriting somebody else's change
(412), If-None-Match: * makes but never replaces (412). An update that changes nothing keeps the version.
"""

from service.records.commit import commit
from service.records.context import Context
from service.rest import binary, changes, preference, provenance, response
from service.rest.exchange import Call, FhirResponse


def run(ctx: Context, call: Call) -> FhirResponse:
    """Updates one resource, named by its id or found by a search."""
    wish = preference.parse(call.header("prefer"))
    with provenance.naming(1):
        done = provenance.told(commit(ctx, provenance.attested(ctx, call, [changes.update(ctx, call)])), 1)[0]
    return response.committed(ctx, done, wish, binary.default_return(call))
