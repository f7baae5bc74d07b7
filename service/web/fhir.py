"""The FHIR API on HTTP: every URL below the path of BASE_URL ends here.

negotiate -> authenticate -> dispatch -> audit -> respond. Nothing leaves before the audit trail tells of it. Any verb is taken in,
so that the table of routes alone says what is allowed.
"""

from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from flask import Flask, Response, g, request

from service.errors import TooManyRequests
from service.records import trail
from service.records.context import Context, Service
from service.rest import audited, calls, dispatch
from service.rest.exchange import FHIR_JSON, Call, FhirRequest, FhirResponse
from service.security.caller import NOBODY
from service.web import audit_log, authentication, errors, health, negotiation, request_log
from service.web.negotiation import Look
from service.web.pages import desk, visitor
from service.web.pages import resource as pages

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept",
    "X-Content-Type-Options": "nosniff",
}


def register(app: Flask, service: Service) -> None:
    """Adds the FHIR API of `service`, its health routes, its log and its error answers to `app`."""
    request_log.configure(service.settings.log_level)
    request_log.register(app)
    errors.register(app)
    health.register(app, service)
    audit_log.register(app, service)
    base = urlsplit(service.settings.base_url).path.rstrip("/")
    app.view_functions["fhir"] = lambda path="": _answer(service, path)
    for rule in (f"{base}/", f"{base}/<path:path>"):
        app.url_map.add(app.url_rule_class(rule, endpoint="fhir", methods=None, strict_slashes=False, merge_slashes=False))


@dataclass(slots=True)
class _Exchange:
    """What is known of a request so far."""

    ctx: Context
    asked: FhirRequest | None = None
    call: Call | None = None
    look: Look = field(default_factory=Look)


def _answer(service: Service, path: str) -> Response:
    at = _Exchange(Context(service, replace(NOBODY, address=request.remote_addr or ""), g.request_id))
    try:
        at.asked = negotiation.head(request, path)
        at.look = negotiation.look(at.asked)
        answer = _dispatched(at, at.asked)
    except Exception as error:  # noqa: BLE001 - the edge: whatever happens, the client gets an OperationOutcome
        answer = errors.answered(error)
        if not isinstance(error, TooManyRequests):  # who counts them has recorded it, as far as it is: a flood fills no trail
            trail.note(at.ctx, audited.refused(at.ctx, at.asked, at.call, error))
        if not isinstance(error, (negotiation.BrokenOff, negotiation.TooSlow)):
            negotiation.discard(request, service.settings.bundle_bytes)
    answer = _settled(at.ctx, answer)
    return _presented(service, path, at.asked, replace(answer, headers={**HEADERS, **answer.headers}), at.look)


def _dispatched(at: _Exchange, asked: FhirRequest) -> FhirResponse:
    service = at.ctx.service
    ctx = at.ctx = replace(at.ctx, caller=authentication.caller(service, request))
    call = at.call = calls.understood(ctx, asked, dispatch.dispatch)
    g.route, g.type = call.template, call.type
    body = negotiation.body(request, service.settings, is_bundle=call.interaction == "transaction")
    call = at.call = replace(call, request=replace(asked, body=body, format=at.look.format))
    return dispatch.answer(ctx, call)


def _settled(ctx: Context, answer: FhirResponse) -> FhirResponse:
    """The answer once the audit trail has what it tells of; 503 when it cannot have it: then nothing is shown."""
    try:
        trail.settle(ctx)
    except Exception as error:  # noqa: BLE001 - whatever keeps the trail from being written keeps the answer back
        return errors.answered(error)
    return answer


def _presented(service: Service, path: str, asked: FhirRequest | None, answer: FhirResponse, look: Look) -> Response:
    if look.html and answer.status == 401 and request.method in ("GET", "HEAD"):
        return desk.to_sign_in(service)
    if look.html and asked is not None and isinstance(answer.body, str) and answer.content_type == FHIR_JSON:
        page = pages.render(service, path, asked.query, answer, visitor.of(service, request))
        return Response(page, answer.status, dict(answer.headers), content_type="text/html; charset=utf-8")
    return negotiation.presented(answer, look)
