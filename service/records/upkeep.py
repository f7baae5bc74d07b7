"""What `infusion-records worker` does: it keeps the log of the audit trail, and clears away what has expired.

Any number of workers may run; one of them works, the others wait for it to die. Each records when it starts and when it stops: between
a stop and the next start silence is no fault.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from service.audit.checkpoint import NoteRefused, Signer
from service.audit.event import Event
from service.audit.kinds import CONFIGURED, HEARTBEAT, Kind
from service.audit.publication import Publication
from service.audit.sequencer import Sequencer
from service.config import PREFIX, Settings, SettingsError
from service.errors import Overloaded
from service.jobs.timetable import Job, Timetable
from service.records import emergency, lifecycle, rates, trail
from service.records.context import Service
from service.security.caller import Caller
from service.storage import assertions, receipts, tokens
from service.storage.database import Transaction
from service.storage.failures import Collision

TURN_SECONDS = 0.2
WORKER = Caller.internal("worker")
_WAIT_SECONDS = 1.0
_MINUTE, _HOUR = 60.0, 3600.0
_DAY = 24 * 3600 * 1_000_000
_LOG = logging.getLogger("infusion_records.worker")


def signer(settings: Settings) -> Signer:
    """The key that signs the log. Raises SettingsError when it is missing or malformed."""
    if not settings.audit_key:
        raise SettingsError(
            f"{PREFIX}AUDIT_KEY is not set: the worker signs with it. Make a key with `infusion-records audit new-key FILE`, "
            f"and name the file in {PREFIX}AUDIT_KEY_FILE."
        )
    try:
        return Signer.parse(settings.audit_key)
    except NoteRefused as error:
        raise SettingsError(f"{PREFIX}AUDIT_KEY is malformed: {error}") from error


class Beside(Protocol):
    """Work that is too long for a turn: it has jobs that begin it, goes on beside the log, and breaks off when the worker stops."""

    @property
    def jobs(self) -> Sequence[Job]:
        """What is done now and then."""

    def stop(self) -> None:
        """Break off; the next worker takes it up again."""


def run(service: Service, stop: threading.Event, restored: str | None = None, beside: Beside | None = None) -> None:
    """Work until `stop` is set. `restored`: why the database is an older one than it was. Raises Halted when the log must not go on."""
    sequencer = _sequencer(service)
    timetable = Timetable([*jobs(service), *(beside.jobs if beside else ())])
    _insist(lambda: lifecycle.started(service, WORKER.client), stop)
    if restored:
        _insist(lambda: _tell(service, CONFIGURED, ("restored", restored)), stop)
    while not stop.is_set():
        try:
            if sequencer.step():
                timetable.run()
            stop.wait(TURN_SECONDS)
        except (Overloaded, Collision) as error:
            _LOG.warning("the database cannot now: %s", type(error).__name__)
            stop.wait(_WAIT_SECONDS)
    if beside:
        beside.stop()
    lifecycle.stopped(service, WORKER.client)
    sequencer.finish()


def jobs(service: Service) -> list[Job]:
    """What is cleared away, and how often. A token is kept for a day after its end, so that asking for it tells what it was."""
    return [
        _purge(service, "assertions", _MINUTE, assertions.forget),
        _purge(service, "tokens", _HOUR, lambda tx, now: tokens.forget(tx, now - _DAY)),
        _purge(service, "answers", _MINUTE, receipts.forget),
        Job("rates", lambda: rates.sweep(service), _MINUTE),
        Job("emergencies", lambda: _swept(service), _MINUTE),
    ]


def _purge(service: Service, name: str, seconds: float, forget: Callable[[Transaction, int], None]) -> Job:
    def run() -> None:
        with service.database.write() as tx:
            forget(tx, service.clock())

    return Job(name, run, seconds)


def _swept(service: Service) -> None:
    emergency.sweep(service)


def _sequencer(service: Service) -> Sequencer:
    path = service.settings.audit_checkpoints
    publication = Publication(Path(path)) if path else None
    if publication is None:
        _LOG.warning("AUDIT_CHECKPOINTS is not set: who can change the database could have its end forgotten unseen")
    return Sequencer(service.database, signer(service.settings), lambda: _tell(service, HEARTBEAT), publication)


def _tell(service: Service, kind: Kind, *details: tuple[str, str]) -> None:
    trail.record(service, Event(kind, subject="worker", details=details), WORKER)


def _insist(action: Callable[[], None], stop: threading.Event) -> None:
    """Do it as soon as the database can."""
    while not stop.is_set():
        try:
            action()
        except (Overloaded, Collision):
            stop.wait(_WAIT_SECONDS)
        else:
            return
