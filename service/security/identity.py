"""By what callers are known: the grammar of scopes, the keys of clients, and the URLs that assertions must address.

Made once for each process. What is kept of clients and tokens is in the database; `records.tokens` puts both together.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from service.clock import Clock
from service.outbound.client import Outbound
from service.security import key_source
from service.security.assertion import Client, Verifier
from service.security.grant import Grant
from service.security.key_source import KeySource
from service.security.scope import Grammar, ScopeError

_MOST_GRANTS = 1024


@dataclass(frozen=True, slots=True)
class Identity:
    """The parts by which a caller is known. `outbound` is the one way out of this process."""

    grammar: Grammar
    outbound: Outbound
    source: KeySource

    @classmethod
    def of(cls, base_url: str, types: frozenset[str], outbound: Outbound) -> "Identity":
        """The parts for a service at `base_url`; `types` are all R4 resource types."""
        return cls(Grammar(base_url, types), outbound, KeySource(key_source.through(outbound)))

    @property
    def issuer(self) -> str:
        """Who issues tokens (RFC 8414): the origin of the base URL."""
        base = urlsplit(self.grammar.base_url)
        return f"{base.scheme}://{base.netloc}"

    @property
    def token_url(self) -> str:
        """Where tokens are asked for."""
        return f"{self.issuer}/oauth/token"

    def verifier(self, clients: Callable[[str], Client | None], now: Clock) -> Verifier:
        """What checks assertions. `clients` finds an enabled client by its id."""
        return Verifier(self.token_url, self.issuer, clients, self.source, now)

    def grant(self, text: str) -> Grant:
        """The grant that is kept as `text`. What it holds that is not understood, or no longer, grants nothing."""
        return _grant(self.grammar, text)


@lru_cache(maxsize=_MOST_GRANTS)
def _grant(grammar: Grammar, text: str) -> Grant:
    try:
        return Grant.of(grammar.understood(text)[0])
    except ScopeError:
        return Grant()
