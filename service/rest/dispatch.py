"""From a request to its answer: find the route, run its interaction. Bundles come back here for their entries.

Raises the ServiceError of a request that is refused; `web.errors` and the batch turn it into an answer.
"""

from collections.abc import Callable, Mapping

from service.errors import BadRequest
from service.records.context import Context
from service.rest import body, calls
from service.rest.exchange import Call, FhirRequest, FhirResponse
from service.rest.interactions import batch, capabilities, create, delete, history, patch, read, search, transaction, update, vread
from service.rest.operations import table

Interaction = Callable[[Context, Call], FhirResponse]


def dispatch(ctx: Context, request: FhirRequest) -> FhirResponse:
    """The answer to `request`."""
    return answer(ctx, calls.understood(ctx, request, dispatch))


def answer(ctx: Context, call: Call) -> FhirResponse:
    """The answer to a call whose URL is understood already."""
    return INTERACTIONS[call.interaction](ctx, call)


def _bundle(ctx: Context, call: Call) -> FhirResponse:
    """A Bundle posted to the base: its type says whether it is a transaction or a batch."""
    document = body.resource(ctx, call)
    kind = document.tree.get("type") if document.tree.get("resourceType") == "Bundle" else None
    if kind not in ("transaction", "batch"):
        raise BadRequest.of(
            "value",
            "bundle-type",
            "What is posted to the base is a Bundle of type transaction or batch. Post a resource to its type, as in /Patient.",
            "Bundle.type",
        )
    decoded = call.with_document(document)
    return transaction.run(ctx, decoded) if kind == "transaction" else batch.run(ctx, decoded)


INTERACTIONS: Mapping[str, Interaction] = {
    "capabilities": capabilities.run,
    "transaction": _bundle,
    "search-system": search.run,
    "search-type": search.run,
    "history-system": history.run,
    "history-type": history.run,
    "history-instance": history.run,
    "create": create.run,
    "read": read.run,
    "vread": vread.run,
    "update": update.run,
    "patch": patch.run,
    "delete": delete.run,
    "operation": table.run,
}
