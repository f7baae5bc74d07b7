"""`$meta-delete`: takes profiles, tags and security labels off a resource; those that it has not are no error.

https://hl7.org/fhir/R4/resource-operation-meta-delete.html
"""

from service.records.context import Context
from service.rest.exchange import Call, FhirResponse
from service.rest.operations.arguments import Arguments
from service.rest.operations.meta_change import PARAMETERS, changed
from service.rest.operations.operation import INSTANCE, STANDARD, Operation


def run(ctx: Context, call: Call, given: Arguments) -> FhirResponse:
    """Takes off what the Meta holds, by system and code, profiles by their URL."""
    return changed(ctx, call, given, adds=False)


OPERATION = Operation(
    code="meta-delete",
    levels=frozenset({INSTANCE}),
    types=frozenset(),
    changes_state=True,
    definition=STANDARD + "Resource-meta-delete",
    documentation="Takes off profiles, tags and security labels. Makes a new version.",
    parameters=PARAMETERS,
    run=run,
)
