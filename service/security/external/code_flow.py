"""How a browser signs in at the provider: the authorization code flow of OpenID Connect with PKCE, state and nonce.

    begin      makes an attempt and the address to send the browser to
    sealed     the attempt as a cookie's text: signed, so that it comes back as it was, to the browser that began
    opened     the attempt in a cookie, while it is fresh
    redeem     the ID token for the code that the browser brought back, from the provider's token endpoint

Three things tie the end to the beginning: `state` to the browser's cookie, the verifier of PKCE to the code, `nonce` to the ID token.
https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth, https://www.rfc-editor.org/rfc/rfc7636, RFC 9700
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from service.outbound.client import Limits, Message, Outbound
from service.outbound.failure import OutboundError
from service.security.encoding import from_base64url, json_object, to_base64url
from service.security.external.discovery import Metadata

ATTEMPT_SECONDS = 10 * 60
_LIMITS = Limits(body_bytes=64 * 1024, connect_seconds=3, read_seconds=5, total_seconds=8)
_SECOND = 1_000_000
_LONGEST = 4096
_OK = 200
_BASIC, _POST = "client_secret_basic", "client_secret_post"


class SignInFailed(Exception):
    """A sign-in that did not come to its end. `reason` is a kebab-case word for the log and the audit."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class BrowserClient:
    """How this service is registered at the provider: its id, its secret (empty for a public client), what it asks for, where it is."""

    id: str
    redirect_uri: str
    scopes: str = "openid fhirUser profile"
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-in that was begun: what must come back, the page to go to after it, and until when (seconds since the epoch)."""

    state: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    back: str
    expires: int


def begin(back: str, now: int) -> Attempt:
    """A new attempt, at `now` in microseconds since the epoch."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    return Attempt(state, nonce, verifier, back, now // _SECOND + ATTEMPT_SECONDS)


def address(metadata: Metadata, client: BrowserClient, attempt: Attempt) -> str:
    """Where the browser is sent to sign in."""
    query = {
        "response_type": "code",
        "client_id": client.id,
        "redirect_uri": client.redirect_uri,
        "scope": client.scopes,
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": to_base64url(hashlib.sha256(attempt.verifier.encode()).digest()),
        "code_challenge_method": "S256",
    }
    endpoint = metadata.endpoints["authorization_endpoint"]
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"


def sealed(attempt: Attempt, key: bytes) -> str:
    """The attempt as the text of a cookie, signed with `key`."""
    body = json.dumps(asdict(attempt)).encode()
    return f"{to_base64url(body)}.{to_base64url(_mark(body, key))}"


def opened(text: str, key: bytes, now: int) -> Attempt | None:
    """The attempt in a cookie that we signed; None for any other text, and for one that is too old."""
    body, _, mark = text.partition(".")
    try:
        raw = from_base64url(body) if len(text) <= _LONGEST else b""
        if not hmac.compare_digest(from_base64url(mark), _mark(raw, key)):
            return None
    except ValueError:
        return None
    attempt = Attempt(**json.loads(raw))
    return attempt if now // _SECOND < attempt.expires else None


def redeem(outbound: Outbound, hosts: Collection[str], metadata: Metadata, client: BrowserClient, code: str, verifier: str) -> str:
    """The ID token that the provider gives for `code`. Raises SignInFailed."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": client.redirect_uri, "code_verifier": verifier}
    headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    way = _way(metadata, client)
    if way == _BASIC:
        pair = f"{quote(client.id, safe='')}:{quote(client.secret, safe='')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        form |= {"client_id": client.id} | ({"client_secret": client.secret} if way == _POST else {})
    try:
        reply = outbound.exchange(metadata.endpoints["token_endpoint"], hosts, Message("POST", headers, urlencode(form).encode()), _LIMITS)
    except OutboundError as error:
        raise SignInFailed(f"token-endpoint-{error.reason}") from None
    if reply.status != _OK:
        raise SignInFailed("code-refused")
    return _id_token(reply.body)


def _way(metadata: Metadata, client: BrowserClient) -> str:
    """How the client shows its secret, if it has one: as the provider's list says, in the header where it says nothing."""
    if not client.secret:
        return "none"
    listed = metadata.lists["token_endpoint_auth_methods_supported"]
    return _POST if _POST in listed and _BASIC not in listed else _BASIC


def _id_token(body: bytes) -> str:
    try:
        tree: Mapping[str, Any] = json_object(body, 8)
    except ValueError:
        raise SignInFailed("token-answer") from None
    token = tree.get("id_token")
    if not isinstance(token, str):
        raise SignInFailed("no-id-token")
    return token


def _mark(body: bytes, key: bytes) -> bytes:
    return hmac.digest(key, b"sign-in\0" + body, "sha256")
