"""https://hl7.org/fhir/R4/http.html#capabilities: what this server can do, derived from what is there."""

from service.errors import BadRequest
from service.records.context import Context
from service.rest import capability, subset
from service.rest.exchange import Call, FhirResponse

_MODES = ("full", "normative")


def run(ctx: Context, call: Call) -> FhirResponse:
    """Answers with the CapabilityStatement."""
    mode = dict(call.query).get("mode", "full")
    if mode not in _MODES:
        raise BadRequest.of("not-supported", "mode", f"mode is {' or '.join(_MODES)}; this server has no terminology services to tell of.")
    view = subset.view(call, extra=("mode",))
    return FhirResponse(200, subset.cut(ctx, capability.text(ctx.service), view))
