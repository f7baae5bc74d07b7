"""From a request to its answer: find the route, run its interaction. Bundles come back here for their entries.

Raises the ServiceError of a request that is refused; `web.errors` and the batch turn it into an answer.
"""

from collections.abc import Callable, Mapping

from service.errors import BadRequest
from service.records import trail
from service.records.context import Context
from service.rest import audited, body, calls
from service.rest.exchange import Call, FhirRequest, FhirResponse
from service.rest.interactions import batch, capabilities, create, delete, history, patch, read, search, transaction, update, vread
from service.rest.operations import table

Interaction = Callable[[Context, Call], FhirResponse]


def dispatch(ctx: Context, request: FhirRequest) -> FhirResponse:
    """The answer to `request`, an entry of a Bundle. A refusal is noted on the audit trail."""
    call = None
    try:
        call = calls.understood(ctx, request, dispatch)
        return answer(ctx, call)
    except Exception as error:
        trail.note(ctx, audited.refused(ctx, request, call, error))
        raise


def answer(ctx: Context, call: Call) -> FhirResponse:
    """The answer to a call whose URL is understood already. It is noted on the audit trail, unless a write or its entries were."""
    before = ctx.trail.count
    found = INTERACTIONS[call.interaction](ctx, call)
    if ctx.trail.count == before:
        trail.note(ctx, audited.answered(ctx, call, found))
    ctx.trail.forget_sights()
    return found


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
    return _transaction(ctx, decoded) if kind == "transaction" else batch.run(ctx, decoded)


def _transaction(ctx: Context, call: Call) -> FhirResponse:
    """All entries or none: when one fails, the audit trail tells of the Bundle alone."""
    waiting = len(ctx.trail.pending)
    try:
        return transaction.run(ctx, call)
    except Exception:
        ctx.trail.back_to(waiting)
        raise


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
