"""https://hl7.org/fhir/R4/http.html#capabilities: what this server can do, derived from what is there."""

from collections.abc import Callable, Mapping

from service.errors import BadRequest
from service.records.context import Context, Service
from service.rest import capability, subset, terminology_capability
from service.rest.exchange import Call, FhirResponse

_MODES: Mapping[str, Callable[[Service], str]] = {
    "full": capability.text,
    "normative": capability.text,
    "terminology": terminology_capability.text,
}


def run(ctx: Context, call: Call) -> FhirResponse:
    """Answers with the CapabilityStatement; in mode terminology with the TerminologyCapabilities."""
    mode = dict(call.query).get("mode", "full")
    if mode not in _MODES:
        raise BadRequest.of("not-supported", "mode", f"mode is one of {', '.join(_MODES)}, not {mode[:40]!r}.")
    view = subset.view(call, extra=("mode",))
    return FhirResponse(200, subset.cut(ctx, _MODES[mode](ctx.service), view))
