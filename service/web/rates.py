"""Limits on those of whom nothing is known yet, by network address: the OAuth endpoints and the ways to sign in.

Those who are known are counted where they become known (`web.authentication`, `web.pages.desk`).
"""

from flask import Flask, Response, json, request

from service.errors import ServiceError, TooManyRequests
from service.records import rates
from service.records.context import Service
from service.security.refusal import NO_STORE
from service.web import counted
from service.web.pages.desk import Desk, refused

_KINDS = {
    **dict.fromkeys(("pages.sign_in_post", "pages.oidc_begin", "pages.oidc_callback", "pages.witness_post"), rates.SIGN_IN),
    "oauth.token": rates.TOKENS,
    **dict.fromkeys(("oauth.introspect", "oauth.revoke"), rates.STRANGERS),
}
"""What is counted by address before anything else, by endpoint."""


def register(app: Flask, service: Service) -> None:
    """Counts the requests to `app` that come before it is known who asks."""
    app.before_request(lambda: _counted(service))


def _counted(service: Service) -> Response | None:
    kind = _KINDS.get(request.endpoint or "")
    if kind is None:
        return None
    try:
        counted.stranger(service, kind)
    except ServiceError as error:
        return _oauth(error) if str(request.endpoint).startswith("oauth.") else refused(Desk(service), error)
    return None


def _oauth(error: ServiceError) -> Response:
    """A refusal in OAuth's JSON: 429, or 503 when the database cannot count."""
    told = str(error) if isinstance(error, TooManyRequests) else "The service cannot answer now."
    body = {"error": "temporarily_unavailable", "error_description": told}
    return Response(json.dumps(body), error.status, {**NO_STORE, **error.headers}, content_type="application/json")
