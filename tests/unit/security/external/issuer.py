"""An issuer of tokens for the tests: keys of every kind, a good access token, and whatever else is asked for, signed."""

import hmac
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from joserfc.jwk import ECKey, OKPKey, RSAKey

from service.security.external import keys
from service.security.keys import KeySet
from tests.unit.security.signing import base64url

ISSUER = "https://id.clinic.example/realms/clinic"
BASE = "https://clinic.example/fhir"
NOW = 1_795_337_665
ALGORITHMS = ("RS256", "RS384", "ES256", "ES384", "EdDSA", "Ed25519")
CLIENT = "chart-app"

Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@cache
def private(algorithm: str, name: str = "one") -> Private:
    """A private key for `algorithm`; another `name` is another key."""
    assert name
    if algorithm.startswith(("RS", "PS", "HS")):
        return rsa.generate_private_key(65537, 2048)
    if algorithm in ("EdDSA", "Ed25519"):
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(ec.SECP256R1() if algorithm == "ES256" else ec.SECP384R1())


def jwk(key: Private, **members: Any) -> dict[str, Any]:
    """The public key as a JWK, with more members; those that are None are left out."""
    kind = RSAKey if isinstance(key, rsa.RSAPrivateKey) else OKPKey if isinstance(key, ed25519.Ed25519PrivateKey) else ECKey
    exported = {name: value for name, value in kind.import_key(key.public_key()).as_dict(private=False).items() if name != "kid"}
    return {name: value for name, value in {**exported, **members}.items() if value is not None}


def key_set(*jwks: Mapping[str, Any]) -> bytes:
    """A JWK Set."""
    return json.dumps({"keys": jwks}).encode()


@cache
def published() -> KeySet:
    """The issuer's keys: one for each algorithm, `kid` is `key-` and its name."""
    return keys.parse(key_set(*(jwk(private(name), kid=f"key-{name}", alg=name, use="sig") for name in ALGORITHMS)))


def access_claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good access token; None takes one away."""
    claims = {
        "iss": ISSUER,
        "sub": "f:1:ada",
        "aud": BASE,
        "exp": NOW + 300,
        "nbf": NOW,
        "iat": NOW,
        "jti": "a1",
        "azp": CLIENT,
        "scope": "openid system/Observation.rs",
    }
    return {name: value for name, value in {**claims, **changes}.items() if value is not None}


def header(algorithm: str, **changes: Any) -> dict[str, Any]:
    """A good header."""
    return {
        name: value
        for name, value in {"alg": algorithm, "kid": f"key-{algorithm}", "typ": "at+jwt", **changes}.items()
        if value is not None
    }


def compact(head: object, claims: object, algorithm: str, key: Private | None = None) -> str:
    """A JWS in its compact form; `head` and `claims` are trees, or texts and bytes that are taken as they are."""
    signed = f"{base64url(_raw(head))}.{base64url(_raw(claims))}"
    return f"{signed}.{base64url(_signature(algorithm, key or private(algorithm), signed.encode()))}"


def token(algorithm: str = "RS256", **claims: Any) -> str:
    """A good access token, but for the claims that are given."""
    return compact(header(algorithm), access_claims(**claims), algorithm)


def _signature(algorithm: str, key: Private, signed: bytes) -> bytes:
    digest = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}.get(algorithm[2:], hashes.SHA256)()
    if algorithm.startswith("HS"):
        return hmac.digest(json.dumps(jwk(key)).encode(), signed, "sha256")
    if isinstance(key, rsa.RSAPrivateKey):
        scheme = padding.PSS(padding.MGF1(digest), digest.digest_size) if algorithm.startswith("PS") else padding.PKCS1v15()
        return key.sign(signed, scheme, digest)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(signed)
    r, s = utils.decode_dss_signature(key.sign(signed, ec.ECDSA(digest)))
    size = (key.key_size + 7) // 8
    return r.to_bytes(size) + s.to_bytes(size)


def _raw(part: object) -> bytes:
    if isinstance(part, bytes):
        return part
    return (part if isinstance(part, str) else json.dumps(part)).encode()
