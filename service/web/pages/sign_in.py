"""Signing in and out. The form asks for everything at once, so that nobody learns which part was wrong."""

from flask import Blueprint, Response, request

from service.errors import Forbidden, Unauthorized
from service.records import sessions, sign_in
from service.records.context import Service
from service.records.sign_in import Attempt
from service.storage.people import Person
from service.web import sessions as cookies
from service.web.pages import desk as desks
from service.web.pages.desk import Desk

_TITLE = "Sign in"


def register(pages: Blueprint, service: Service) -> None:
    """Adds /sign-in and /sign-out."""
    desks.add(pages, service, "/sign-in", "sign_in", get=_form, post=_try)
    desks.add(pages, service, "/sign-out", "sign_out", post=leave)


def begun(desk: Desk, person: Person, path: str) -> Response:
    """A session for `person` in this browser, in place of the one that it had, and on to `path`."""
    former = cookies.current(desk.service, request)
    if former is not None:
        sessions.end(desk.service, former, cookies.require(desk.service, request)[1])
    opened = sessions.begin(desk.service, sessions.holder_of(desk.service, person))
    answer = desk.go(f"{desk.site.root}/account" if person.must_change else path)
    cookies.session_cookie(desk.service).put(answer, opened.text)
    cookies.form_cookie(desk.service).drop(answer)
    return answer


def _form(desk: Desk) -> Response:
    path = desk.way_back(request.args.get("next"))
    if cookies.current(desk.service, request) is not None:
        return desk.go(path)
    return _shown(desk, path)


def _try(desk: Desk) -> Response:
    fields = cookies.fields(request)
    path = desk.way_back(fields.get("next"))
    try:
        cookies.require_ours(desk.service, request, cookies.form_cookie(desk.service), fields)
        attempt = Attempt(fields.get("name", ""), fields.get("password", ""), fields.get("code", ""), desk.address)
        return begun(desk, sign_in.authenticate(desk.service, attempt), path)
    except (Unauthorized, Forbidden) as error:
        return _shown(desk, path, str(error), error.status)


def _shown(desk: Desk, path: str, refusal: str = "", status: int = 200) -> Response:
    cookie = cookies.form_cookie(desk.service)
    text = cookie.read(request) or cookies.fresh()
    answer = desk.show("sign-in.html", _TITLE, status, path=path, refusal=refusal, form_token=cookies.token_of(text))
    cookie.put(answer, text)
    return answer


def leave(desk: Desk) -> Response:
    """End the session of this browser."""
    session = cookies.current(desk.service, request)
    cookie = cookies.session_cookie(desk.service)
    if session is not None:
        cookies.require_ours(desk.service, request, cookie, cookies.fields(request))
        sessions.end(desk.service, session, desk.ctx.caller)
    answer = desk.go(f"{desk.site.root}{desks.SIGN_IN}")
    cookie.drop(answer)
    return answer
