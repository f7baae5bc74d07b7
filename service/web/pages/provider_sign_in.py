"""Signing in at an OpenID provider: a page that leads there, and the place where browsers come back with a code.

The session's cookie is SameSite=Strict, so a browser that comes from the provider would not send it along to the page that it is sent on
to. The answer to the callback is therefore a page of ours that goes on by itself. What a sign-in was begun with is in a cookie of its own,
signed, SameSite=Lax and gone after ten minutes.
"""

import hmac
from urllib.parse import urlencode

from flask import Blueprint, Response, g, request

from service.errors import NotFound
from service.records import provider as providers
from service.records import sessions
from service.records.context import Service
from service.security.external import code_flow
from service.security.external.code_flow import ATTEMPT_SECONDS, Attempt, SignInFailed
from service.security.external.configured import CALLBACK
from service.security.external.provider import Provider
from service.web import sessions as cookies
from service.web.pages import desk as desks
from service.web.pages import sign_in
from service.web.pages.desk import Desk

BEGIN = "/oidc/begin"
_LONGEST = 4096
_TITLE = "Sign in"
_STALE = "This sign-in was not begun in this browser, or took longer than ten minutes. Begin again."
_FAILED = "The sign-in did not come to its end. Begin again; if that does not help, ask who runs this service to look into its log."
_TOLD = {
    "no-practitioner": "The provider does not say which Practitioner of this record you are. Ask who runs it to set the claim fhirUser.",
    "practitioner-unknown": "The provider says that you are a Practitioner whom this record does not know. Ask who runs it.",
    "no-role": "The provider gives you no role of this service, such as clinician. Ask who runs it.",
    "id-token-roles-several": "The provider gives you several roles of this service. Ask who runs it to leave one.",
}


def register(pages: Blueprint, service: Service) -> None:
    """Adds /sign-in, /sign-out and the two routes of the code flow."""
    desks.add(pages, service, desks.SIGN_IN, "sign_in", get=_page)
    desks.add(pages, service, "/sign-out", "sign_out", post=sign_in.leave)
    desks.add(pages, service, BEGIN, "oidc_begin", get=_begin)
    desks.add(pages, service, CALLBACK, "oidc_callback", get=_back)


def _page(desk: Desk) -> Response:
    path = desk.way_back(request.args.get("next"))
    if cookies.current(desk.service, request) is not None:
        return desk.go(path)
    return _shown(desk, path)


def _shown(desk: Desk, path: str, refusal: str = "", status: int = 200) -> Response:
    provider = _provider(desk)
    begin = f"{desk.site.root}{BEGIN}?{urlencode({'next': path})}"
    leave = provider.metadata.endpoints.get("end_session_endpoint")
    return desk.show("provider-sign-in.html", _TITLE, status, path=path, refusal=refusal, begin=begin, leave=leave)


def _begin(desk: Desk) -> Response:
    """Send the browser to the provider."""
    provider = _provider(desk)
    assert provider.browser is not None
    attempt = code_flow.begin(desk.way_back(request.args.get("next")), desk.service.clock())
    answer = desk.go(code_flow.address(provider.metadata, provider.browser, attempt))
    _keep(desk, answer, code_flow.sealed(attempt, providers.sign_in_key(desk.service)), ATTEMPT_SECONDS)
    return answer


def _back(desk: Desk) -> Response:
    """The browser comes back: open its session, in place of the one that it had."""
    provider = _provider(desk)
    attempt = _attempt(desk)
    if attempt is None:
        return _ended(desk, _shown(desk, f"{desk.site.root}/", _STALE, 403))
    code = request.args.get("code", "")
    try:
        if not code or len(code) > _LONGEST or request.args.get("iss", provider.terms.issuer) != provider.terms.issuer:
            raise SignInFailed("refused-there")
        opened = providers.sign_in(desk.service, provider, attempt, code, desk.address)
    except SignInFailed as failure:
        return _ended(desk, _shown(desk, attempt.back, _TOLD.get(failure.reason, _FAILED), 403))
    if (former := cookies.current(desk.service, request)) is not None:
        sessions.end(desk.service, former, cookies.require(desk.service, request)[1])
    g.pop("session", None)
    answer = desk.show("signed-in.html", "Signed in", path=attempt.back)
    cookies.session_cookie(desk.service).put(answer, opened.text)
    return _ended(desk, answer)


def _attempt(desk: Desk) -> Attempt | None:
    """The attempt that this browser began, when what came back belongs to it."""
    attempt = code_flow.opened(request.cookies.get(_cookie(desk), ""), providers.sign_in_key(desk.service), desk.service.clock())
    state = request.args.get("state", "")
    return attempt if attempt and hmac.compare_digest(attempt.state.encode(), state.encode("utf-8", "replace")) else None


def _ended(desk: Desk, answer: Response) -> Response:
    """The attempt is over, whichever way."""
    _keep(desk, answer, "", 0)
    return answer


def _keep(desk: Desk, answer: Response, text: str, seconds: int) -> None:
    is_secure = cookies.session_cookie(desk.service).is_secure
    answer.set_cookie(_cookie(desk), text, max_age=seconds, path="/", secure=is_secure, httponly=True, samesite="Lax")


def _cookie(desk: Desk) -> str:
    """The name of the attempt's cookie."""
    return "__Host-oidc" if cookies.session_cookie(desk.service).is_secure else "oidc"


def _provider(desk: Desk) -> Provider:
    """The provider, where people may sign in by browser. Raises NotFound."""
    provider = desk.service.provider
    if provider is None or provider.browser is None:
        raise NotFound.of("not-found", "sign-in", "Nobody signs in by browser here: no client for that is set (OIDC_CLIENT_ID).")
    return provider
