"""https://hl7.org/fhir/R4/http.html#transaction: a Bundle whose entries all happen, or none of them does.

Writes become one commit, which orders them as the specification says; GET and HEAD entries run after them inside the same
transaction and see what it wrote. The answer has the entries in the order of the request. The entry that stops the transaction is named.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from service.errors import BadRequest, Forbidden, Gone, NotFound, ServiceError
from service.fhir.document import Document
from service.records import authority
from service.records.change import Change
from service.records.context import Context
from service.records.write import Committed
from service.rest import body, bundle_response, calls, changes, entries, envelope, idempotency, preference, provenance, response
from service.rest.budget import Budget
from service.rest.entries import Entry
from service.rest.exchange import Call, FhirResponse
from service.rest.preference import Preference, Return

Asked = tuple[Entry, Call]


def run(ctx: Context, call: Call) -> FhirResponse:
    """Processes a transaction Bundle."""
    bundle = body.resource(ctx, call)
    asked = _asked(ctx, call, bundle)
    envelope.require_valid(ctx, bundle)
    writes = [(entry, _change(ctx, entry, inner)) for entry, inner in asked if inner.interaction in changes.INTERACTIONS]
    reads = [(entry, inner) for entry, inner in asked if inner.interaction not in changes.INTERACTIONS]
    wish = preference.parse(call.header("prefer"))

    def answer(bound: Context, done: Sequence[Committed]) -> FhirResponse:
        told = provenance.told(done, len(writes))
        answers = {entry.index: _written(bound, one, wish) for (entry, _), one in zip(writes, told, strict=True)}
        budget = Budget.of(ctx.service.settings)
        answers |= {entry.index: _read(bound, entry, inner, budget) for entry, inner in reads}
        return bundle_response.bundled("transaction-response", [answers[index] for index in sorted(answers)])

    if not writes and idempotency.key(call) is None:
        with ctx.snapshot() as tx:
            return answer(ctx.within(tx), ())
    try:
        with provenance.naming(len(writes)):
            return idempotency.answered(ctx, call, provenance.attested(ctx, call, [change for _, change in writes]), answer)
    except ServiceError as error:
        raise _placed(error, {place: entry.index for place, (entry, _) in enumerate(writes)}) from None


def _asked(ctx: Context, call: Call, bundle: Document) -> list[Asked]:
    asked, names = [], set()
    for index, document in enumerate(entries.sliced(ctx, bundle)):
        try:
            entry = entries.parsed(ctx, call, index, document)
            inner = calls.understood(ctx, entry.request, call.again)
            _require_processable(inner)
        except ServiceError as error:
            raise entries.named(error, index) from None
        if entry.full_url is not None and entry.full_url in names:
            raise entries.named(_twice(entry.full_url), index)
        names.add(entry.full_url)
        asked.append((entry, inner))
    return asked


def _require_processable(inner: Call) -> None:
    if inner.interaction == "transaction":
        raise BadRequest.of("not-supported", "bundle-nested", "A Bundle in a Bundle is not processed. Send it as a request of its own.")
    if inner.interaction == "operation" and inner.request.method not in ("GET", "HEAD"):
        raise BadRequest.of(
            "not-supported", "bundle-operation", "A transaction takes operations by GET alone. Send this one as a request of its own."
        )


def _change(ctx: Context, entry: Entry, inner: Call) -> Change:
    try:
        return changes.asked(ctx, inner, entry.full_url)
    except ServiceError as error:
        raise entries.named(error, entry.index) from None


def _written(bound: Context, one: Committed, wish: Preference) -> FhirResponse:
    """The answer to a write: without the resource where nothing else is preferred, but with the warnings that there are."""
    return response.committed(bound, one, wish, Return.OUTCOME if one.findings else Return.MINIMAL)


def _read(bound: Context, entry: Entry, inner: Call, budget: Budget) -> FhirResponse:
    try:
        budget.require(entry.request)
        found = budget.spent(entry.request, lambda: inner.again(bound, entry.request))
    except (NotFound, Gone) as error:
        if inner.type and not bound.access.is_whole("r", inner.type):  # what is out of reach must not be told from what is not there
            raise authority.constant() from None
        raise entries.named(error, entry.index) from None
    except ServiceError as error:
        raise entries.named(error, entry.index) from None
    return replace(found, body=None) if entry.request.method == "HEAD" else found


def _placed(error: ServiceError, places: Mapping[int, int]) -> ServiceError:
    """The error of the commit, which counts changes, in terms of the Bundle, which counts entries."""
    if isinstance(error, Forbidden):
        return authority.constant()
    if error.entry is None or any(issue.expression and issue.expression.startswith("Bundle.entry[") for issue in error.issues):
        return error
    error.issues = tuple(
        replace(issue, entry=places.get(issue.entry if issue.entry is not None else error.entry)) for issue in error.issues
    )
    return entries.named(error, places[error.entry])


def _twice(full_url: str) -> BadRequest:
    return BadRequest.of("duplicate", "full-url-duplicate", f"The fullUrl {full_url[:100]!r} stands on two entries. Give each its own.")
