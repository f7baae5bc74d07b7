"""Access tokens: 256 random bits, of which the database knows the SHA-256 alone.

A token is in clear in one place, the answer that hands it out, and in what the client sends. It says nothing about itself: who it is for,
what it grants and until when is kept beside its digest, so revoking it or disabling its client works at the next request.
There are no refresh tokens: a client that can sign an assertion asks again.

https://hl7.org/fhir/smart-app-launch/backend-services.html#response-1, https://www.rfc-editor.org/rfc/rfc6749#section-5.1
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from service.security.refusal import NO_STORE, InvalidScope

LIFETIME_SECONDS = 300
LONGEST_SECONDS = 300
BITS = 256
_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was just made: `text` for the client, `digest` and `expires` (microseconds since the epoch) for the database."""

    text: str = field(repr=False)
    digest: bytes
    expires: int
    seconds: int

    @property
    def issued(self) -> int:
        """When it was made, in microseconds since the epoch."""
        return self.expires - self.seconds * _SECOND


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """The answer that hands a token out: its JSON and its headers."""

    body: Mapping[str, str | int] = field(repr=False)
    headers: Mapping[str, str]
    status: int = 200


def issue(now: int, seconds: int = LIFETIME_SECONDS) -> Token:
    """A new token that is good from `now` (microseconds since the epoch) for so many seconds."""
    if seconds < 1:
        raise ValueError("a token lives for a second at least")
    text = secrets.token_urlsafe(BITS // 8)
    return Token(text, digest(text), now + seconds * _SECOND, seconds)


def digest(text: str) -> bytes:
    """Under what a token is stored and looked for, 32 bytes. Any text has one: what was never issued is simply not found."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def is_live(expires: int, now: int) -> bool:
    """Whether a token that expires then is good now; both in microseconds since the epoch."""
    return now < expires


def response(token: Token, scope: str) -> TokenResponse:
    """The answer of the token endpoint: `scope` is what was granted, of what was asked for and the client may have.

    InvalidScope when nothing was granted. ValueError for a token that lives longer than the endpoint may give.
    """
    if not scope:
        raise InvalidScope("nothing-granted")
    if token.seconds > LONGEST_SECONDS:
        raise ValueError(f"the endpoint gives tokens for {LONGEST_SECONDS} seconds at most")
    body: dict[str, str | int] = {"access_token": token.text, "token_type": "bearer", "expires_in": token.seconds, "scope": scope}
    return TokenResponse(body, NO_STORE)
