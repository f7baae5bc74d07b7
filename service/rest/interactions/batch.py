"""https://hl7.org/fhir/R4/http.html#transaction (batch): entries that have nothing to do with each other.

Each entry is dispatched like a request of its own, with its own commit and its own error: one bad entry spoils no other, and the
codes are those of single requests. Idempotency-Key holds for each POST entry by its place.
"""

from dataclasses import replace

from service.errors import BadRequest, ServiceError
from service.fhir.document import Document
from service.records.context import Context
from service.rest import body, bundle_response, entries, envelope, failure, idempotency, response
from service.rest.exchange import Call, FhirRequest, FhirResponse


def run(ctx: Context, call: Call) -> FhirResponse:
    """Processes a batch Bundle."""
    key = idempotency.key(call)
    bundle = body.resource(ctx, call)
    slices = entries.sliced(ctx, bundle)
    envelope.require_valid_header(ctx, bundle)
    return bundle_response.bundled("batch-response", [_answer(ctx, call, key, *numbered) for numbered in enumerate(slices)])


def _answer(ctx: Context, call: Call, key: str | None, index: int, document: Document) -> FhirResponse:
    try:
        request = entries.parsed(ctx, call, index, document).request
        if not request.path and request.method == "POST":
            raise BadRequest.of("not-supported", "bundle-nested", "A Bundle in a Bundle is not processed. Send it as a request of its own.")
        found = call.again(ctx, _with_key(request, key, index))
    except ServiceError as error:
        return response.refused(error)
    except Exception as error:  # noqa: BLE001 - one entry that fails must not take the others with it
        return failure.unexpected(error, ctx.request_id)
    return replace(found, body=None) if request.method == "HEAD" else found


def _with_key(request: FhirRequest, key: str | None, index: int) -> FhirRequest:
    if key is None or request.method != "POST":
        return request
    return replace(request, headers={**request.headers, idempotency.HEADER: f"{key[: idempotency.LONGEST_KEY - 8]}#{index}"})
