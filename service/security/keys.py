"""The public keys of a client: a JWK Set, and what it must satisfy to be registered or used.

SMART wants of every key `kty` and `kid`, of RSA keys `n` and `e`, of EC keys `crv`, `x` and `y`; `alg` may be absent, so the type of the
key decides what it verifies: RSA RS384, EC on P-384 ES384. Our own rules: RSA keys of 2048 to 4096 bits with an exponent of 65537 or more,
no private and no symmetric keys, no `kid` twice, at most 20 keys in at most 64 KiB. A set that breaks a rule is refused as a whole; a key
of another purpose (encryption, another algorithm or curve) is passed over.

https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html#registering-a-client-communicating-public-keys,
https://www.rfc-editor.org/rfc/rfc7517, https://www.rfc-editor.org/rfc/rfc7518#section-6
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from service.security.encoding import from_base64url, json_object

ALGORITHMS = ("RS384", "ES384")
LARGEST_SET = 64 * 1024
MOST_KEYS = 20
LONGEST_ID = 255
_DEPTH = 6
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
"""Members that only a private or a symmetric key has."""
_RSA_BITS = range(2048, 4097)
_LEAST_EXPONENT, _EXPONENT_BYTES = 65537, 4
_CURVE, _COORDINATE_BYTES = "P-384", 48


class UnfitKeys(ValueError):
    """A JWK Set that is refused; the message says what to mend, and holds nothing of the keys."""


class _Elsewhere(Exception):
    """A key that is fine, but not for us; the message says why."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One key that verifies signatures: its `kid`, the one algorithm that it is for, and the key itself."""

    id: str
    algorithm: str
    material: RSAKey | ECKey | OKPKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeySet:
    """The usable keys of a JWK Set, in its order; `passed_over` says of the others why they are not used."""

    keys: tuple[PublicKey, ...]
    passed_over: tuple[str, ...] = ()

    def find(self, id: str, algorithm: str) -> PublicKey | None:
        """The key with this `kid` for this algorithm. Identifiers are unique in a set, so there is one or none."""
        found = [key for key in self.keys if key.id == id and key.algorithm == algorithm]
        return found[0] if len(found) == 1 else None


def parse(raw: bytes) -> KeySet:
    """The JWK Set in `raw`. UnfitKeys when it breaks a rule, or holds no key that we can use."""
    if len(raw) > LARGEST_SET:
        raise UnfitKeys(f"The JWK Set has more than {LARGEST_SET} bytes. Leave out old keys and certificates.")
    try:
        listed = json_object(raw, _DEPTH).get("keys")
    except ValueError as error:
        raise UnfitKeys(f"The JWK Set is not strict JSON: {error}") from None
    if not isinstance(listed, list) or not 1 <= len(listed) <= MOST_KEYS:
        raise UnfitKeys(f"The JWK Set needs a member `keys`: an array of 1 to {MOST_KEYS} keys.")
    _require_identifiers(listed)
    usable, passed_over = [], []
    for place, jwk in enumerate(listed, 1):
        try:
            usable.append(_key(place, jwk))
        except _Elsewhere as reason:
            passed_over.append(f"Key {place} is not used: {reason}.")
    if not usable:
        raise UnfitKeys(f"The JWK Set has no key for {' or '.join(ALGORITHMS)}. {' '.join(passed_over)}")
    return KeySet(tuple(usable), tuple(passed_over))


def _require_identifiers(listed: list[Any]) -> None:
    """Every key is an object with `kty` and `kid`, public, asymmetric, and the only one with its `kid`."""
    seen: set[str] = set()
    for place, jwk in enumerate(listed, 1):
        if not isinstance(jwk, dict):
            raise UnfitKeys(f"Key {place} is not a JSON object.")
        if jwk.get("kty") == "oct":
            raise UnfitKeys(f"Key {place} is symmetric. Whoever can check with it can also sign; use RSA or EC.")
        if found := sorted(PRIVATE_MEMBERS & jwk.keys()):
            raise UnfitKeys(f"Key {place} has the private member {found[0]}. Replace the key: it has been shown. Send public keys only.")
        id = jwk.get("kid")
        if not isinstance(jwk.get("kty"), str) or not isinstance(id, str) or not 1 <= len(id) <= LONGEST_ID:
            raise UnfitKeys(f"Key {place} needs `kty`, and a `kid` of 1 to {LONGEST_ID} characters.")
        if id in seen:
            raise UnfitKeys(f"Key {place} has the `kid` of an earlier key. Give every key its own.")
        seen.add(id)


def _key(place: int, jwk: Mapping[str, Any]) -> PublicKey:
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        raise _Elsewhere("it is not for signatures")
    try:
        material = _material(jwk)
    except _Elsewhere:
        raise
    except (JoseError, ValueError) as error:
        raise UnfitKeys(f"Key {place} is refused: {error}.") from None
    return PublicKey(jwk["kid"], "RS384" if isinstance(material, RSAKey) else "ES384", material)


def _material(jwk: Mapping[str, Any]) -> RSAKey | ECKey:
    match jwk["kty"], jwk.get("alg"):
        case "RSA", None | "RS384":
            return rsa(jwk)
        case "EC", None | "ES384":
            return _ec(jwk)
        case (("RSA" | "EC"), _):
            raise _Elsewhere("its `alg` is another algorithm")
        case _:
            raise _Elsewhere("its `kty` is neither RSA nor EC")


def rsa(jwk: Mapping[str, Any]) -> RSAKey:
    """The RSA key in `jwk`. ValueError for a size, an exponent or an encoding that is not allowed."""
    modulus, exponent = member_bytes(jwk, "n"), member_bytes(jwk, "e")
    if int.from_bytes(modulus).bit_length() not in _RSA_BITS:
        raise ValueError(f"an RSA key has {_RSA_BITS.start} to {_RSA_BITS.stop - 1} bits")
    if len(exponent) > _EXPONENT_BYTES or int.from_bytes(exponent) < _LEAST_EXPONENT:
        raise ValueError(f"the exponent of an RSA key is {_LEAST_EXPONENT} or more, in {_EXPONENT_BYTES} bytes")
    return RSAKey.import_key({"kty": "RSA", "n": jwk["n"], "e": jwk["e"]})


def _ec(jwk: Mapping[str, Any]) -> ECKey:
    if jwk.get("crv") != _CURVE:
        if jwk.get("alg") is None:
            raise _Elsewhere(f"its curve is not {_CURVE}")
        raise ValueError(f"ES384 takes a key on the curve {_CURVE}")
    if any(len(member_bytes(jwk, name)) != _COORDINATE_BYTES for name in ("x", "y")):
        raise ValueError(f"a coordinate on {_CURVE} has {_COORDINATE_BYTES} bytes")
    return ECKey.import_key({"kty": "EC", "crv": _CURVE, "x": jwk["x"], "y": jwk["y"]})


def member_bytes(jwk: Mapping[str, Any], name: str) -> bytes:
    """The bytes of a member in base64url. ValueError when it is missing or written in another way than the one."""
    value = jwk.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"`{name}` is missing")
    raw = from_base64url(value)
    if name in ("n", "e") and raw[0] == 0:
        raise ValueError(f"`{name}` begins with a zero byte")
    return raw
