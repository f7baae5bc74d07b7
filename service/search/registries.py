"""The registry of a running process, replaced when the list of indexed parameters changes (`search.activation`).

A search asks for the registry again when it has its answer: the one that it used was compared with the database at most SECONDS before its
snapshot. A write uses one of exactly the
generation that it opened at, or starts again. So after a change was committed, every write that opens knows of it at once and every search
after GRACE_SECONDS; what writes stop to maintain was refused by all searches before.

Entries whose rows this process does not make, because it is another version of the service or runs in another time zone, are disowned
before its first write: nobody searches them then, until a reindex.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import TypeVar

from service import clock
from service.errors import Conflict
from service.search import active_list
from service.search.activation import ACTIVE, DROPPING, FOREIGN, INDEXING, Key, Listed
from service.search.parameter import Registry
from service.storage.database import Database, Transaction
from service.storage.failures import Collision

SECONDS = 1.0
GRACE_SECONDS = 3.0
_ATTEMPTS = 8
_NEVER = float("-inf")

Result = TypeVar("Result")


class Registries:
    """The present registry of one database. Thread-safe."""

    def __init__(self, database: Database, definitions: Registry, grace_seconds: float = GRACE_SECONDS) -> None:
        self.database = database
        self.grace_seconds = grace_seconds
        self._defined = definitions
        self._current = definitions
        self._foreign: tuple[Listed, ...] = ()
        self._checked = _NEVER
        self._lock = Lock()

    def current(self) -> Registry:
        """The registry to search with, not more than SECONDS behind the database."""
        if clock.monotonic() - self._checked > SECONDS:
            with self._lock:
                if clock.monotonic() - self._checked > SECONDS:
                    self._check()
        return self._current

    def prepare(self) -> None:
        """Before a write opens: know the present list, and disown what the write would not keep up."""
        self.current()
        if self._foreign:
            with self._lock:
                if self._foreign:
                    self._disown(self._foreign)
                self._check()

    def writing(self, tx: Transaction) -> Registry:
        """The registry for a write that has just opened. Raises Collision when it has to be prepared again."""
        registry = self._current
        if tx.generation != _generation(registry) or self._foreign:
            self.expire()
            raise Collision
        return registry

    def transact(self, work: Callable[[Transaction, Registry], Result]) -> Result:
        """Run `work` in a write with its registry; again from the start when another write wins. Raises Conflict when that never ends."""
        for _ in range(_ATTEMPTS):
            self.prepare()
            try:
                with self.database.write() as tx:
                    return work(tx, self.writing(tx))
            except Collision:
                continue
        raise _contended()

    def expire(self) -> None:
        """Look at the database again before the next use."""
        self._checked = _NEVER

    def start(self) -> None:
        """Before the first request: parameters become active at once on types that have no resources."""
        if not self.current().awaited():
            return
        waiting = self._retried(self._await_empty)
        if waiting:
            self.database.settled()
            self._retried(lambda tx: self._activate_empty(tx, waiting))
        self.expire()

    def _retried(self, work: Callable[[Transaction], Result]) -> Result:
        """Run `work` in a write that does not depend on the registry; processes that start together take turns."""
        for _ in range(_ATTEMPTS):
            with suppress(Collision), self.database.write() as tx:
                return work(tx)
        raise _contended()

    def _await_empty(self, tx: Transaction) -> dict[Key, str]:
        """List what the release defines for types without resources, so that every write makes its rows from now on."""
        known = self._defined.definitions
        registry = self._defined.listed(active_list.read(tx, known))
        used, defined = active_list.used_types(tx, known), registry.digests()
        waiting = {key: digest for key, digest in registry.awaited().items() if key in defined and key[0] not in used}
        if waiting:
            active_list.put(tx, known, [Listed(*key, digest, INDEXING) for key, digest in waiting.items()])
            active_list.advance(tx)
        return waiting

    def _activate_empty(self, tx: Transaction, waiting: dict[Key, str]) -> None:
        """Those whose type has no resource even now that every write makes the rows."""
        known = self._defined.definitions
        used = active_list.used_types(tx, known)
        by_type: dict[str, dict[str, str]] = {}
        for (type, code), digest in waiting.items():
            by_type.setdefault(type, {})[code] = digest
        for type, digests in by_type.items():
            if type not in used:
                active_list.activate(tx, known, type, digests)
        active_list.advance(tx)

    def _check(self) -> None:
        """Compare with the database, and read the list again when its generation is another."""
        began = clock.monotonic()
        with self.database.glance() as tx:
            known = self._current.listing
            if known is None or active_list.number(tx) != known.generation:
                registry = self._defined.listed(active_list.read(tx, self._defined.definitions))
                self._current, self._foreign = registry, _foreign(registry)
        self._checked = began

    def _disown(self, foreign: tuple[Listed, ...]) -> None:
        with self.database.write() as tx:
            active_list.disown(tx, self._defined.definitions, foreign)
            active_list.advance(tx)
        if any(one.state == ACTIVE for one in foreign):
            time.sleep(self.grace_seconds)


def _foreign(registry: Registry) -> tuple[Listed, ...]:
    """The entries whose rows this process does not make as listed."""
    entries = registry.listing.entries.values() if registry.listing else ()
    return tuple(one for one in entries if one.digest != FOREIGN and one.state != DROPPING and registry.digest_of(one) != one.digest)


def _contended() -> Conflict:
    return Conflict.of("conflict", "contention", "Other writes kept winning. Try again.")


def _generation(registry: Registry) -> int:
    return registry.listing.generation if registry.listing else -1


class Pinned(Registries):
    """One registry for as long as a write takes."""

    def __init__(self, database: Database, registry: Registry) -> None:
        super().__init__(database, registry.defined)
        self._registry = registry

    def current(self) -> Registry:
        """The registry."""
        return self._registry

    def prepare(self) -> None:
        """Nothing: the write is open."""

    def expire(self) -> None:
        """Nothing: the write has one registry to its end."""
