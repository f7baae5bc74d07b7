"""What a client posts to the token endpoint, read strictly: rule A1 of the requirements.

A form in the body and nothing in the query; every parameter once, whatever it is called; unknown parameters and those without a value
count as not sent. One way to authenticate only.

https://hl7.org/fhir/smart-app-launch/backend-services.html#request-1, https://www.rfc-editor.org/rfc/rfc6749#section-3.2,
https://www.rfc-editor.org/rfc/rfc7521#section-4.2
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from urllib.parse import parse_qsl

from service.security.refusal import InvalidClient, InvalidRequest, InvalidScope, NoAssertion, UnsupportedGrantType

FORM = "application/x-www-form-urlencoded"
GRANT = "client_credentials"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LARGEST_FORM = 32 * 1024
_MOST_PARAMETERS = 20
_SCOPES = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*")


@dataclass(frozen=True, slots=True)
class Posted:
    """A POST as it came in: its content type, what stands after `?`, its body, and whether it has an Authorization header."""

    content_type: str
    query: str
    body: bytes = field(repr=False)
    has_authorization: bool = False


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client authenticates itself with: its assertion, and its `client_id` if it sent one, which must then agree."""

    assertion: str = field(repr=False)
    client_id: str | None = None


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A request for a token: who asks, and for which scopes (each once, in the order of asking)."""

    credentials: Credentials
    scopes: tuple[str, ...]


def token_request(posted: Posted) -> TokenRequest:
    """The request for a token in `posted`. Raises InvalidRequest, UnsupportedGrantType, InvalidScope or InvalidClient."""
    parameters = form(posted)
    grant = parameters.get("grant_type")
    if grant is None:
        raise InvalidRequest("grant-type-missing")
    if grant != GRANT:
        raise UnsupportedGrantType("grant-type")
    credentials = _credentials(posted, parameters)
    return TokenRequest(credentials, _scopes(parameters.get("scope", "")))


def authenticated(posted: Posted) -> tuple[Credentials, Mapping[str, str]]:
    """The credentials of a request to another endpoint of a client, such as revocation, and all its parameters."""
    parameters = form(posted)
    return _credentials(posted, parameters), parameters


def form(posted: Posted) -> Mapping[str, str]:
    """The parameters of the form that have a value. InvalidRequest when it is no form, or a parameter comes twice or in the query."""
    if posted.query:
        raise InvalidRequest("query")
    header = Message()
    header["Content-Type"] = posted.content_type
    if header.get_content_type() != FORM or str(header.get_param("charset", "utf-8")).lower() not in ("utf-8", "us-ascii"):
        raise InvalidRequest("content-type")
    if len(posted.body) > LARGEST_FORM:
        raise InvalidRequest("size")
    try:
        pairs = parse_qsl(
            posted.body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=_MOST_PARAMETERS
        )
    except ValueError:
        raise InvalidRequest("form") from None
    if len(dict(pairs)) != len(pairs):
        raise InvalidRequest("repeated")
    return {name: value for name, value in pairs if value}


def _credentials(posted: Posted, parameters: Mapping[str, str]) -> Credentials:
    type, assertion = parameters.get("client_assertion_type"), parameters.get("client_assertion")
    if type is None and assertion is None:
        raise NoAssertion("authorization-header") if posted.has_authorization else InvalidClient("no-assertion")
    if posted.has_authorization or "client_secret" in parameters:
        raise InvalidRequest("two-ways")
    if type != ASSERTION_TYPE or assertion is None:
        raise InvalidRequest("assertion-type")
    return Credentials(assertion, parameters.get("client_id"))


def _scopes(text: str) -> tuple[str, ...]:
    if not _SCOPES.fullmatch(text):
        raise InvalidScope("scope-syntax" if text else "scope-missing")
    return tuple(dict.fromkeys(text.split(" ")))
