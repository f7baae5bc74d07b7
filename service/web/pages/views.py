"""The pages that are not FHIR: the home page, the API reference, the contract and the static files.

`register(app, service)` adds them. Every HTML answer of the application, FHIR pages included, leaves with the headers of `policy`.
"""

from flask import Blueprint, Flask, Response, request

from service import clock
from service.paths import resource_path
from service.records.context import Context, Service
from service.records.find import find
from service.security.caller import Caller
from service.web.pages import home, policy
from service.web.pages.site import Site
from service.web.pages.templating import page


def register(app: Flask, service: Service) -> None:
    """Adds the pages of `service` to the application `app`."""
    site = Site.of(service.settings)
    pages = Blueprint("pages", __name__, static_folder="static", static_url_path="/static")
    pages.add_url_rule("/", "home", lambda: _home(service, site))
    pages.add_url_rule("/docs", "docs", lambda: _html(page("docs.html", site, title="API reference")))
    pages.add_url_rule("/openapi.yaml", "contract", _contract)
    app.register_blueprint(pages)
    app.after_request(_guarded)


def _home(service: Service, site: Site) -> Response:
    today = clock.to_datetime(service.clock()).astimezone(site.zone).date()
    _, latest = find(Context(service, Caller.internal("home")), "Encounter", home.latest_visit(today), lenient=False)
    return _html(
        page(
            "home.html",
            site,
            title="Home",
            examples=home.examples(site, today),
            forms=home.forms(home.day_of(latest.matches[0].text, site) if latest.matches else today.isoformat()),
            types=home.types(site, service.definitions.types),
        )
    )


def _contract() -> Response:
    return Response(resource_path("openapi.yaml").read_bytes(), content_type="application/yaml; charset=utf-8")


def _html(text: str) -> Response:
    return Response(text, content_type="text/html; charset=utf-8")


def _guarded(response: Response) -> Response:
    if response.mimetype == "text/html":
        response.headers.update(policy.REFERENCE if request.endpoint == "pages.docs" else policy.PAGE)
    return response
