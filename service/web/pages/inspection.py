"""Pages for those who inspect: opened with a session or a Bearer token, and told to the audit trail before they are shown.

Whoever has neither is sent to the sign-in page; a program gets the 401 that asks for a token.
"""

from collections.abc import Callable
from dataclasses import replace

from flask import Blueprint, Response, g, request

from service.errors import ServiceError, Unauthorized
from service.fhir import outcome as outcomes
from service.records import trail
from service.records.context import Context, Service
from service.rest import audited
from service.rest.exchange import FhirRequest
from service.security.caller import NOBODY
from service.web import authentication, errors, negotiation
from service.web.pages import desk, outcome
from service.web.pages.desk import Desk

View = Callable[..., Response]
"""Takes the Desk, the Context of who looks, and the parts of the path by name."""


def add(pages: Blueprint, service: Service, path: str, name: str, view: View) -> None:
    """Adds the page `path`."""

    def answer(**parts: str) -> Response:
        return _answered(Desk(service), view, parts)

    pages.add_url_rule(path, name, answer)


def _answered(at: Desk, view: View, parts: dict[str, str]) -> Response:
    ctx = Context(at.service, replace(NOBODY, address=request.remote_addr or ""), g.request_id)
    try:
        ctx = replace(ctx, caller=authentication.caller(at.service, request))
        answer = view(at, ctx, **parts)
    except Unauthorized as error:
        answer = _unknown(at, ctx, error)
    trail.settle(ctx)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _unknown(at: Desk, ctx: Context, error: Unauthorized) -> Response:
    """Who has a browser and no token may sign in. A token that is not good is for the trail."""
    if "Authorization" not in request.headers and "text/html" in request.headers.get("Accept", ""):
        return desk.to_sign_in(at.service)
    trail.note(ctx, audited.refused(ctx, FhirRequest("GET", _path()), None, error))
    return negotiation.presented(errors.answered(error), negotiation.Look())


def told() -> FhirRequest:
    """The request, for the audit trail."""
    return FhirRequest("GET", _path(), tuple(request.args.items(multi=True)))


def _path() -> tuple[str, ...]:
    return tuple(request.path.strip("/").split("/"))


def findings(error: ServiceError | None) -> list[outcome.Line]:
    """What was wrong, for the page."""
    return outcome.lines(outcomes.tree(error.issues)) if error else []


def status(error: ServiceError | None) -> int:
    """The status of a page that says what was wrong."""
    return error.status if error else 200
