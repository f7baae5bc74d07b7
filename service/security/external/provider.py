"""The provider of one service: started once, then asked about every token and every sign-in.

`Provider.start` asks for discovery and keys and raises UnfitProvider when they do not fit: without them the service does not start. From
then on the keys are renewed as `key_cache` says; where they cannot be had any more, `Unavailable` is raised, and `complaint` says so.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from service import clock
from service.clock import Clock
from service.outbound.client import Outbound
from service.security.caller import Caller
from service.security.external import code_flow, key_cache
from service.security.external.claims import Understanding
from service.security.external.code_flow import Attempt, BrowserClient, SignInFailed
from service.security.external.discovery import Metadata, UnfitProvider, discover
from service.security.external.jwt import Claims, Reader, TokenRefused
from service.security.external.key_cache import KeyCache, Unavailable


@dataclass(frozen=True, slots=True)
class Terms:
    """What the operator says of the provider: its issuer, whom its tokens must name as audience, and the hosts that it may lead to."""

    issuer: str
    audience: str
    hosts: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Started:
    metadata: Metadata
    keys: KeyCache


@dataclass(slots=True)
class Provider:
    """An OpenID provider and how its tokens are understood. `browser` is None where nobody signs in by browser."""

    terms: Terms
    understanding: Understanding
    outbound: Outbound
    browser: BrowserClient | None = None
    now: Clock = clock.now
    tick: Callable[[], float] = clock.monotonic
    _started: _Started | None = field(default=None, repr=False)

    def start(self) -> None:
        """Ask for discovery and keys. Raises UnfitProvider."""
        metadata = discover(self.outbound, self.terms.issuer, self.terms.hosts)
        needed = {"token_endpoint", *(["authorization_endpoint"] if self.browser else [])}
        if missing := needed - metadata.endpoints.keys():
            raise UnfitProvider(f"its {min(missing)} is missing.")
        keys = KeyCache(key_cache.through(self.outbound, metadata.jwks_uri, self.terms.hosts), self.tick)
        try:
            keys.require()
        except Unavailable as error:
            raise UnfitProvider(f"its keys at jwks_uri cannot be used ({error.reason}).") from None
        self._started = _Started(metadata, keys)

    @property
    def metadata(self) -> Metadata:
        """What the provider says of itself."""
        return self._parts.metadata

    def caller(self, token: str, address: str) -> Caller:
        """Who sent the access token. Raises TokenRefused, and Unavailable when that cannot be known now."""
        return self.understanding.caller(self._reader.access(token, self.terms.audience), token, address)

    def complaint(self) -> str | None:
        """Why nobody can be authenticated now; None when all is well. Renews the keys where that is due."""
        try:
            self._parts.keys.require()
        except Unavailable as error:
            return f"the keys of the OpenID provider cannot be had ({error.reason})"
        return None

    def signed_in(self, attempt: Attempt, code: str) -> Claims:
        """The claims of the ID token for the code that the browser brought back. Raises SignInFailed."""
        assert self.browser is not None
        raw = code_flow.redeem(self.outbound, self.terms.hosts, self.metadata, self.browser, code, attempt.verifier)
        try:
            return self._reader.identity(raw, self.browser.id, attempt.nonce)
        except TokenRefused as error:
            raise SignInFailed(f"id-token-{error.reason}") from None
        except Unavailable as error:
            raise SignInFailed(f"keys-{error.reason}") from None

    @property
    def _parts(self) -> _Started:
        if self._started is None:
            raise RuntimeError("the provider was not started")
        return self._started

    @property
    def _reader(self) -> Reader:
        return Reader(self.terms.issuer, self._parts.keys.find, self.now)
