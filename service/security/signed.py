"""A JWS over bytes that are known otherwise (https://www.rfc-editor.org/rfc/rfc7515#appendix-F): its payload is left out, or is them.

Compact form, RS384 or ES384, a `kid`, and no header that changes how the rest is to be read.
"""

from dataclasses import dataclass
from typing import Self

from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry, deserialize_compact

from service.security.encoding import from_base64url, json_object, to_base64url
from service.security.keys import ALGORITHMS, LONGEST_ID, PublicKey

LARGEST = 64 * 1024
_REFUSED_HEADERS = frozenset({"crit", "b64", "jwk", "jku", "x5u", "x5c", "zip"})


class BadSignature(ValueError):
    """A text that is no such JWS, or one that does not hold; the message says what is the matter."""


class NoSignature(BadSignature):
    """A text that has not the form of a JWS at all: nothing in it claims to hold."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A JWS that was taken apart, not verified: what signed it says of its key, and its three segments."""

    key_id: str
    algorithm: str
    segments: tuple[str, str, str]

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """The JWS in `raw`. Raises BadSignature, NoSignature for what is none."""
        try:
            text = raw.decode("ascii")
            header, payload, signature = text.split(".") if len(text) <= LARGEST else ("", "", "")
            members = json_object(from_base64url(header), 4)
        except ValueError:
            raise NoSignature("it is no JWS in the compact form.") from None
        algorithm, id = members.get("alg"), members.get("kid")
        if algorithm not in ALGORITHMS or not isinstance(id, str) or not 1 <= len(id) <= LONGEST_ID or _REFUSED_HEADERS & members.keys():
            raise BadSignature(f"its header needs alg {' or '.join(ALGORITHMS)} and a kid, and nothing that brings a key along.")
        return cls(id, str(algorithm), (header, payload, signature))

    def require(self, signed: bytes, key: PublicKey) -> None:
        """Raises BadSignature unless it is `key`'s signature over `signed`."""
        header, payload, signature = self.segments
        expected = to_base64url(signed)
        if payload not in ("", expected):
            raise BadSignature("its payload is not the target.")
        registry = JWSRegistry(algorithms=[key.algorithm], strict_check_header=False)
        registry.max_header_length, registry.max_payload_length = LARGEST, len(expected)
        try:
            deserialize_compact(f"{header}.{expected}.{signature}", key.material, registry=registry)
        except (JoseError, ValueError):
            raise BadSignature("it does not fit the target and the key.") from None
