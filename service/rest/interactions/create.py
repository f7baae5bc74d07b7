"""https://hl7.org/fhir/R4/http.html#create and https://hl7.org/fhir/R4/http.html#ccreate: a new resource under an id of the server's.

With If-None-Exist it is made only when nothing matches; exactly one match answers 200 with it, several 412. With
Idempotency-Key a repeated request gets the first answer. A raw body makes a Binary.
"""

from collections.abc import Sequence

from service.records.context import Context
from service.records.write import Committed
from service.rest import binary, changes, idempotency, preference, provenance, response
from service.rest.exchange import Call, FhirResponse


def run(ctx: Context, call: Call) -> FhirResponse:
    """Creates one resource."""
    wish = preference.parse(call.header("prefer"))

    def answer(bound: Context, done: Sequence[Committed]) -> FhirResponse:
        return response.committed(bound, provenance.told(done, 1)[0], wish, binary.default_return(call))

    with provenance.naming(1):
        return idempotency.answered(ctx, call, provenance.attested(ctx, call, [changes.create(ctx, call)]), answer)
