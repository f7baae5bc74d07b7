"""The FHIR API on HTTP: every URL below the path of BASE_URL ends here.

negotiate -> authenticate -> dispatch -> respond. Any verb is taken in, so that the table of routes alone says what is allowed.
"""

from dataclasses import replace
from urllib.parse import urlsplit

from flask import Flask, Response, g, request

from service.records.context import Context, Service
from service.rest import calls, dispatch
from service.rest.exchange import FHIR_JSON, FhirRequest, FhirResponse
from service.web import authentication, errors, health, negotiation, request_log
from service.web.negotiation import Look
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
    base = urlsplit(service.settings.base_url).path.rstrip("/")
    app.view_functions["fhir"] = lambda path="": _answer(service, path)
    for rule in (f"{base}/", f"{base}/<path:path>"):
        app.url_map.add(app.url_rule_class(rule, endpoint="fhir", methods=None, strict_slashes=False, merge_slashes=False))


def _answer(service: Service, path: str) -> Response:
    look, asked = Look(), None
    try:
        asked = negotiation.head(request, path)
        look = negotiation.look(asked)
        answer = _dispatched(service, asked)
    except Exception as error:  # noqa: BLE001 - the edge: whatever happens, the client gets an OperationOutcome
        answer = errors.answered(error)
        if not isinstance(error, negotiation.BrokenOff):
            negotiation.discard(request, service.settings.bundle_bytes)
    return _presented(service, path, asked, replace(answer, headers={**HEADERS, **answer.headers}), look)


def _dispatched(service: Service, asked: FhirRequest) -> FhirResponse:
    ctx = Context(service, authentication.caller(service, request), g.request_id)
    call = calls.understood(ctx, asked, dispatch.dispatch)
    g.route, g.type = call.template, call.type
    body = negotiation.body(request, service.settings, is_bundle=call.interaction == "transaction")
    return dispatch.answer(ctx, replace(call, request=replace(asked, body=body)))


def _presented(service: Service, path: str, asked: FhirRequest | None, answer: FhirResponse, look: Look) -> Response:
    if look.html and asked is not None and isinstance(answer.body, str) and answer.content_type == FHIR_JSON:
        page = pages.render(service, path, asked.query, answer)
        return Response(page, answer.status, dict(answer.headers), content_type="text/html; charset=utf-8")
    return negotiation.presented(answer, look)
