"""Client assertions: the signed JWT by which a client of SMART backend services proves who it is (`private_key_jwt`).

Two conventions are accepted, each whole: SMART's (`typ` JWT, `aud` the token URL) and that of RFC 10070 (`typ` client-authentication+jwt,
`aud` the issuer). A mixture of both, or several audiences, would let an assertion made for one server be shown to another, so neither is
taken. joserfc verifies the signature; everything that must hold besides is here, as rules A2 to A10 of the requirements. An assertion that
passes is still to be spent: `Verified.spend` hands its identifier to the store, in the transaction that makes the token.

https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html#authenticating-to-the-token-endpoint,
https://www.rfc-editor.org/rfc/rfc7523#section-3, https://www.rfc-editor.org/rfc/rfc10070
"""

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry, deserialize_compact

from service.clock import Clock
from service.security.encoding import from_base64url, json_object
from service.security.key_source import KeySource, KeysUnavailable
from service.security.keys import ALGORITHMS, LONGEST_ID, KeySet, PublicKey
from service.security.refusal import InvalidClient, MalformedAssertion
from service.security.token_request import Credentials

LARGEST = 8 * 1024
LIFETIME_SECONDS = 300
SKEW_SECONDS = 30
_DEPTH = 4
_SECOND = 1_000_000
_REFUSED_HEADERS = frozenset({"crit", "b64", "jwk", "x5u", "x5c", "zip"})


class Convention(Enum):
    """Whom an assertion addresses, and how it says what it is: `typ`."""

    SMART = "JWT"
    RFC_10070 = "client-authentication+jwt"


@dataclass(frozen=True, slots=True)
class Client:
    """What is registered of a client: its id, its keys (a set, or the URL of one), and the conventions that it may use."""

    id: str
    keys: KeySet | None = None
    keys_url: str | None = None
    conventions: Collection[Convention] = frozenset(Convention)


Spend = Callable[[str, bytes, int], bool]
"""Keeps (client id, SHA-256 of the identifier, last second of its life) unless they are kept already; tells whether they were new."""


@dataclass(frozen=True, slots=True)
class Verified:
    """An assertion that holds: whose it is, by which convention and key, its hashed `jti`, and the second from which it is void."""

    client_id: str
    convention: Convention
    key_id: str
    identifier: bytes
    expires: int

    def spend(self, insert: Spend) -> None:
        """Use the assertion up: `insert` is a unique insert in the transaction that makes the token. InvalidClient when it was spent."""
        if not insert(self.client_id, self.identifier, self.expires):
            raise InvalidClient("replayed")


@dataclass(frozen=True, slots=True)
class Verifier:
    """Checks assertions for one token endpoint. `clients` finds an enabled client by its id; `source` has the keys of those with a URL."""

    token_url: str
    issuer: str
    clients: Callable[[str], Client | None]
    source: KeySource
    now: Clock

    def verify(self, credentials: Credentials) -> Verified:
        """The assertion, when everything about it holds. MalformedAssertion when it is no JWT, InvalidClient for all else."""
        header, claims = _parts(credentials.assertion)
        algorithm, key_id, convention = _header(header)
        client = self._client(claims, credentials.client_id)
        key = self._key(client, header, key_id, algorithm)
        _require_signature(credentials.assertion, key)
        if convention not in client.conventions or _audience(claims) != self._audience_of(convention):
            raise InvalidClient("audience")
        expires = self._expiry(claims)
        return Verified(client.id, convention, key.id, _identifier(claims), expires)

    def _client(self, claims: Mapping[str, Any], stated: str | None) -> Client:
        subject = claims.get("sub")
        if not isinstance(subject, str) or claims.get("iss") != subject or stated not in (None, subject):
            raise InvalidClient("issuer")
        client = self.clients(subject)
        if client is None or client.id != subject:
            raise InvalidClient("client-unknown")
        return client

    def _key(self, client: Client, header: Mapping[str, Any], id: str, algorithm: str) -> PublicKey:
        """The one key that fits. A `jku` must be the registered URL; it is compared, never called."""
        if "jku" in header and (client.keys_url is None or header["jku"] != client.keys_url):
            raise InvalidClient("keys-url")
        try:
            if client.keys is not None:
                found = client.keys.find(id, algorithm)
            else:
                found = self.source.find(client.id, client.keys_url, id, algorithm) if client.keys_url else None
        except KeysUnavailable as error:
            raise InvalidClient(f"keys-{error.reason}") from None
        if found is None:
            raise InvalidClient("key-unknown")
        return found

    def _audience_of(self, convention: Convention) -> str:
        return self.token_url if convention is Convention.SMART else self.issuer

    def _expiry(self, claims: Mapping[str, Any]) -> int:
        """The second from which the assertion is void, the skew of clocks included."""
        now = self.now() // _SECOND
        times = {name: claims[name] for name in ("exp", "nbf", "iat") if name in claims}
        if "exp" not in times or any(type(value) is not int for value in times.values()):
            raise InvalidClient("time-type")
        expires: int = times.pop("exp")
        if not now < expires + SKEW_SECONDS or expires > now + LIFETIME_SECONDS + SKEW_SECONDS:
            raise InvalidClient("expiry")
        if any(value > now + SKEW_SECONDS for value in times.values()):
            raise InvalidClient("not-yet")
        return expires + SKEW_SECONDS


def _parts(raw: str) -> tuple[dict[str, Any], dict[str, Any]]:
    segments = raw.split(".") if len(raw) <= LARGEST else []
    if len(segments) != 3:
        raise MalformedAssertion("segments" if segments else "size")
    try:
        header, claims, _ = map(from_base64url, segments)
        return json_object(header, _DEPTH), json_object(claims, _DEPTH)
    except ValueError:
        raise MalformedAssertion("encoding") from None


def _header(header: Mapping[str, Any]) -> tuple[str, str, Convention]:
    """Algorithm, key identifier and convention of a header that has them and nothing that changes how the rest is to be read."""
    if _REFUSED_HEADERS & header.keys():
        raise InvalidClient("header")
    algorithm, id, type = header.get("alg"), header.get("kid"), header.get("typ")
    if algorithm not in ALGORITHMS:
        raise InvalidClient("algorithm")
    if not isinstance(id, str) or not 1 <= len(id) <= LONGEST_ID:
        raise InvalidClient("key-id")
    if type not in [convention.value for convention in Convention]:
        raise InvalidClient("type")
    return str(algorithm), id, Convention(type)


def _require_signature(raw: str, key: PublicKey) -> None:
    registry = JWSRegistry(algorithms=[key.algorithm], strict_check_header=False)
    registry.max_header_length = registry.max_payload_length = LARGEST
    try:
        deserialize_compact(raw, key.material, registry=registry)
    except (JoseError, ValueError):
        raise InvalidClient("signature") from None


def _audience(claims: Mapping[str, Any]) -> str | None:
    """The one audience, given alone or as an array of one; None otherwise."""
    audience = claims.get("aud")
    if isinstance(audience, list) and len(audience) == 1:
        audience = audience[0]
    return audience if isinstance(audience, str) else None


def _identifier(claims: Mapping[str, Any]) -> bytes:
    identifier = claims.get("jti")
    if not isinstance(identifier, str) or not 1 <= len(identifier) <= LONGEST_ID:
        raise InvalidClient("identifier")
    return hashlib.sha256(identifier.encode()).digest()
