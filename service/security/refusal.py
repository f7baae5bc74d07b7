"""How the OAuth endpoints say no (https://www.rfc-editor.org/rfc/rfc6749#section-5.2).

What a caller is told is one of a few constant sentences: a stranger cannot tell an unknown client from a wrong key or a spent assertion.
What the matter was is in `reason`, for the log and the audit, and never leaves the service.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

NO_STORE: Mapping[str, str] = MappingProxyType({"Cache-Control": "no-store", "Pragma": "no-cache"})
"""Headers of every answer of the token endpoint, given or refused."""


class OAuthError(Exception):
    """A request to an OAuth endpoint that is refused.

    `reason` is a kebab-case word, `claimed` the registered client that the request claimed to come from: neither is shown.
    """

    code: ClassVar[str]
    status: ClassVar[int] = 400
    sentence: ClassVar[str]

    def __init__(self, reason: str) -> None:
        super().__init__(f"{self.code}: {reason}")
        self.reason = reason
        self.claimed: str | None = None

    @property
    def body(self) -> dict[str, str]:
        """The JSON of the answer."""
        return {"error": self.code, "error_description": self.sentence}

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the answer, besides its content type."""
        return NO_STORE


class InvalidRequest(OAuthError):
    """400: a parameter is missing, repeated, out of place or of a value that is not supported."""

    code = "invalid_request"
    sentence = "Send a form in the body: grant_type, scope, client_assertion_type, client_assertion, each once; nothing in the query."


class NoToken(InvalidRequest):
    """400: a request for introspection or revocation that names no token."""

    sentence = "Send a form in the body with the parameter token."


class UnsupportedGrantType(OAuthError):
    """400: another grant than the one that is offered."""

    code = "unsupported_grant_type"
    sentence = "Send grant_type=client_credentials. No other grant is offered."


class InvalidScope(OAuthError):
    """400: no scope was asked for, one is malformed, or none of them may be granted."""

    code = "invalid_scope"
    sentence = "Ask for scopes that this client is registered for, separated by single spaces."


class InvalidClient(OAuthError):
    """401: the client did not prove who it is, whatever the matter was."""

    code = "invalid_client"
    status = 401
    sentence = "The client could not be authenticated by its assertion."


class NoAssertion(InvalidClient):
    """401: the client tried to authenticate by the Authorization header, where no method is offered."""

    @property
    def headers(self) -> Mapping[str, str]:
        """RFC 6749 asks for the scheme of the header that the client used."""
        return {**NO_STORE, "WWW-Authenticate": 'Basic realm="token endpoint"'}


class MalformedAssertion(InvalidClient):
    """400: the assertion is no JWT at all: its size, segments, encoding or JSON."""

    status = 400
    sentence = "The client assertion is no JWT: three segments of base64url, JSON objects in the first two, 8 KiB at most."
