"""The OAuth endpoints of the built-in mode: a token for an assertion, introspection and revocation.

    POST /oauth/token        https://www.rfc-editor.org/rfc/rfc6749#section-4.4 with private_key_jwt, as SMART backend services have it
    POST /oauth/introspect   https://www.rfc-editor.org/rfc/rfc7662
    POST /oauth/revoke       https://www.rfc-editor.org/rfc/rfc7009

They speak OAuth's JSON, not FHIR's. Nothing that they answer may be kept by anyone between here and the client.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from flask import Flask, Response, g, json, request
from werkzeug.exceptions import RequestEntityTooLarge

from service.audit.kinds import TOKEN_ISSUED, TOKEN_REVOKED, TOKEN_SHOWN, Kind
from service.errors import ServiceError, TooManyRequests, Unauthorized
from service.records import token_ends, token_events, token_requests
from service.records.context import Service
from service.records.token_ends import Asking
from service.records.token_events import Sender
from service.rest import failure
from service.security.refusal import NO_STORE, InvalidRequest, NoToken, OAuthError
from service.security.token_request import LARGEST_FORM, Posted, authenticated, form, token_request
from service.storage.failures import Collision
from service.web import authentication, negotiation

Answer = tuple[int, Mapping[str, str], Mapping[str, Any]]
Endpoint = Callable[[Service, Sender], Answer]

_LATER = {"error": "temporarily_unavailable", "error_description": "The service cannot answer now. Ask again, with a new assertion."}
_FAILED = {"error": "server_error", "error_description": "The service failed. Its log has the id of the request."}


def register(app: Flask, service: Service) -> None:
    """Adds the three endpoints to `app`. Each takes POST alone."""
    endpoints: dict[str, tuple[Endpoint, Kind]] = {
        "token": (_token, TOKEN_ISSUED),
        "introspect": (_introspect, TOKEN_SHOWN),
        "revoke": (_revoke, TOKEN_REVOKED),
    }
    for name, (answer, kind) in endpoints.items():
        view = partial(_answered, service, answer, kind)
        app.add_url_rule(f"/oauth/{name}", f"oauth.{name}", view, methods=["POST"], provide_automatic_options=False)


def _answered(service: Service, answer: Endpoint, kind: Kind) -> Response:
    try:
        status, headers, body = _decided(service, answer, kind)
    except TooManyRequests as error:
        status, headers, body = 429, error.headers, {**_LATER, "error_description": str(error)}
    except ServiceError as error:
        status, headers, body = 503, error.headers, _LATER
    except Collision:
        status, headers, body = 503, {"Retry-After": "1"}, _LATER
    except Exception as error:  # noqa: BLE001 - the edge: whatever happens, the client gets JSON
        failure.unexpected(error, g.request_id)
        status, headers, body = 500, {}, _FAILED
    return Response(json.dumps(body), status, {**NO_STORE, **headers}, content_type="application/json")


def _decided(service: Service, answer: Endpoint, kind: Kind) -> Answer:
    """The answer, be it a refusal, when the audit trail tells of it."""
    sender = Sender(request.remote_addr or "", g.request_id)
    try:
        return answer(service, sender)
    except OAuthError as error:
        token_events.refused(service, kind, error.reason, sender, error.claimed)
        return error.status, error.headers, error.body
    except Unauthorized as error:
        token_events.refused(service, kind, "token", sender)
        return error.status, error.headers, {"error": "invalid_token", "error_description": str(error)}


def _token(service: Service, sender: Sender) -> Answer:
    answer, verified = token_requests.answer(service, token_request(_posted()), sender)
    g.client = verified.client_id
    return answer.status, answer.headers, answer.body


def _introspect(service: Service, sender: Sender) -> Answer:
    asking, parameters = _asking(service, sender)
    return 200, NO_STORE, token_ends.introspected(service, asking, _token_of(parameters))


def _revoke(service: Service, sender: Sender) -> Answer:
    asking, parameters = _asking(service, sender)
    token_ends.revoked(service, asking, _token_of(parameters))
    return 200, NO_STORE, {}


def _asking(service: Service, sender: Sender) -> tuple[Asking, Mapping[str, str]]:
    """Who asks, by a token in the Authorization header or by an assertion in the form, and the parameters of the form."""
    posted = _posted()
    header = request.headers.get("Authorization")
    if header is None:
        credentials, parameters = authenticated(posted)
        asking = Asking(sender, verified=token_requests.authenticated(service, credentials))
    else:
        parameters = form(posted)
        if {"client_assertion", "client_assertion_type", "client_secret"} & parameters.keys():
            raise InvalidRequest("two-ways")
        asking = Asking(sender, caller=authentication.bearer(service, header, sender.address))
    g.client = asking.client
    return asking, parameters


def _token_of(parameters: Mapping[str, str]) -> str:
    text = parameters.get("token")
    if text is None:
        raise NoToken("token-missing")
    return text


def _posted() -> Posted:
    """The request as it came in; of the body no more than a form may have, and one byte that shows that there was more."""
    request.max_content_length = LARGEST_FORM + 1
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge:
        negotiation.discard(request, LARGEST_FORM * 4)
        raise InvalidRequest("size") from None
    except Exception:  # noqa: BLE001 - whatever the server stumbles over in the stream, the client sent it
        raise InvalidRequest("body") from None
    if len(body) < (request.content_length or 0):
        raise InvalidRequest("body")
    return Posted(request.content_type or "", request.query_string.decode("latin-1"), body, "Authorization" in request.headers)
