"""The keys of an OpenID provider: its JWK Set, read for the algorithms that its tokens may be signed with.

RS256, RS384, ES256, ES384 and EdDSA with Ed25519 (which RFC 9864 calls Ed25519); nothing symmetric, nothing unsigned. A key is good for
what its type and curve fit, and for less where its `alg` says so. Providers publish keys of other purposes beside: those are passed over,
and so are keys without a `kid`. A set with a private key in it, or without any key for us, is refused as a whole.

https://www.rfc-editor.org/rfc/rfc7517, https://www.rfc-editor.org/rfc/rfc7518#section-6, https://www.rfc-editor.org/rfc/rfc8037
"""

from collections.abc import Iterator, Mapping
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from service.security.encoding import json_object
from service.security.keys import LONGEST_ID, PRIVATE_MEMBERS, KeySet, PublicKey, UnfitKeys, member_bytes, rsa

ALGORITHMS = ("RS256", "RS384", "ES256", "ES384", "EdDSA", "Ed25519")
LARGEST_SET = 128 * 1024
MOST_KEYS = 50
_DEPTH = 6
_CURVES: Mapping[str, tuple[str, int]] = {"P-256": ("ES256", 32), "P-384": ("ES384", 48)}
_ED25519_BYTES = 32


def parse(raw: bytes) -> KeySet:
    """The keys in `raw` that verify tokens, one entry for each algorithm that a key is good for. UnfitKeys when there is none."""
    if len(raw) > LARGEST_SET:
        raise UnfitKeys(f"The JWK Set has more than {LARGEST_SET} bytes.")
    try:
        listed = json_object(raw, _DEPTH).get("keys")
    except ValueError as error:
        raise UnfitKeys(f"The JWK Set is not strict JSON: {error}") from None
    if not isinstance(listed, list) or not 1 <= len(listed) <= MOST_KEYS:
        raise UnfitKeys(f"The JWK Set needs a member `keys`: an array of 1 to {MOST_KEYS} keys.")
    if any(isinstance(jwk, dict) and PRIVATE_MEMBERS & jwk.keys() for jwk in listed):
        raise UnfitKeys("The JWK Set holds a private or symmetric key. Whoever reads it could sign.")
    found = tuple(key for jwk in listed if isinstance(jwk, dict) for key in _keys(jwk))
    if not found:
        raise UnfitKeys(f"The JWK Set has no key for {', '.join(ALGORITHMS)}.")
    return KeySet(found)


def _keys(jwk: Mapping[str, Any]) -> Iterator[PublicKey]:
    """What a key is good for: nothing when it is of another purpose, or malformed."""
    id, operations = jwk.get("kid"), jwk.get("key_ops", ["verify"])
    if not isinstance(id, str) or not 1 <= len(id) <= LONGEST_ID or jwk.get("use", "sig") != "sig":
        return
    if not isinstance(operations, list) or "verify" not in operations:
        return
    try:
        material, algorithms = _material(jwk)
    except (JoseError, ValueError):
        return
    yield from (PublicKey(id, algorithm, material) for algorithm in algorithms if jwk.get("alg", algorithm) == algorithm)


def _material(jwk: Mapping[str, Any]) -> tuple[RSAKey | ECKey | OKPKey, tuple[str, ...]]:
    match jwk.get("kty"), jwk.get("crv"):
        case "RSA", _:
            return rsa(jwk), ("RS256", "RS384")
        case "EC", str(curve) if curve in _CURVES:
            algorithm, size = _CURVES[curve]
            if any(len(member_bytes(jwk, name)) != size for name in ("x", "y")):
                raise ValueError("a coordinate of the wrong length")
            return ECKey.import_key({"kty": "EC", "crv": curve, "x": jwk["x"], "y": jwk["y"]}), (algorithm,)
        case "OKP", "Ed25519" if len(member_bytes(jwk, "x")) == _ED25519_BYTES:
            return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": jwk["x"]}), ("EdDSA", "Ed25519")
        case _:
            raise ValueError("a key of another type")
