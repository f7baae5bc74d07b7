"""Idempotency-Key on POST: a repeated request gets the first answer, because the answer is stored with the write.

A key belongs to one client and one route and lives as long as the setting IDEMPOTENCY_HOURS says; the same key with another body is
a 422. A batch has no one write: its key is claimed before its first entry and its answer is kept after the last. Should it break
off in between, the next one goes on: the POST entries have a key each, made of the batch's key and their place.
"""

import hashlib
from collections.abc import Callable, Sequence

from service.errors import BadRequest
from service.records.change import Change
from service.records.commit import commit_once
from service.records.context import Context
from service.records.receipt import Answer, Receipt, recall
from service.records.write import Committed
from service.rest.exchange import Call, FhirRequest, FhirResponse

HEADER = "idempotency-key"

_LONGEST_KEY = 255
_PART_OF_THE_REQUEST = ("if-none-exist", "content-type", "x-provenance")
_CLAIM = Answer(202, {}, "")


def answered(
    ctx: Context, call: Call, changes: Sequence[Change], answer: Callable[[Context, Sequence[Committed]], FhirResponse]
) -> FhirResponse:
    """Commits `changes`. `answer` makes the response inside the transaction; with a key it is stored there, and given again."""

    def conclude(bound: Context, done: Sequence[Committed]) -> Answer:
        return _kept(answer(bound, done))

    return _given(commit_once(ctx, changes, _receipt(ctx, call, _route(call.request), conclude)))


def answered_apart(ctx: Context, call: Call, process: Callable[[], tuple[FhirResponse, bool]]) -> FhirResponse:
    """The response that `process` makes by commits of its own, and whether it is final: then, with a key, it is kept and given again."""
    if key(call) is None:
        return process()[0]
    route = _route(call.request)
    commit_once(ctx, (), _receipt(ctx, call, f"{route} claimed", lambda *_: _CLAIM))
    known = recall(ctx, _receipt(ctx, call, route, lambda *_: _CLAIM))
    if known is not None:
        return _given(known)
    response, final = process()
    if not final:
        return response
    return _given(commit_once(ctx, (), _receipt(ctx, call, route, lambda *_: _kept(response))))


def of_entry(call: Call, index: int) -> str | None:
    """The key of a batch's entry, which no other request can have; None when the batch has none."""
    found = key(call)
    return None if found is None else f"{hashlib.sha256(found.encode()).hexdigest()} entry {index}"


def key(call: Call) -> str | None:
    """The Idempotency-Key of a request. BadRequest when it is no plain text of reasonable length."""
    found = call.header(HEADER)
    if found is not None and (not 0 < len(found) <= _LONGEST_KEY or not (found.isascii() and found.isprintable())):
        raise BadRequest.of(
            "invalid", "idempotency-key", f"Idempotency-Key has 1 to {_LONGEST_KEY} printable ASCII characters. A UUID will do."
        )
    return found


def _receipt(ctx: Context, call: Call, route: str, conclude: Callable[[Context, Sequence[Committed]], Answer]) -> Receipt:
    return Receipt(ctx.client, route, key(call), _hash(call.request), conclude)


def _route(request: FhirRequest) -> str:
    return "POST /" + "/".join(request.path)


def _kept(response: FhirResponse) -> Answer:
    return Answer(response.status, dict(response.headers), response.body if isinstance(response.body, str) else "", response.last_updated)


def _given(answer: Answer) -> FhirResponse:
    return FhirResponse(answer.status, answer.body or None, answer.headers, last_updated=answer.last_updated)


def _hash(request: FhirRequest) -> str:
    content = request.body if request.document is None else request.document.text.encode()
    headers = (request.headers.get(name, "").encode() for name in _PART_OF_THE_REQUEST)
    return hashlib.sha256(b"\0".join((content, *headers))).hexdigest()
