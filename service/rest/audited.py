"""What the audit trail tells of a call: what was asked and answered, and why it was refused.

A question is told as it was asked; its description has the names of the parameters without their values. Refusals are told in constant
words: their status and rules, never what a value was.
"""

from http import HTTPStatus
from urllib.parse import parse_qsl, urlencode

from service.audit.event import MINOR, SERIOUS, Event
from service.audit.kinds import REFUSED, REST, SIGNED_IN, UNKNOWN_ROUTE
from service.errors import ServiceError
from service.fhir.document import encode, stored
from service.records import trail
from service.records.context import Context
from service.rest import routes, version_number
from service.rest.exchange import Call, FhirRequest, FhirResponse

_PATIENT = "Patient"
_WRITES = frozenset({"create", "update", "patch", "delete", "transaction"})
_ABOUT_ONE = frozenset({"read", "vread", "create", "update", "patch", "delete"})
"""Interactions about one resource; the others are questions."""
_BATCH = '{"resourceType":"Bundle","type":"batch-response"'
_LONGEST_QUERY = 16_384
_SECRETS = frozenset({"access_token", "client_assertion", "client_secret", "id_token", "password", "refresh_token", "token"})
_HIDDEN = "***"


def answered(ctx: Context, call: Call, answer: FhirResponse) -> Event:
    """That `call` was answered, with the patients whose data it showed."""
    is_batch = isinstance(answer.body, str) and answer.body.startswith(_BATCH)
    kind = REST["batch" if is_batch else call.interaction]
    reference = _reference(call) or _located(ctx, answer)
    if call.interaction in _WRITES:
        _see_repeated(ctx, answer)
    if call.interaction in _ABOUT_ONE:
        event = Event(kind, reference=reference, type=call.type, details=_details(call), patients=_patients(ctx, call))
    else:
        patients = _patients(ctx, call)
        event = Event(kind, query=_query(call.request), description=_description(call.request), patients=patients)
    ctx.trail.forget_sights()
    return event


def shown(ctx: Context, request: FhirRequest) -> Event:
    """That a page was shown which answers no FHIR interaction, with the patients whose data are on it."""
    event = Event(REST["operation"], query=_query(request), description=_description(request), patients=trail.seen(ctx))
    ctx.trail.forget_sights()
    return event


def refused(ctx: Context, request: FhirRequest | None, call: Call | None, error: Exception) -> Event:
    """That a request ended in `error`. Of one that could not be read, or whose URL is none of ours, less is known."""
    ctx.trail.forget_sights()
    request = call.request if call else request
    status = HTTPStatus(error.status if isinstance(error, ServiceError) else 500)
    kind = {HTTPStatus.UNAUTHORIZED: SIGNED_IN, HTTPStatus.FORBIDDEN: REFUSED}.get(
        status, REST[call.interaction] if call else UNKNOWN_ROUTE
    )
    outcome = SERIOUS if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.FORBIDDEN else MINOR
    return Event(
        kind,
        outcome,
        _told(status, error),
        reference=_reference(call) if call else None,
        type=call.type if call else None,
        query=_query(request) if request else None,
        description=_description(request) if request else None,
        patients=_patients(ctx, call) if call else (),
    )


def _reference(call: Call) -> str | None:
    """The resource that the URL names, if one can have that name."""
    if call.kind is not None or call.type is None or call.id is None or not routes.is_id(call.id):
        return None
    version = call.version if call.version and version_number.is_one(call.version) else None
    return f"{call.type}/{call.id}" + (f"/_history/{version}" if version else "")


def _located(ctx: Context, answer: FhirResponse) -> str | None:
    """The resource that an answer names which was given before."""
    base = ctx.service.settings.base_url + "/"
    return answer.headers.get("Location", "").removeprefix(base).partition("/_history/")[0] or None


def _details(call: Call) -> tuple[tuple[str, str], ...]:
    """A write that wrote nothing had been answered before: its Idempotency-Key came again."""
    return (("result", "repeated"),) if call.interaction in _WRITES else ()


def _see_repeated(ctx: Context, answer: FhirResponse) -> None:
    """What is shown by an answer that was given before: a resource, or a Bundle of them."""
    tree = stored(answer.body).tree if isinstance(answer.body, str) else {}
    shown = [tree, *(entry.get("resource") or {} for entry in tree.get("entry", ()))]
    for one in shown:
        if one.get("resourceType") in ctx.service.definitions.types:
            ctx.trail.saw(one["resourceType"], encode(one))


def _patients(ctx: Context, call: Call) -> tuple[str, ...]:
    if (call.kind or call.type) == _PATIENT and call.id is not None and routes.is_id(call.id):
        ctx.trail.patients.add(call.id)
    return trail.seen(ctx)


def _query(request: FhirRequest) -> str:
    """The question, without the base: of a form, what it says. A secret that somebody wrote into it is not kept."""
    asked = "/".join(request.path) or "/"
    sent = request.body[:_LONGEST_QUERY].decode(errors="replace") if request.path[-1:] == ("_search",) else ""
    given = (*request.query, *parse_qsl(sent, keep_blank_values=True, errors="replace"))
    pairs = urlencode([(name, _HIDDEN if name.lower() in _SECRETS else value) for name, value in given], errors="replace")
    return _storable(f"{asked}?{pairs}" if pairs else asked)[:_LONGEST_QUERY]


def _description(request: FhirRequest) -> str:
    """The method and the names of the parameters."""
    names = "&".join(dict.fromkeys(name[:100] for name, _ in request.query))
    return _storable(" ".join(part for part in (request.method[:16], names[:1000]) if part))


def _storable(text: str) -> str:
    """Without what is no character: half a pair, which a URL can hold and no database can."""
    return text.encode(errors="replace").decode()


def _told(status: HTTPStatus, error: Exception) -> str:
    """Why, in words that hold nothing of the request."""
    rules = dict.fromkeys(issue.rule for issue in error.issues) if isinstance(error, ServiceError) else {"unexpected": None}
    return f"{status.value} {status.phrase}: {', '.join(list(rules)[:20])}"
