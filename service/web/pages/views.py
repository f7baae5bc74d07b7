"""The pages that are not FHIR: the home page, the API reference, the contract and the static files.

`register(app, service)` adds them. Every HTML answer of the application, FHIR pages included, leaves with the headers of `policy`.
"""

from datetime import date

from flask import Blueprint, Flask, Response, g, request

from service import clock
from service.audit.event import Event
from service.audit.kinds import REST
from service.paths import resource_path
from service.records import trail
from service.records.context import Context, Service
from service.records.find import find
from service.web import authentication
from service.web.pages import (
    account,
    audit_views,
    break_glass,
    desk,
    home,
    policy,
    provider_sign_in,
    register_forms,
    register_views,
    sign_in,
    witness,
)
from service.web.pages.desk import Desk
from service.web.pages.site import Site


def register(app: Flask, service: Service) -> None:
    """Adds the pages of `service` to the application `app`."""
    pages = Blueprint("pages", __name__, static_folder="static", static_url_path="/static")
    pages.add_url_rule("/", "home", lambda: desk.answered(Desk(service), _home))
    pages.add_url_rule("/docs", "docs", lambda: Desk(service).show("docs.html", "API reference"))
    pages.add_url_rule("/openapi.yaml", "contract", _contract)
    ways_in = (provider_sign_in,) if service.provider else (sign_in, account, witness)
    for part in (*ways_in, break_glass, audit_views, register_forms, register_views):
        part.register(pages, service)
    app.register_blueprint(pages)
    app.after_request(_guarded)


def _home(at: Desk) -> Response:
    service, site = at.service, at.site
    ctx = Context(service, authentication.caller(service, request), g.request_id)
    today = clock.to_datetime(service.clock()).astimezone(site.zone).date()
    types = [type for type in service.definitions.types if ctx.access.may("s", type)]
    day = _latest_day(ctx, site, today) if "Encounter" in types else today.isoformat()
    return at.show(
        "home.html",
        "Home",
        examples=[one for one in home.examples(site, today) if one.type in types],
        forms=[one for one in home.forms(day) if one.type in types],
        types=home.types(site, types),
    )


def _latest_day(ctx: Context, site: Site, today: date) -> str:
    """The day of the latest visit that the visitor may see; today without one."""
    _, latest = find(ctx, "Encounter", home.latest_visit(today), lenient=False)
    trail.note(ctx, Event(REST["search-type"], type="Encounter", description="the day of the latest visit", patients=trail.seen(ctx)))
    trail.settle(ctx)
    return home.day_of(latest.matches[0].text, site) if latest.matches else today.isoformat()


def _contract() -> Response:
    return Response(resource_path("openapi.yaml").read_bytes(), content_type="application/yaml; charset=utf-8")


def _guarded(response: Response) -> Response:
    if response.mimetype == "text/html":
        response.headers.update(policy.REFERENCE if request.endpoint == "pages.docs" else policy.PAGE)
    return response
