"""What every function of the record needs: the parts of the service, who asks, and the open transaction, if there is one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from service.audit.trail import Trail
from service.clock import Clock
from service.config import Settings
from service.fhir.definitions import Definitions
from service.fhir.library import Library
from service.ledger.policies import Policies
from service.search.paging import Cursors
from service.search.parameter import Registry
from service.search.registries import Pinned, Registries
from service.security import belonging
from service.security.access import Access
from service.security.caller import NOBODY, Caller
from service.security.external.provider import Provider
from service.security.identity import Identity
from service.storage.database import Database, Transaction
from service.storage.rates import Rates
from service.validation.check import Gate


@dataclass(frozen=True, slots=True)
class Service:
    """The parts of the running service, made once by `wiring`. What can be searched changes while it runs: `registries`.

    `provider` says who asks in the external mode, and is None in the built-in one. `is_insecure`: the database is open to everyone on this
    machine, and everything says so.
    """

    settings: Settings
    database: Database
    definitions: Definitions
    library: Library
    registries: Registries
    gate: Gate
    cursors: Cursors
    clock: Clock
    identity: Identity
    policies: Policies
    provider: Provider | None = None
    is_insecure: bool = False
    rates: Rates = field(default_factory=Rates, compare=False)

    @property
    def registry(self) -> Registry:
        """The search parameters as they are now; ask once and keep it for all that must fit together."""
        return self.registries.current()


@dataclass(frozen=True, slots=True)
class Context:
    """One request: first argument of every function of the record.

    `caller` is who asks: without one nothing is seen and nothing may be done. `tx` is bound while a transaction is being answered from
    within, so that its reads see its writes. `installs`: it may write the clinic's own definitions.
    `trail` is what the request has for the audit trail. `beside` are the people (`Practitioner/id`) who signed in beside the caller, to
    witness what this request writes.
    """

    service: Service
    caller: Caller = NOBODY
    request_id: str = ""
    tx: Transaction | None = None
    installs: bool = False
    beside: frozenset[str] = frozenset()
    trail: Trail = field(default_factory=Trail, compare=False)

    @property
    def client(self) -> str:
        """The name of the client; Idempotency-Keys belong to a client."""
        return self.caller.client

    @property
    def access(self) -> Access:
        """What the caller may see and do."""
        return Access(self.caller, belonging.load(self.service.settings.base_url))

    def within(self, tx: Transaction) -> "Context":
        """The same request, reading inside `tx`."""
        return replace(self, tx=tx)

    def writing(self, tx: Transaction) -> "Context":
        """The same request with the search parameters of the write `tx`. Raises Collision when it must be started again with others."""
        registries = self.service.registries
        if isinstance(registries, Pinned):
            return self
        return replace(self, service=replace(self.service, registries=Pinned(registries.database, registries.writing(tx))))

    @contextmanager
    def snapshot(self, pull: bool = False) -> Iterator[Transaction]:
        """A consistent view for several statements: the bound transaction, or a read-only one. `pull`: with a horizon."""
        if self.tx is not None:
            yield self.tx
            return
        with self.service.database.read(pull) as tx:
            yield tx

    @contextmanager
    def glance(self) -> Iterator[Transaction]:
        """A view for one statement."""
        if self.tx is not None:
            yield self.tx
            return
        with self.service.database.glance() as tx:
            yield tx
