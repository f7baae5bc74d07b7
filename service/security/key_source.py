"""The keys of clients that publish them at a URL: fetched when they are needed, and kept no longer than their server allows.

How long is told by `Cache-Control` alone, less the `Age` of the answer: what is `no-store` or `no-cache` is not kept at all; without the
header, or without a `max-age` in it, 5 minutes; never more than 24 hours. A `kid` that is not in the kept set is a reason to fetch again,
once per client in 60 seconds, so that a client may rotate its keys and a stranger may not have us call on it. A set that cannot be had or
is unfit fails, and is asked for again after 10 seconds at the earliest: old keys are never used in its place.

https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html#registering-a-client-communicating-public-keys,
https://www.rfc-editor.org/rfc/rfc9111#section-5.2
"""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from service import clock
from service.outbound.client import Limits, Message, Outbound
from service.outbound.destination import Destination
from service.outbound.failure import OutboundError
from service.security.keys import LARGEST_SET, KeySet, PublicKey, UnfitKeys, parse

USUAL_SECONDS = 5 * 60
MOST_SECONDS = 24 * 60 * 60
REFETCH_SECONDS = 60
RETRY_SECONDS = 10
_LIMITS = Limits(body_bytes=LARGEST_SET, connect_seconds=3, read_seconds=3, total_seconds=3)
_MESSAGE = Message(headers={"Accept": "application/jwk-set+json, application/json"})
_OK = 200
_WHOLE = re.compile(r"[0-9]{1,10}")
_NEVER = float("-inf")


class KeysUnavailable(Exception):
    """The keys of a client could not be had; `reason` is a kebab-case word for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Published:
    """What a client's server answered: a JWK Set as bytes, and the headers that say how long it may be kept."""

    body: bytes
    cache_control: str | None = None
    age: str | None = None


Fetch = Callable[[str], Published]
"""Gets the set at a registered URL; KeysUnavailable when that fails."""


def through(outbound: Outbound) -> Fetch:
    """Fetching through the guarded way out: the host is the one of the registered URL, 64 KiB and 3 seconds are the limits."""

    def fetch(url: str) -> Published:
        try:
            reply = outbound.exchange(url, [Destination.of(url, outbound.plain).authority], _MESSAGE, _LIMITS)
        except OutboundError as error:
            raise KeysUnavailable(error.reason) from None
        if reply.status != _OK:
            raise KeysUnavailable("status")
        return Published(reply.body, reply.headers.get("cache-control"), reply.headers.get("age"))

    return fetch


def seconds_to_keep(cache_control: str | None, age: str | None = None) -> int:
    """For how many seconds an answer with these headers may be kept: 0 to 24 hours. What cannot be read is taken for 0."""
    directives = [part.strip().lower() for part in (cache_control or "").split(",")]
    if any(directive.partition("=")[0].strip() in ("no-store", "no-cache") for directive in directives):
        return 0
    stated = [_seconds(value) for name, _, value in (each.partition("=") for each in directives) if name.strip() == "max-age"]
    keep = min(stated) if stated else USUAL_SECONDS
    passed = 0 if age is None else _seconds(age) if _WHOLE.fullmatch(age.strip()) else MOST_SECONDS
    return max(0, min(keep - passed, MOST_SECONDS))


def _seconds(text: str) -> int:
    found = _WHOLE.fullmatch(text.strip().strip('"'))
    return int(found[0]) if found else 0


@dataclass(slots=True)
class _Kept:
    """What is kept of one client: its set, when its fetching began, until when it may be used, and when fetching was tried."""

    url: str
    lock: threading.Lock = field(default_factory=threading.Lock)
    keys: KeySet | None = None
    begun: float = _NEVER
    expires: float = _NEVER
    failed: float = _NEVER
    failure: str = ""
    refetched: float = _NEVER


class KeySource:
    """The published keys of all clients, for one process. Safe for threads; one client's slow server does not hold up the others.

    `tick` tells seconds that never step back.
    """

    def __init__(self, fetch: Fetch, tick: Callable[[], float] = clock.monotonic) -> None:
        self._fetch = fetch
        self._tick = tick
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}

    def find(self, client_id: str, url: str, id: str, algorithm: str) -> PublicKey | None:
        """The key `id` for `algorithm` among those that the client publishes at `url`, its registered URL; None when it has none.

        Raises KeysUnavailable when the keys cannot be had.
        """
        asked = self._tick()
        kept = self._of(client_id, url)
        with kept.lock:
            if not self._is_usable(kept, asked):
                self._renew(kept)
            found = kept.keys.find(id, algorithm) if kept.keys else None
            if found is None and self._may_refetch(kept, asked):
                kept.refetched = self._tick()
                self._renew(kept)
                found = kept.keys.find(id, algorithm) if kept.keys else None
            return found

    def _of(self, client_id: str, url: str) -> _Kept:
        with self._lock:
            kept = self._kept.get(client_id)
            if kept is None or kept.url != url:
                kept = self._kept[client_id] = _Kept(url)
            return kept

    def _is_usable(self, kept: _Kept, asked: float) -> bool:
        """Whether the set may still be used, or was fetched after it was asked for, while another thread held the lock."""
        return kept.begun >= asked or self._tick() < kept.expires

    def _may_refetch(self, kept: _Kept, asked: float) -> bool:
        return kept.begun < asked and self._tick() - kept.refetched >= REFETCH_SECONDS

    def _renew(self, kept: _Kept) -> None:
        """Fetch the set. One that failed a moment ago is not asked for again."""
        now = self._tick()
        if now - kept.failed < RETRY_SECONDS:
            raise KeysUnavailable(kept.failure)
        try:
            published = self._fetch(kept.url)
            kept.keys = parse(published.body)
        except (KeysUnavailable, UnfitKeys) as error:
            kept.failed, kept.failure = now, error.reason if isinstance(error, KeysUnavailable) else "unfit"
            raise KeysUnavailable(kept.failure) from None
        kept.begun = now
        kept.expires = now + seconds_to_keep(published.cache_control, published.age)
