"""The job of the worker that makes the exports of the register, one after the other, in a thread beside the log of the audit trail.

A lease lets one worker do it. How far it has come is written down together with the renewal of the lease: who has lost it, or whose export
was given up, stops. What was broken off, by a stop or a death, is made again from its beginning by whoever has the lease next; after three
times it has failed. An export is done in the same transaction as its event on the audit trail, which names every patient in it.
"""

import errno
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from service import clock
from service.audit.checkpoint import Signer
from service.audit.event import Event
from service.audit.kinds import EXPORTED
from service.bulk.register_export import folder
from service.bulk.register_export.content import Making, Unsignable
from service.bulk.register_export.folder import PART, Unwritable
from service.errors import Overloaded, ServiceError
from service.jobs.timetable import Job
from service.records import trail
from service.records.context import Context, Service
from service.records.identity import new_id
from service.records.register import exports
from service.records.register.exports import DONE, EXPIRED, FAILED, RUNNING, SUBJECT, UNFINISHED, WAITING, Export
from service.storage import leases, register_exports
from service.storage.failures import Collision

LEASE = "register-export"
ATTEMPTS = 3
_BEAT_SECONDS, _TURN_SECONDS, _SWEEP_SECONDS = 1.0, 1.0, 60.0
_STOP_SECONDS = 10.0
_DAY = 24 * 3600 * 1_000_000
_KEPT_DAYS = 30
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_LOG = logging.getLogger("infusion_records.exports")

Reports = Callable[[Making, str, tuple[str, ...]], None]


class _Stopped(Exception):
    """The worker is told to stop: the export waits for the next one."""


class _Lost(Exception):
    """Somebody else has the lease, or the export was given up."""


@dataclass(slots=True)
class Exports:
    """The exports of one worker. `reports` writes the reports; `signer` signs the manifests."""

    service: Service
    signer: Signer
    reports: Reports
    lease_seconds: float = 120.0
    _holder: str = ""
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _beaten: float = 0.0

    def __post_init__(self) -> None:
        self._holder = new_id(self.service.clock())

    @property
    def jobs(self) -> Sequence[Job]:
        """What the worker does now and then."""
        return Job("exports", self.turn, _TURN_SECONDS), Job("expired exports", self.sweep, _SWEEP_SECONDS)

    def turn(self) -> None:
        """Begin, if there is something to make and nobody makes it."""
        if self._thread and self._thread.is_alive():
            return
        with self.service.database.glance() as tx:
            is_any = register_exports.is_any(tx)
        if is_any and self._taken():
            self._thread = threading.Thread(target=self._run, name="register exports", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Break off what is being made; the next worker makes it."""
        self._stop.set()
        if self._thread:
            self._thread.join(_STOP_SECONDS)

    def sweep(self) -> None:
        """Remove what has expired, was given up or broken off. Whoever has the lease does it, between two exports."""
        if (self._thread and self._thread.is_alive()) or not self._taken():
            return
        now, root = self.service.clock(), self._root
        with self.service.database.read() as tx:
            kept = {one.id for one in register_exports.every(tx, DONE) if one.expires > now}
            expired = [one.id for one in register_exports.every(tx, DONE) if one.id not in kept]
        for name in folder.names(root):
            if name not in kept:
                folder.remove(root / name)
        with self.service.database.write() as tx:
            for id in expired:
                register_exports.change(tx, id, (DONE,), status=EXPIRED, ended=now, files=[], patients=[])
            register_exports.forget(tx, now - _KEPT_DAYS * _DAY)
            leases.release(tx, LEASE, self._holder)

    def make(self) -> None:
        """Make everything that waits. Raises what the database raises when it cannot."""
        while not self._stop.is_set() and (export := self._next()):
            try:
                self._make(export)
            except _Stopped:
                self._change(export, status=WAITING, attempts=export.attempts, progress="waiting")
            except _Lost:
                folder.remove(self._root / f"{export.id}{PART}")
            except (Unsignable, Unwritable, ServiceError) as error:
                if isinstance(error, Overloaded):
                    raise
                self._fail(export, str(error))
            except OSError as error:
                self._fail(export, _told(error))

    @property
    def _root(self) -> Path:
        return Path(self.service.settings.register_exports)

    def _run(self) -> None:
        try:
            self.make()
        except (Overloaded, Collision) as error:
            _LOG.warning("an export was broken off, the database cannot now: %s", type(error).__name__)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must be seen, and is tried again a few times
            _LOG.error("an export was broken off: %s", type(error).__name__)
        finally:
            self._release()

    def _taken(self) -> bool:
        try:
            with self.service.database.write() as tx:
                return leases.take(tx, LEASE, self._holder, self.lease_seconds)
        except Collision:
            return False

    def _release(self) -> None:
        try:
            with self.service.database.write() as tx:
                leases.release(tx, LEASE, self._holder)
        except (Overloaded, Collision):
            _LOG.warning("the lease of exports runs out by itself")

    def _next(self) -> Export | None:
        """The export to make now; those that were broken off too often have failed."""
        with self.service.database.read() as tx:
            waiting = register_exports.every(tx, *UNFINISHED)
        for one in waiting:
            if one.attempts < ATTEMPTS:
                if self._change(one, status=RUNNING, attempts=one.attempts + 1, progress="begun"):
                    return one
            else:
                self._fail(one, f"It was broken off {ATTEMPTS} times. The log of the worker says why.")
        return None

    def _make(self, export: Export) -> None:
        ctx = Context(self.service, exports.asker(self.service, export))
        made = folder.opened(self._root, export.id)
        making = Making(ctx, export, made, self.signer, lambda progress: self._beat(export, progress), self.reports)
        digest = making.write()
        place = self._root / export.id
        made.publish(place)
        now = self.service.clock()
        details = (("export", export.id), ("files", str(len(made.files))), ("sha256", digest))
        event = Event(EXPORTED, subject=SUBJECT, details=details, patients=tuple(sorted(making.patients)))
        values = {"files": sorted(made.files.values()), "patients": sorted(making.patients)}
        expires = now + self.service.settings.register_export_days * _DAY
        with self.service.database.write() as tx:
            if not leases.renew(tx, LEASE, self._holder, self.lease_seconds) or not register_exports.change(
                tx, export.id, (RUNNING,), status=DONE, ended=now, expires=expires, progress="done", **values
            ):
                raise _Lost
            trail.append(self.service, tx, event, ctx.caller)

    def _beat(self, export: Export, progress: str) -> None:
        if self._stop.is_set():
            raise _Stopped
        moment = clock.monotonic()
        if moment - self._beaten >= _BEAT_SECONDS:
            self._beaten = moment
            if not self._change(export, progress=progress):
                raise _Lost

    def _fail(self, export: Export, told: str) -> None:
        folder.remove(self._root / f"{export.id}{PART}")
        folder.remove(self._root / export.id)
        if self._change(export, status=FAILED, ended=self.service.clock(), progress="failed", told=told):
            _LOG.error("an export of the register failed: %s", told)

    def _change(self, export: Export, **values: object) -> bool:
        """Write down how an export stands, while the lease is still held: whether both are so."""
        with self.service.database.write() as tx:
            held = leases.renew(tx, LEASE, self._holder, self.lease_seconds)
            return held and register_exports.change(tx, export.id, UNFINISHED, **values)


def _told(error: OSError) -> str:
    if error.errno in _FULL:
        return "There is no room for it in the directory of exports. Make room, and ask again."
    return f"The directory of exports cannot be written to ({errno.errorcode.get(error.errno or 0, 'unknown')}). Mend it, and ask again."
