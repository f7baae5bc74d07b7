"""Tokens that a provider signed: what must hold of one before a claim of it is believed.

Of every token: three segments within 8 KiB, canonical base64url, strict JSON; no header that changes how the rest is read or brings
a key along; an algorithm of the list; a `kid` of the provider; the signature; `iss` byte for byte; whole seconds in `exp`, `nbf` and
`iat`, with 30 s between the clocks at most, and no more than a day ahead. An access token besides: `typ` says at+jwt or JWT, the audience
names us, and nothing marks it as an ID token or another kind. An ID token besides: the audience is our client alone, the nonce is ours.

https://www.rfc-editor.org/rfc/rfc9068#section-4, https://www.rfc-editor.org/rfc/rfc8725,
https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jws import JWSRegistry, deserialize_compact

from service.clock import Clock
from service.security.encoding import from_base64url, json_object
from service.security.external.keys import ALGORITHMS
from service.security.keys import LONGEST_ID, PublicKey

LARGEST = 8 * 1024
SKEW_SECONDS = 30
LIFETIME_SECONDS = 24 * 60 * 60
LONGEST_TEXT = 1000
MOST_AUDIENCES = 20
_DEPTH = 8
_SECOND = 1_000_000
_REFUSED_HEADERS = frozenset({"crit", "b64", "jwk", "jku", "x5u", "x5c", "zip", "enc", "cty"})
_ACCESS_TYPES = ("at+jwt", "jwt")
_OF_ID_TOKENS = frozenset({"at_hash", "c_hash", "s_hash"})
_OTHER_KINDS = frozenset({"id", "refresh", "offline", "logout"})

Claims = Mapping[str, Any]
Find = Callable[[str, str], PublicKey | None]
"""The provider's key with this `kid` for this algorithm."""


class TokenRefused(Exception):
    """A token that is not believed. `reason` is a kebab-case word for the log and the audit; callers are not told."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the tokens of one issuer. `find` may raise what says that the keys cannot be had."""

    issuer: str
    find: Find
    now: Clock

    def access(self, raw: str, audience: str) -> Claims:
        """The claims of an access token for `audience`. Raises TokenRefused."""
        header, claims = self._signed(raw)
        if _media(header.get("typ")) not in _ACCESS_TYPES:
            raise TokenRefused("type")
        if audience not in _audiences(claims):
            raise TokenRefused("audience")
        _require_access(header, claims)
        return claims

    def identity(self, raw: str, client: str, nonce: str) -> Claims:
        """The claims of an ID token that our own request brought. Raises TokenRefused."""
        header, claims = self._signed(raw)
        if _media(header.get("typ", "JWT")) != "jwt":
            raise TokenRefused("type")
        if _audiences(claims) != (client,) or claims.get("azp", client) != client:
            raise TokenRefused("audience")
        given = claims.get("nonce")
        if not isinstance(given, str) or not hmac.compare_digest(given.encode("utf-8", "surrogatepass"), nonce.encode()):
            raise TokenRefused("nonce")
        if "iat" not in claims:
            raise TokenRefused("time-missing")
        return claims

    def _signed(self, raw: str) -> tuple[Mapping[str, Any], Claims]:
        header, claims = _parts(raw)
        algorithm, id = _header(header)
        key = self.find(id, algorithm)
        if key is None:
            raise TokenRefused("key-unknown")
        _require_signature(raw, key)
        if claims.get("iss") != self.issuer:
            raise TokenRefused("issuer")
        self._require_time(claims)
        if not _is_text(claims.get("sub")):
            raise TokenRefused("subject")
        return header, claims

    def _require_time(self, claims: Claims) -> None:
        now = self.now() // _SECOND
        times = {name: claims[name] for name in ("exp", "nbf", "iat") if name in claims}
        if "exp" not in times or any(type(value) is not int for value in times.values()):
            raise TokenRefused("time-type")
        expires: int = times.pop("exp")
        if now >= expires + SKEW_SECONDS:
            raise TokenRefused("expired")
        if expires > now + LIFETIME_SECONDS + SKEW_SECONDS:
            raise TokenRefused("lifetime")
        if any(value > now + SKEW_SECONDS for value in times.values()):
            raise TokenRefused("not-yet")


def looks_like_one(text: str) -> bool:
    """Whether `text` has the shape of a JWT."""
    return text.count(".") == 2


def _parts(raw: str) -> tuple[dict[str, Any], dict[str, Any]]:
    segments = raw.split(".", 3) if len(raw) <= LARGEST else []
    if len(segments) != 3:
        raise TokenRefused("segments" if segments else "size")
    try:
        header, claims, _ = map(from_base64url, segments)
        return json_object(header, _DEPTH), json_object(claims, _DEPTH)
    except ValueError:
        raise TokenRefused("encoding") from None


def _header(header: Mapping[str, Any]) -> tuple[str, str]:
    """Algorithm and key identifier of a header that changes nothing about how the rest is to be read."""
    if _REFUSED_HEADERS & header.keys():
        raise TokenRefused("header")
    algorithm, id = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise TokenRefused("algorithm")
    if not isinstance(id, str) or not 1 <= len(id) <= LONGEST_ID:
        raise TokenRefused("key-id")
    return algorithm, id


class _Registry(JWSRegistry):
    """The one algorithm of the key. joserfc warns of EdDSA because it names no curve; our keys do."""

    def get_alg(self, name: str) -> Any:
        """The algorithm of that name, which is the key's."""
        if [name] != self.allowed:
            raise UnsupportedAlgorithmError("another algorithm than the key's")
        return self.algorithms[name]


def _require_signature(raw: str, key: PublicKey) -> None:
    registry = _Registry(algorithms=[key.algorithm], strict_check_header=False)
    registry.max_header_length = registry.max_payload_length = LARGEST
    try:
        deserialize_compact(raw, key.material, registry=registry)
    except (JoseError, ValueError):
        raise TokenRefused("signature") from None


def _require_access(header: Mapping[str, Any], claims: Claims) -> None:
    """Nothing marks it as another kind of token; `typ` JWT alone does not tell, so then it must carry scopes and no nonce."""
    kinds = {str(claims.get(name, "")).lower() for name in ("typ", "token_use")}
    if _OF_ID_TOKENS & claims.keys() or "events" in claims or kinds & _OTHER_KINDS:
        raise TokenRefused("other-kind")
    if _media(header.get("typ")) == "jwt" and ("nonce" in claims or not {"scope", "scp"} & claims.keys()):
        raise TokenRefused("other-kind")


def _audiences(claims: Claims) -> tuple[str, ...]:
    listed = claims.get("aud")
    audiences = listed if isinstance(listed, list) else [listed]
    if not 1 <= len(audiences) <= MOST_AUDIENCES or not all(map(_is_text, audiences)):
        raise TokenRefused("audience")
    return tuple(audiences)


def _media(type: object) -> str | None:
    """`typ` as it is compared: in lower case, without the `application/` that may stand before it (RFC 7515, 4.1.9)."""
    return type.lower().removeprefix("application/") if isinstance(type, str) else None


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= LONGEST_TEXT
