"""The session of a person at a browser: its cookie, and the proof that a form was ours.

The cookie is HttpOnly and SameSite=Strict; with an https BASE_URL it is Secure and has the prefix `__Host-`, so that no other host and no
plain connection can set it (https://www.rfc-editor.org/rfc/rfc6265). It lets its holder look at pages and send our own forms, nothing else:
a write through the API needs a token. A form carries a token that only the page knew, derived from the cookie, and comes from this origin.
"""

import hmac
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_urlsafe
from urllib.parse import urlsplit

from flask import Request, Response, g

from service.errors import BadRequest, Forbidden, Unauthorized
from service.records import sessions
from service.records.context import Service
from service.security.caller import Caller
from service.storage.sessions import Session

FIELD = "form_token"
_LONGEST = 128
_MOST_FORM_BYTES = 16 * 1024
_MOST_FIELDS = 20
_SPACES = "\t\r\n"
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie of ours by its purpose: `session`, or `sign-in` for who has none yet."""

    purpose: str
    is_secure: bool

    @property
    def name(self) -> str:
        """The name that browsers know it by."""
        return f"__Host-{self.purpose}" if self.is_secure else self.purpose

    def read(self, request: Request) -> str | None:
        """What the browser sent; None when that cannot be ours."""
        text = request.cookies.get(self.name)
        return text if text and len(text) <= _LONGEST else None

    def put(self, response: Response, text: str) -> None:
        """Give it to the browser, until that is closed."""
        response.set_cookie(self.name, text, path="/", secure=self.is_secure, httponly=True, samesite="Strict")

    def drop(self, response: Response) -> None:
        """Take it from the browser."""
        response.delete_cookie(self.name, path="/", secure=self.is_secure, httponly=True, samesite="Strict")


def session_cookie(service: Service) -> Cookie:
    """The cookie of who is signed in."""
    return Cookie("session", _is_https(service))


def form_cookie(service: Service) -> Cookie:
    """The cookie of who is about to sign in: it ties the form to the browser."""
    return Cookie("sign-in", _is_https(service))


def current(service: Service, request: Request) -> Session | None:
    """The session of the request, if it has one that is good now. Looked up once for each request."""
    if "session" not in g:
        text = session_cookie(service).read(request)
        g.session = sessions.live(service, text) if text else None
    found: Session | None = g.session
    return found


def caller(service: Service, request: Request) -> Caller | None:
    """Who looks at a page: for GET and HEAD alone."""
    if request.method not in ("GET", "HEAD"):
        return None
    found = current(service, request)
    return sessions.caller(service, found, request.remote_addr or "") if found else None


def require(service: Service, request: Request) -> tuple[Session, Caller]:
    """Who uses a page of ours, whatever the verb: a form must have been proved ours besides. Unauthorized without a session."""
    found = current(service, request)
    if found is None:
        raise Unauthorized.of("login", "session", "Nobody is signed in here, or not any more. Sign in.")
    return found, sessions.caller(service, found, request.remote_addr or "")


def token_of(cookie: str) -> str:
    """The token that a form carries; it tells nothing of the cookie."""
    return hmac.new(cookie.encode(), b"form", sha256).hexdigest()


def fresh() -> str:
    """The content of a new cookie."""
    return token_urlsafe(32)


def require_ours(service: Service, request: Request, cookie: Cookie, fields: Mapping[str, str]) -> None:
    """Raises Forbidden for a form that was not one of our pages in the browser with this cookie."""
    text = cookie.read(request)
    is_ours = text is not None and hmac.compare_digest(token_of(text).encode(), fields.get(FIELD, "").encode())
    if not is_ours or not _is_from_here(service, request):
        raise Forbidden.of("forbidden", "form-token", "The form is out of date, or was not one of this site. Open the page again.")


def fields(request: Request) -> dict[str, str]:
    """What was typed into a form. BadRequest for what no form of ours sends."""
    request.max_content_length = request.max_form_memory_size = _MOST_FORM_BYTES
    if request.mimetype != _FORM or request.args.keys() & {FIELD}:
        raise BadRequest.of("invalid", "form", f"A form is sent as {_FORM}.")
    found = request.form.to_dict(flat=False)
    if len(found) > _MOST_FIELDS or any(len(values) > 1 for values in found.values()):
        raise BadRequest.of("invalid", "form", "A form has every field once.")
    if any(unicodedata.category(character) == "Cc" and character not in _SPACES for [value] in found.values() for character in value):
        raise BadRequest.of("invalid", "form", "What was typed has control characters. Type it anew.")
    return {name: values[0] for name, values in found.items()}


def _is_from_here(service: Service, request: Request) -> bool:
    """Whether the browser, if it tells where the form was, tells that it was here."""
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    base = urlsplit(service.settings.base_url)
    here = {f"{base.scheme}://{base.netloc}", request.host_url.rstrip("/")}
    return (origin is None or origin in here) and site in (None, "same-origin")


def _is_https(service: Service) -> bool:
    return urlsplit(service.settings.base_url).scheme == "https"
