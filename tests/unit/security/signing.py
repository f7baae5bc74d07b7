"""Keys, key sets and signed texts for the tests of client authentication. Whatever is asked for is signed, sense or nonsense."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from joserfc.jwk import ECKey, RSAKey

Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

RS384, ES384 = "RS384", "ES384"
_HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}


@cache
def private(algorithm: str, name: str = "one") -> Private:
    """A private key for `algorithm`; another `name` is another key."""
    assert name
    return rsa.generate_private_key(65537, 2048) if algorithm.startswith(("RS", "PS")) else ec.generate_private_key(ec.SECP384R1())


def jwk(key: Private, **members: Any) -> dict[str, Any]:
    """The public key as a JWK, with more members; those that are None are left out."""
    kind = RSAKey if isinstance(key, rsa.RSAPrivateKey) else ECKey
    exported = dict(kind.import_key(key.public_key()).as_dict(private=False))
    exported.pop("kid", None)
    return {name: value for name, value in {**exported, **members}.items() if value is not None}


def key_set(*jwks: Mapping[str, Any]) -> bytes:
    """A JWK Set."""
    return json.dumps({"keys": jwks}).encode()


def base64url(raw: bytes) -> str:
    """`raw` as JOSE writes it."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signature(algorithm: str, key: Private, signed: bytes) -> bytes:
    """The signature over `signed` by any algorithm; HS384 takes the public key as the secret, as an attacker would."""
    if algorithm.startswith("HS"):
        return hmac.new(json.dumps(jwk(key)).encode(), signed, hashlib.sha384).digest()
    digest = _HASHES.get(algorithm[2:], hashes.SHA384)()
    if isinstance(key, rsa.RSAPrivateKey):
        scheme = padding.PSS(padding.MGF1(digest), digest.digest_size) if algorithm.startswith("PS") else padding.PKCS1v15()
        return key.sign(signed, scheme, digest)
    r, s = utils.decode_dss_signature(key.sign(signed, ec.ECDSA(digest)))
    return r.to_bytes(48) + s.to_bytes(48)


def compact(header: object, claims: object, key: Private, algorithm: str) -> str:
    """A JWS in its compact form; `header` and `claims` are trees, or texts and bytes that are taken as they are."""
    signed = f"{base64url(_raw(header))}.{base64url(_raw(claims))}"
    return f"{signed}.{base64url(signature(algorithm, key, signed.encode()))}"


def _raw(part: object) -> bytes:
    if isinstance(part, bytes):
        return part
    return (part if isinstance(part, str) else json.dumps(part)).encode()
