"""Idempotency-Key on POST: a repeated request gets the first answer, because the answer is stored with the write.

A key belongs to one client and one route and lives as long as the setting IDEMPOTENCY_HOURS says; the same key with another body is
a 422. The entries of a batch get a key each, made of the batch's key and their place.
"""

import hashlib
from collections.abc import Callable, Sequence

from service.errors import BadRequest
from service.records.change import Change
from service.records.commit import commit_once
from service.records.context import Context
from service.records.receipt import Answer, Receipt
from service.records.write import Committed
from service.rest.exchange import Call, FhirRequest, FhirResponse

HEADER = "idempotency-key"

LONGEST_KEY = 255
_PART_OF_THE_REQUEST = ("if-none-exist", "content-type")


def answered(
    ctx: Context, call: Call, changes: Sequence[Change], answer: Callable[[Context, Sequence[Committed]], FhirResponse]
) -> FhirResponse:
    """Commits `changes`. `answer` makes the response inside the transaction; with a key it is stored there, and given again."""

    def conclude(bound: Context, done: Sequence[Committed]) -> Answer:
        response = answer(bound, done)
        return Answer(response.status, dict(response.headers), response.body if isinstance(response.body, str) else "")

    route = "POST /" + "/".join(call.request.path)
    kept = commit_once(ctx, changes, Receipt(ctx.client, route, key(call), _hash(call.request), conclude))
    return FhirResponse(kept.status, kept.body or None, kept.headers)


def key(call: Call) -> str | None:
    """The Idempotency-Key of a request. BadRequest when it is no plain text of reasonable length."""
    found = call.header(HEADER)
    if found is not None and (len(found) > LONGEST_KEY or not (found.isascii() and found.isprintable())):
        raise BadRequest.of(
            "invalid", "idempotency-key", f"Idempotency-Key has up to {LONGEST_KEY} printable ASCII characters. A UUID will do."
        )
    return found


def _hash(request: FhirRequest) -> str:
    content = request.body if request.document is None else request.document.text.encode()
    headers = (request.headers.get(name, "").encode() for name in _PART_OF_THE_REQUEST)
    return hashlib.sha256(b"\0".join((content, *headers))).hexdigest()
