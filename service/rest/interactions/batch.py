"""https://hl7.org/fhir/R4/http.html#transaction (batch): entries that have nothing to do with each other.

Each entry is answered like a request of its own, with its own error: one bad entry spoils no other, and the codes are those of
single requests. Only creations that follow each other share a commit, which no answer shows. With Idempotency-Key a repeated
batch gets the first answer; one that broke off before it was answered repeats no POST entry.
"""

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from itertools import groupby

from service.errors import BadRequest, ServiceError
from service.fhir.document import Document
from service.records import trail
from service.records.context import Context
from service.rest import audited, body, bundle_response, entries, envelope, failure, idempotency, provenance, response, together
from service.rest.budget import Budget
from service.rest.exchange import Call, FhirRequest, FhirResponse


def run(ctx: Context, call: Call) -> FhirResponse:
    """Processes a batch Bundle."""
    provenance.require_none(call, "The entries of a batch have nothing to do with each other. Send a transaction.")
    bundle = body.resource(ctx, call)
    slices = entries.sliced(ctx, bundle)
    known = envelope.faults(ctx, bundle)
    asked = [_asked(ctx, call, known, *numbered) for numbered in enumerate(slices)]
    return idempotency.answered_apart(ctx, call, lambda: _processed(ctx, call, asked))


def _processed(ctx: Context, call: Call, asked: Sequence[FhirRequest | FhirResponse]) -> tuple[FhirResponse, bool]:
    """The answer, and whether it is final: an entry that the server could not serve now may be served when the batch comes again."""
    answers: list[FhirResponse] = []
    budget = Budget.of(ctx.service.settings)
    for creations, run in groupby(asked, lambda one: isinstance(one, FhirRequest) and together.is_creation(one)):
        group = list(run)
        made = together.created(ctx, [one for one in group if isinstance(one, FhirRequest)], call.again) if creations else {}
        answers += [made.get(place) or _answer(ctx, call, one, budget) for place, one in enumerate(group)]
    return bundle_response.bundled("batch-response", answers), all(one.status < HTTPStatus.INTERNAL_SERVER_ERROR for one in answers)


def _asked(ctx: Context, call: Call, known: envelope.Faults, index: int, document: Document) -> FhirRequest | FhirResponse:
    """The request that an entry makes, or the answer to one that makes none."""
    try:
        request = entries.parsed(ctx, call, index, document).request
        envelope.require_faultless(known, index)
        if not request.path and request.method == "POST":
            raise BadRequest.of("not-supported", "bundle-nested", "A Bundle in a Bundle is not processed. Send it as a request of its own.")
    except ServiceError as error:
        trail.note(ctx, audited.refused(ctx, None, None, error))
        return response.refused(error)
    except Exception as error:  # noqa: BLE001 - one entry that fails must not take the others with it
        trail.note(ctx, audited.refused(ctx, None, None, error))
        return failure.unexpected(error, ctx.request_id)
    return _with_key(request, idempotency.of_entry(call, index))


def _answer(ctx: Context, call: Call, asked: FhirRequest | FhirResponse, budget: Budget) -> FhirResponse:
    if isinstance(asked, FhirResponse):
        return asked
    try:
        budget.require(asked)
    except ServiceError as error:
        trail.note(ctx, audited.refused(ctx, asked, None, error))
        return response.refused(error)
    try:
        found = budget.spent(asked, lambda: call.again(ctx, asked))
    except ServiceError as error:
        return response.refused(error)
    except Exception as error:  # noqa: BLE001 - one entry that fails must not take the others with it
        return failure.unexpected(error, ctx.request_id)
    return replace(found, body=None) if asked.method == "HEAD" else found


def _with_key(request: FhirRequest, key: str | None) -> FhirRequest:
    if key is None or request.method != "POST":
        return request
    return replace(request, headers={**request.headers, idempotency.HEADER: key})
