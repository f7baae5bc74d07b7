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

from service.errors import ServiceError, Unauthorized
from service.records import token_ends, token_requests
from service.records.context import Service
from service.records.token_ends import Asking
from service.rest import failure
from service.security.refusal import NO_STORE, InvalidRequest, NoToken, OAuthError
from service.security.token_request import LARGEST_FORM, Posted, authenticated, form, token_request
from service.storage.failures import Collision
from service.web import authentication, negotiation

Answer = tuple[int, Mapping[str, str], Mapping[str, Any]]


def register(app: Flask, service: Service) -> None:
    """Adds the three endpoints to `app`. Each takes POST alone."""
    endpoints: dict[str, Callable[[Service], Answer]] = {"token": _token, "introspect": _introspect, "revoke": _revoke}
    for name, answer in endpoints.items():
        view = partial(_answered, service, answer)
        app.add_url_rule(f"/oauth/{name}", f"oauth.{name}", view, methods=["POST"], provide_automatic_options=False)


def _answered(service: Service, answer: Callable[[Service], Answer]) -> Response:
    try:
        status, headers, body = answer(service)
    except OAuthError as error:
        status, headers, body = error.status, error.headers, error.body
    except Unauthorized as error:
        status, headers, body = error.status, error.headers, {"error": "invalid_token", "error_description": str(error)}
    except (ServiceError, Collision) as error:
        told = error if isinstance(error, ServiceError) else None
        status, headers = 503, told.headers if told else {"Retry-After": "1"}
        body = {"error": "temporarily_unavailable", "error_description": "The service cannot answer now. Ask again, with a new assertion."}
    except Exception as error:  # noqa: BLE001 - the edge: whatever happens, the client gets JSON
        failure.unexpected(error, g.get("request_id", ""))
        status, headers, body = 500, {}, {"error": "server_error", "error_description": "The service failed. The log has the request's id."}
    return Response(json.dumps(body), status, {**NO_STORE, **headers}, content_type="application/json")


def _token(service: Service) -> Answer:
    answer, verified = token_requests.answer(service, token_request(_posted()))
    g.client = verified.client_id
    return answer.status, answer.headers, answer.body


def _introspect(service: Service) -> Answer:
    asking, parameters = _asking(service)
    return 200, NO_STORE, token_ends.introspected(service, asking, _token_of(parameters))


def _revoke(service: Service) -> Answer:
    asking, parameters = _asking(service)
    token_ends.revoked(service, asking, _token_of(parameters))
    return 200, NO_STORE, {}


def _asking(service: Service) -> tuple[Asking, Mapping[str, str]]:
    """Who asks, by a token in the Authorization header or by an assertion in the form, and the parameters of the form."""
    posted = _posted()
    header = request.headers.get("Authorization")
    if header is None:
        credentials, parameters = authenticated(posted)
        asking = Asking(verified=token_requests.authenticated(service, credentials))
    else:
        parameters = form(posted)
        if {"client_assertion", "client_assertion_type", "client_secret"} & parameters.keys():
            raise InvalidRequest("two-ways")
        asking = Asking(caller=authentication.bearer(service, header, request.remote_addr or ""))
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
