"""Who asks: the one place where a request is given its caller.

A token comes in the Authorization header and nowhere else (https://www.rfc-editor.org/rfc/rfc6750#section-2.1, RFC 9700): what stands in a
URL ends in logs, and a form is read only after it is known who sent it.
"""

import re
from dataclasses import replace

from flask import Request, g

from service.errors import BadRequest, Unauthorized
from service.records import provider, tokens
from service.records.context import Service
from service.security.caller import NOBODY, Caller
from service.web import counted, purpose, sessions

PUBLIC = frozenset(
    {
        *("health.livez", "health.readyz", "audit_log.checkpoint", "pages.home", "pages.docs", "pages.contract", "pages.static"),
        *("pages.sign_in", "pages.sign_in_post", "pages.sign_out", "pages.oidc_begin", "pages.oidc_callback"),
        *("oauth.token", "oauth.introspect", "oauth.revoke", "discovery.smart", "discovery.server"),
    }
)
"""The endpoints that need no caller, or find out themselves who asks."""

_CAPABILITIES = {"path": "metadata"}
_BEARER = re.compile(r"bearer +(?P<token>[A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)
_LONGEST_TOKEN = 512


def caller(service: Service, request: Request) -> Caller:
    """Who sent the request. Unauthorized when it does not say so credibly, BadRequest when it has a token in its query.

    Everybody is counted: raises TooManyRequests for who asks more often than it may.
    """
    if "access_token" in request.args:
        raise _refused(
            service, BadRequest.of("security", "token-in-query", "Send the token in the Authorization header, never in the URL.")
        )
    try:
        found = _found(service, request)
    except Unauthorized:
        counted.stranger(service)
        raise
    return counted.known(service, found)


def _found(service: Service, request: Request) -> Caller:
    header = request.headers.get("Authorization")
    if header is None:
        return sessions.caller(service, request) or _without_credentials(service, request)
    return purpose.declared(service, bearer(service, header, request.remote_addr or ""), request)


def _without_credentials(service: Service, request: Request) -> Caller:
    """Nobody, who may read what the service can do and nothing else."""
    if request.endpoint == "fhir" and request.view_args == _CAPABILITIES:
        return replace(NOBODY, address=request.remote_addr or "")
    raise unauthorized(service)


def bearer(service: Service, header: str, address: str) -> Caller:
    """Who holds the token of an Authorization header. Unauthorized when it has none, or one that is not good now."""
    found = _BEARER.fullmatch(header.strip())
    known = _known(service, found["token"], address) if found else None
    if known is None:
        raise unauthorized(service, "invalid_token")
    g.client = known.client
    return known


def _known(service: Service, token: str, address: str) -> Caller | None:
    """Who holds the token, by the mode of the service: it is the provider's, or our own."""
    if service.provider is not None:
        return provider.caller(service, service.provider, token, address)
    return tokens.caller(service, token, address) if len(token) <= _LONGEST_TOKEN else None


def unauthorized(service: Service, code: str | None = None) -> Unauthorized:
    """The 401 that asks for a token, or says with `code` that the one that came is not good: why is not told."""
    told = "The token is unknown, has expired or was revoked." if code else "This needs a token."
    error = Unauthorized.of("login", "authentication", f"{told} Send one in the header `Authorization: Bearer`.")
    error.headers = {"WWW-Authenticate": challenge(service, code)}
    return error


def challenge(service: Service, code: str | None = None) -> str:
    """The WWW-Authenticate header (https://www.rfc-editor.org/rfc/rfc6750#section-3)."""
    realm = f'Bearer realm="{service.settings.base_url}"'
    return f'{realm}, error="{code}"' if code else realm


def _refused(service: Service, error: BadRequest) -> BadRequest:
    error.headers = {"WWW-Authenticate": challenge(service, "invalid_request")}
    return error
