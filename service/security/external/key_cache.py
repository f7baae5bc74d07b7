"""The provider's keys, kept for as long as it says, and for a bounded time longer while it does not answer.

How long is told by `Cache-Control`, within 5 minutes and 24 hours; 5 minutes without it. A `kid` that is not kept is a reason to ask again,
once in 60 seconds: a provider that rotates its keys is followed, and a stranger with made-up tokens cannot have us call on it. When the set
cannot be had or is unfit, the old one is used for an hour at most; then nobody can be authenticated, and `Unavailable` says so.
While one thread asks, the others go on with what is kept.
"""

import threading
from collections.abc import Callable

from service import clock
from service.outbound.client import Limits, Message, Outbound
from service.outbound.failure import OutboundError
from service.security.external import keys
from service.security.external.keys import LARGEST_SET
from service.security.key_source import MOST_SECONDS, USUAL_SECONDS, seconds_to_keep
from service.security.keys import KeySet, PublicKey, UnfitKeys

LEAST_SECONDS = USUAL_SECONDS
STALE_SECONDS = 60 * 60
REFETCH_SECONDS = 60
RETRY_SECONDS = 10
_LIMITS = Limits(body_bytes=LARGEST_SET, connect_seconds=3, read_seconds=3, total_seconds=5)
_MESSAGE = Message(headers={"Accept": "application/jwk-set+json, application/json"})
_OK = 200
_NEVER = float("-inf")


class Unavailable(Exception):
    """The provider's keys cannot be had, and none are kept that may still be used. `reason` is a kebab-case word for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


Fetch = Callable[[], tuple[bytes, int]]
"""Gets the JWK Set as bytes, and for how many seconds it may be kept; Unavailable when that fails."""


def through(outbound: Outbound, url: str, hosts: frozenset[str]) -> Fetch:
    """Fetching from the provider's `jwks_uri` through the guarded way out, from one of `hosts` alone."""

    def fetch() -> tuple[bytes, int]:
        try:
            reply = outbound.exchange(url, hosts, _MESSAGE, _LIMITS)
        except OutboundError as error:
            raise Unavailable(error.reason) from None
        if reply.status != _OK:
            raise Unavailable("status")
        keep = seconds_to_keep(reply.headers.get("cache-control"), reply.headers.get("age"))
        return reply.body, max(LEAST_SECONDS, min(keep, MOST_SECONDS))

    return fetch


class KeyCache:
    """The keys of one provider, for one process. Safe for threads. `tick` tells seconds that never step back."""

    def __init__(self, fetch: Fetch, tick: Callable[[], float] = clock.monotonic) -> None:
        self._fetch = fetch
        self._tick = tick
        self._lock = threading.Lock()
        self._keys: KeySet | None = None
        self._expires = _NEVER
        self._asked = _NEVER
        self._refetched = _NEVER
        self._failure = ""

    def find(self, id: str, algorithm: str) -> PublicKey | None:
        """The provider's key `id` for `algorithm`; None when it has none. Raises Unavailable when its keys cannot be had."""
        found = self.require().find(id, algorithm)
        if found is None and self._tick() - self._refetched >= REFETCH_SECONDS:
            with self._lock:
                self._refetch()
            found = self.require().find(id, algorithm)
        return found

    def require(self) -> KeySet:
        """The keys as they may be used now, renewed where they are due. Raises Unavailable."""
        if self._tick() >= self._expires and self._lock.acquire(blocking=not self._is_usable()):
            try:
                self._renew()
            finally:
                self._lock.release()
        if not self._is_usable() or self._keys is None:
            raise Unavailable(self._failure)
        return self._keys

    def _is_usable(self) -> bool:
        return self._tick() < self._expires + STALE_SECONDS

    def _refetch(self) -> None:
        """Ask again because a key is not known, unless another thread did so meanwhile."""
        if self._tick() - self._refetched >= REFETCH_SECONDS:
            self._refetched = self._tick()
            self._ask()

    def _renew(self) -> None:
        """Ask because what is kept is due, unless another thread did so meanwhile or it was tried a moment ago."""
        now = self._tick()
        if now >= self._expires and now - self._asked >= RETRY_SECONDS:
            self._ask()

    def _ask(self) -> None:
        self._asked = self._tick()
        try:
            body, keep = self._fetch()
            self._keys = keys.parse(body)
        except (Unavailable, UnfitKeys) as error:
            self._failure = error.reason if isinstance(error, Unavailable) else "unfit"
            return
        self._expires, self._failure = self._asked + keep, ""
