"""Passwords: how they are hashed, and which are too weak. https://www.rfc-editor.org/rfc/rfc9106, NIST SP 800-63B

A password is text of any kind, normalised (NFKC) so that two keyboards write it the same. Nobody is told whether it was the name or the
password that was wrong, and a name that is unknown costs the same work as one that is known.
"""

import secrets
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LEAST_CHARACTERS = 12
MOST_CHARACTERS = 256
LEAST_DISTINCT = 5
_FRESH_BYTES = 15

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def hashed(password: str) -> str:
    """The argon2id hash of a password, with its salt and cost."""
    return _HASHER.hash(_normal(password))


def matches(kept: str | None, password: str) -> bool:
    """Whether `password` is the one whose hash is kept. Without one the same work is done, and the answer is no."""
    try:
        _HASHER.verify(kept or _nobodys(), _normal(password[: MOST_CHARACTERS + 1]))
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None


def is_outdated(kept: str) -> bool:
    """Whether the hash was made with less cost than hashes are made with now."""
    return _HASHER.check_needs_rehash(kept)


def weakness(password: str, login: str) -> str | None:
    """Why `password` is not good enough for whoever signs in as `login`, as a sentence; None when it is."""
    text = _normal(password)
    if len(text) < LEAST_CHARACTERS:
        return f"A password has at least {LEAST_CHARACTERS} characters."
    if len(password) > MOST_CHARACTERS or len(text) > MOST_CHARACTERS:
        return f"A password has at most {MOST_CHARACTERS} characters."
    if len(set(text)) < LEAST_DISTINCT:
        return f"A password has at least {LEAST_DISTINCT} different characters."
    if login.casefold() in text.casefold():
        return "A password does not contain the name to sign in with."
    return None


def fresh() -> str:
    """A new password, for somebody to begin with."""
    return secrets.token_urlsafe(_FRESH_BYTES)


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password.encode("utf-8", "replace").decode("utf-8"))


@cache
def _nobodys() -> str:
    return hashed(fresh())
