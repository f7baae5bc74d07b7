"""The one that gives every entry its place in the log, and signs checkpoints.

Several processes may run it; a lease lets one of them work. A turn takes the events that have no place yet, in batches, appends them
without a gap, and signs the tree: every 1,000 entries, when an entry has been unsigned for two seconds, and after a minute in any case.
When nothing happens it lets an entry be made (the beat), so that every minute has one: silence means that something is wrong.

Places, checkpoints and the renewal of the lease are one transaction: who has lost the lease cannot write any more.
"""

import logging
import os
import secrets
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from service import clock
from service.audit import batch, checkpoint, head
from service.audit.checkpoint import Checkpoint, Signer
from service.audit.horizon import Horizon
from service.audit.publication import Publication
from service.audit.tree import Frontier
from service.storage import audit_log, leases
from service.storage.audit_log import Signed, Waiting
from service.storage.database import Database, Transaction

LEASE = "sequencer"
_LOG = logging.getLogger("infusion_records.audit")


@dataclass(frozen=True, slots=True)
class Pace:
    """How much at once, and how often."""

    batch: int = 5000
    checkpoint_entries: int = 1000
    checkpoint_seconds: float = 60.0
    provable_seconds: float = 2.0
    lease_seconds: float = 4.0
    renewal_seconds: float = 1.0
    sweep_serials: int = 20_000
    sweep_seconds: float = 3600.0


@dataclass(slots=True)
class _Work:
    """What the holder of the lease knows. `mark`: all events up to this serial have a place. Moments are of the monotonic clock.

    `placed` are the larger serials that have one too. `signed` is the size of the newest checkpoint, `swept` the serial up to which the
    present sweep has come; None between two sweeps.
    """

    frontier: Frontier
    signed: int
    mark: int
    placed: set[int]
    horizon: Horizon
    signed_at: float
    renewed_at: float
    unsigned_since: float | None
    swept: int | None = 0
    swept_at: float = 0.0
    is_last: bool = False


class _Lost(Exception):
    """Somebody else has the lease."""


class Sequencer:
    """Call `step` again and again, and `finish` at the end. `beat` makes an entry; `moment` is a monotonic clock."""

    def __init__(
        self,
        database: Database,
        signer: Signer,
        beat: Callable[[], None],
        publication: Publication | None = None,
        pace: Pace | None = None,
        moment: Callable[[], float] = clock.monotonic,
    ) -> None:
        self.holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._database, self._signer, self._beat, self._publication = database, signer, beat, publication
        self._pace, self._moment = pace or Pace(), moment
        self._work: _Work | None = None

    def step(self) -> bool:
        """One turn: whether this process has the lease. Raises Halted when the log must not go on, Overloaded when the database cannot."""
        work, self._work = self._work, None
        if work is None and (work := self._taken()) is None:
            return False
        try:
            self._turn(work)
        except _Lost:
            _LOG.warning("another worker took over the audit log")
            return False
        self._work = work
        return True

    def finish(self) -> None:
        """Give a place to all that waits, sign it, and let another process take over at once."""
        while self._work is not None:
            size, self._work.is_last = self._work.frontier.size, True
            if self.step() and self._work.signed == size:
                break
        self._work = None
        with self._database.write() as tx:
            leases.release(tx, LEASE, self.holder)

    def _taken(self) -> _Work | None:
        """The state of the log, once this process has the lease; what is not published yet is. None while somebody else has it."""
        with self._database.glance() as tx:
            lease = leases.find(tx, LEASE)
            if lease and lease.is_live and lease.holder != self.holder:
                return None
        with self._database.write() as tx:
            if not leases.take(tx, LEASE, self.holder, self._pace.lease_seconds):
                return None
        try:
            return self._resumed(lease.mark if lease else 0)
        except head.Halted:
            self.finish()
            raise

    def _resumed(self, mark: int) -> _Work:
        with self._database.write() as tx:
            if not leases.renew(tx, LEASE, self.holder, self._pace.lease_seconds):
                raise _Lost
            found = head.resume(tx, self._signer, self._publication)
            placed = audit_log.placed_serials(tx, mark)
        self._publish()
        now = self._moment()
        unsigned_since = now if found.frontier.size > found.signed else None
        return _Work(found.frontier, found.signed, mark, placed, Horizon(mark), now - self._pace.checkpoint_seconds, now, unsigned_since)

    def _publish(self) -> None:
        """Append to the file what it lacks."""
        while self._publication:
            with self._database.glance() as tx:
                notes = head.unpublished(tx, self._publication)
            if not notes:
                return
            self._publication.append(notes)

    def _turn(self, work: _Work) -> None:
        rows, mark = self._waiting(work)
        if not rows and self._is_quiet(work):
            self._beat()
            rows, mark = self._waiting(work)
        if rows and work.unsigned_since is None:
            work.unsigned_since = self._moment()
        if rows or self._is_due(work) or self._moment() - work.renewed_at >= self._pace.renewal_seconds:
            self._write(work, rows, mark)
        work.mark = mark
        work.placed = {serial for serial in work.placed.union(row.serial for row in rows) if serial > mark}

    def _waiting(self, work: _Work) -> tuple[Sequence[Waiting], int]:
        """What to append now, and the mark once that is done. Asked in this order: the mark only passes what no later question misses."""
        with self._database.glance() as tx:
            newest = audit_log.newest_serial(tx)
            complete = work.horizon.look(newest, audit_log.writers(tx))
            rows, is_all = self._beyond_the_mark(tx, work)
            mark = max(work.mark, complete if is_all else min(complete, rows[-1].serial))
            return rows or self._passed_over(tx, work), mark

    def _beyond_the_mark(self, tx: Transaction, work: _Work) -> tuple[Sequence[Waiting], bool]:
        """The events with larger serials that have no place, as many as are taken at once; and whether these are all."""
        rows: list[Waiting] = []
        after, most = work.mark, self._pace.batch
        while True:
            page = audit_log.events(tx, after, most)
            rows += [event for event in page if event.serial not in work.placed]
            if len(rows) >= most or len(page) < most:
                return rows[:most], len(rows) <= most and len(page) < most
            after = page[-1].serial

    def _passed_over(self, tx: Transaction, work: _Work) -> Sequence[Waiting]:
        """Events below the mark without a place, of which there should be none: looked for piece by piece, at the start and every hour."""
        if work.swept is None and self._moment() - work.swept_at >= self._pace.sweep_seconds:
            work.swept = 0
        if work.swept is None:
            return ()
        end = work.swept + self._pace.sweep_serials
        rows = audit_log.waiting(tx, work.swept, self._pace.batch, min(end, work.mark))
        if rows:
            _LOG.warning("%d audit entries had been passed over; they get their places now", len(rows))
        else:
            work.swept, work.swept_at = (end if end < work.mark else None), self._moment()
        return rows

    def _is_quiet(self, work: _Work) -> bool:
        """Whether everything is signed, and has been for so long that an entry is to be made."""
        is_signed = work.frontier.size == work.signed
        return is_signed and not work.is_last and self._moment() - work.signed_at >= self._pace.checkpoint_seconds

    def _is_due(self, work: _Work) -> bool:
        """Whether what is unsigned is to be signed now."""
        if work.unsigned_since is None:
            return False
        now, pace = self._moment(), self._pace
        return work.is_last or now - work.unsigned_since >= pace.provable_seconds or now - work.signed_at >= pace.checkpoint_seconds

    def _write(self, work: _Work, rows: Sequence[Waiting], mark: int) -> None:
        made = batch.placed(work.frontier, work.signed, rows, self._pace.checkpoint_entries, self._is_due(work))
        with self._database.write() as tx:
            if not leases.renew(tx, LEASE, self.holder, self._pace.lease_seconds, mark):
                raise _Lost
            if made.places:
                audit_log.append(tx, made.places)
            for tree in made.signed:
                audit_log.sign(tx, self._signed(tree, leases.now(tx)))
        work.frontier, work.renewed_at = made.frontier, self._moment()
        if made.signed:
            work.signed, work.signed_at = made.signed[-1].size, work.renewed_at
            work.unsigned_since = work.renewed_at if made.frontier.size > work.signed else None
            self._publish()

    def _signed(self, tree: Frontier, created: int) -> Signed:
        note = checkpoint.sign(Checkpoint(self._signer.name, tree.size, tree.root), self._signer)
        return Signed(tree.size, tree.root, note, created)
