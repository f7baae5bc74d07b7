"""Where our own forms are handled: who sent one, whether it was ours, and the page that answers it.

A view takes the Desk and answers with a response. Whoever is not signed in is sent to the sign-in page and back; whatever is refused is
told on the page.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, g, request

from service.audit.event import SERIOUS, Event
from service.audit.kinds import REFUSED
from service.errors import Forbidden, ServiceError, Unauthorized
from service.records import trail
from service.records.context import Context, Service
from service.storage.sessions import Session
from service.web import counted, sessions
from service.web.pages import visitor
from service.web.pages.site import Site
from service.web.pages.templating import page

SIGN_IN = "/sign-in"
_LONGEST_PATH = 2048
_NOT_GONE_BACK_TO = (SIGN_IN, "/sign-out")

View = Callable[["Desk"], Response]


@dataclass(frozen=True, slots=True)
class Desk:
    """One request to a page of ours."""

    service: Service

    @property
    def site(self) -> Site:
        """Where the pages are, and who looks at them."""
        return Site.of(self.service.settings, visitor.of(self.service, request))

    @property
    def signed_in(self) -> Session:
        """The session of who is signed in. Raises Unauthorized."""
        return sessions.require(self.service, request)[0]

    @property
    def ctx(self) -> Context:
        """The request of who is signed in. Raises Unauthorized."""
        if "desk" not in g:
            caller = counted.known(self.service, sessions.require(self.service, request)[1])
            g.desk = Context(self.service, caller, g.request_id)
        found: Context = g.desk
        return found

    @property
    def address(self) -> str:
        """The network address of the browser."""
        return request.remote_addr or ""

    def form(self) -> dict[str, str]:
        """What somebody who is signed in typed into a form of ours. Raises Unauthorized, Forbidden, BadRequest."""
        assert self.signed_in
        typed = sessions.fields(request)
        sessions.require_ours(self.service, request, sessions.session_cookie(self.service), typed)
        return typed

    def show(self, template: str, title: str, status: int = 200, **parts: object) -> Response:
        """A page."""
        return Response(page(template, self.site, title=title, **parts), status, content_type="text/html; charset=utf-8")

    def go(self, path: str) -> Response:
        """Send the browser to a path of ours, with GET."""
        return Response(status=303, headers={"Location": path})

    def way_back(self, path: str | None) -> str:
        """`path`, if it is one of ours to go back to; else the home page."""
        home = f"{self.site.root}/"
        return path if path and is_own(path) and urlsplit(path).path not in _NOT_GONE_BACK_TO else home


def add(pages: Blueprint, service: Service, path: str, name: str, **views: View) -> None:
    """Adds the page `path` with a view for each verb: `get`, `post`."""
    for verb, view in views.items():
        endpoint = name if verb == "get" or len(views) == 1 else f"{name}_{verb}"
        pages.add_url_rule(path, endpoint, partial(answered, Desk(service), view), methods=[verb.upper()])


def answered(desk: Desk, view: View) -> Response:
    """What a view answers, or the page for what stopped it."""
    try:
        answer = view(desk)
    except Unauthorized:
        return to_sign_in(desk.service)
    except ServiceError as error:
        _tell(desk, error)
        answer = refused(desk, error)
    if "desk" in g:
        trail.settle(g.desk)
    return answer


def refused(desk: Desk, error: ServiceError) -> Response:
    """The page that says why something was refused."""
    words = [issue.diagnostics for issue in error.issues]
    page = desk.show("refusal.html", HTTPStatus(error.status).phrase, error.status, words=words)
    page.headers.extend(error.headers)
    return page


def _tell(desk: Desk, error: ServiceError) -> None:
    """What somebody was refused here is for the audit trail."""
    if isinstance(error, Forbidden) and sessions.current(desk.service, request) is not None:
        trail.note(desk.ctx, Event(REFUSED, SERIOUS, told=str(error), subject=f"page {request.path}"))


def to_sign_in(service: Service) -> Response:
    """Send the browser to the sign-in page, and back here afterwards."""
    here = request.full_path.removesuffix("?") if request.method in ("GET", "HEAD") else request.path
    query = f"?{urlencode({'next': here})}" if is_own(here) else ""
    headers = {"Location": f"{Site.of(service.settings).root}{SIGN_IN}{query}", "Cache-Control": "no-store"}
    return Response(status=303, headers=headers)


def is_own(path: str) -> bool:
    """Whether `path` can lead nowhere but to this origin, in every browser: they drop control characters and read \\ as /."""
    if not path.startswith("/") or path.startswith("//") or len(path) > _LONGEST_PATH:
        return False
    return path.isascii() and path.isprintable() and " " not in path and "\\" not in path
