"""`$meta-add`: adds profiles, tags and security labels to a resource, each once.

https://hl7.org/fhir/R4/resource-operation-meta-add.html
"""

from service.records.context import Context
from service.rest.exchange import Call, FhirResponse
from service.rest.operations.arguments import Arguments
from service.rest.operations.meta_change import PARAMETERS, changed
from service.rest.operations.operation import INSTANCE, STANDARD, Operation


def run(ctx: Context, call: Call, given: Arguments) -> FhirResponse:
    """Adds what the Meta holds. A tag or label that is there already, by system and code, stays as it is."""
    return changed(ctx, call, given, adds=True)


OPERATION = Operation(
    code="meta-add",
    levels=frozenset({INSTANCE}),
    types=frozenset(),
    changes_state=True,
    definition=STANDARD + "Resource-meta-add",
    documentation="Adds profiles, tags and security labels, each once. Makes a new version.",
    parameters=PARAMETERS,
    run=run,
)
