"""Which web pages may use the service from a browser: those whose origin is registered with a client, and no other.

What everyone may read anyway (discovery and the CapabilityStatement) is open to any origin. An answer to a client is open to the origins of
that client alone; a preflight, which does not say who will ask, and an answer to nobody, to those of every client. An origin matches to
the letter. Cookies are never let in from elsewhere. https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from urllib.parse import urlsplit

from flask import Flask, Response, g, request

from service.errors import ServiceError
from service.records import clients
from service.records.context import Service

_EXPOSED = (
    *("ETag", "Location", "Content-Location", "Last-Modified", "Retry-After", "X-Progress", "X-Request-Id", "X-Audit-Entry"),
    *("WWW-Authenticate", "RateLimit", "RateLimit-Policy"),
)
_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
_SENT = (
    *("Accept", "Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-Modified-Since", "If-None-Exist", "If-None-Match"),
    *("Prefer", "X-Provenance", "X-Request-Id"),
)
_PREFLIGHT_SECONDS = "600"


def register(app: Flask, service: Service) -> None:
    """Adds the headers to what the FHIR API, the OAuth endpoints and discovery of `app` answer."""
    base = urlsplit(service.settings.base_url).path.rstrip("/")
    open_paths = frozenset({f"{base}/metadata", f"{base}/.well-known/smart-configuration", "/.well-known/oauth-authorization-server"})

    def preflight() -> Response | None:
        is_asked = request.method == "OPTIONS" and "Origin" in request.headers and "Access-Control-Request-Method" in request.headers
        return Response(status=204) if is_asked and _is_ours(base) else None

    def shared(response: Response) -> Response:
        return _shared(service, response, request.path in open_paths) if _is_ours(base) else response

    app.before_request(preflight)
    app.after_request(shared)


def _is_ours(base: str) -> bool:
    return request.path.startswith((f"{base}/", "/oauth/", "/.well-known/")) or request.path == base


def _shared(service: Service, response: Response, is_open: bool) -> Response:
    if is_open:
        _allow(response, "*")
        return response
    response.vary.add("Origin")
    origin = request.headers.get("Origin")
    if origin and _is_registered(service, origin):
        _allow(response, origin)
    return response


def _is_registered(service: Service, origin: str) -> bool:
    """Whether the client that asked has this origin, or any client where none is known. Not when that cannot be found out."""
    try:
        return origin in clients.origins(service, g.get("client"))
    except ServiceError:
        return False


def _allow(response: Response, origin: str) -> None:
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Expose-Headers"] = ", ".join(_EXPOSED)
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = _METHODS
        response.headers["Access-Control-Allow-Headers"] = ", ".join(_SENT)
        response.headers["Access-Control-Max-Age"] = _PREFLIGHT_SECONDS
