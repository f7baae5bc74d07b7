"""One-time codes from a phone or a key: TOTP with SHA-1, six digits, 30 seconds (https://www.rfc-editor.org/rfc/rfc6238).

A code of the step before or after is accepted, for clocks that differ. Whoever accepts a code keeps its step, and none of that step or an
earlier one is accepted again. The secret is kept encrypted (AES-256-GCM), bound to its account: moved to another row it does not open.
"""

import hmac
import os
from hashlib import sha256

import pyotp
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

STEP = 30 * 1_000_000
DIGITS = 6
_NONCE = 12


class Unreadable(Exception):
    """The secret was encrypted with another key, or for another account."""


def secret() -> str:
    """A new secret: 160 bits in base32, as apps take them."""
    return pyotp.random_base32()


def uri(secret: str, login: str, issuer: str) -> str:
    """What an app reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=issuer)


def step_of(secret: str, code: str, at: int) -> int | None:
    """The step that `code` belongs to, one of the three around the instant `at` (microseconds); None when it is no such code."""
    digits = code.replace(" ", "")
    if len(digits) != DIGITS or not (digits.isascii() and digits.isdigit()):
        return None
    now, codes = at // STEP, pyotp.TOTP(secret)
    matching = [step for step in (now + 1, now, now - 1) if hmac.compare_digest(codes.generate_otp(step), digits)]
    return matching[0] if matching else None


def sealed(key: str, id: str, secret: str) -> bytes:
    """The secret, encrypted for the account `id`."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(_key(key)).encrypt(nonce, secret.encode(), id.encode())


def opened(key: str, id: str, kept: bytes) -> str:
    """The secret of the account `id`. Raises Unreadable."""
    try:
        return AESGCM(_key(key)).decrypt(kept[:_NONCE], kept[_NONCE:], id.encode()).decode()
    except (InvalidTag, ValueError) as error:
        raise Unreadable from error


def _key(text: str) -> bytes:
    return sha256(b"one-time codes:" + text.encode()).digest()
