"""`worker`: keeps the log of the audit trail and clears away what has expired, beside the service."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from service import clock
from service.cli.record import opened, record
from service.config import Settings

if TYPE_CHECKING:
    from service.records.context import Service

_START_SECONDS = 10.0
_STOP_SECONDS = 20.0
_POLL_SECONDS = 0.05


@click.command()
@click.option("--restored", metavar="REASON", help="The database was restored from a backup: record why. Needs a new AUDIT_CHECKPOINTS.")
def worker(restored: str | None) -> None:
    """Give the entries of the audit trail their places, sign the log, and clear away what has expired.

    Start it beside `serve`, on one host or on several: one works, another takes over when it dies. It needs AUDIT_KEY, as a file best.

    \b
    Examples:
      infusion-records worker
      infusion-records worker --restored "disk failure on May 3, backup of May 2"
    """
    settings = Settings.load()
    from service.records import upkeep

    upkeep.signer(settings)
    with record(settings) as ctx:
        _work(ctx.service, restored)


@contextmanager
def beside(settings: Settings) -> Iterator[None]:
    """A worker in a process of its own, while something else runs in this one; its key lies beside the database and is made when missing.

    Raises SettingsError for a key that is malformed.
    """
    from service import wiring
    from service.records import upkeep

    settings = _with_key(settings)
    upkeep.signer(settings)
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        code = 1
        os.setsid()  # what is sent to the terminal's processes ends the other one first, so that the worker signs the end of it
        with suppress(Exception):
            _work(wiring.service(settings), None, parent)
            code = 0
        os._exit(code)
    try:
        _await(settings)
        yield
    finally:
        if os.getpid() == parent:  # what runs here may fork, and end here in each of its children
            _stop(child)


def _await(settings: Settings) -> None:
    """Wait a moment for a worker to have the lease: what starts next warns when there is none."""
    from service.audit.sequencer import LEASE
    from service.storage import leases

    deadline = clock.monotonic() + _START_SECONDS
    with opened(settings) as database:
        while clock.monotonic() < deadline:
            with database.glance() as tx:
                if (lease := leases.find(tx, LEASE)) and lease.is_live:
                    return
            time.sleep(_POLL_SECONDS)


def _with_key(settings: Settings) -> Settings:
    from service.audit import key_file

    if settings.audit_key:
        return settings
    folder = Path(settings.database_url.removeprefix("sqlite:///")).parent if settings.is_sqlite else Path("var")
    signer = key_file.obtain(folder / "audit-key", f"{urlsplit(settings.base_url).netloc}/audit")
    checkpoints = settings.audit_checkpoints or str(folder / "audit-checkpoints.txt")
    return settings.with_values(audit_key=signer.secret, audit_checkpoints=checkpoints)


def _work(service: "Service", restored: str | None, parent: int | None = None) -> None:
    """Work until this process is told to stop, or until its parent has gone."""
    from service.audit.head import Halted
    from service.bulk.register_export import reports
    from service.bulk.register_export.work import Exports
    from service.records import upkeep
    from service.web import request_log

    request_log.configure(service.settings.log_level)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if parent is not None:
        threading.Thread(target=_watch, args=(parent, stop), daemon=True).start()
    try:
        upkeep.run(service, stop, restored, Exports(service, upkeep.signer(service.settings), reports.write))
    except Halted as error:
        request_log.LOGGER.critical("the audit log is halted: %s", error)
        raise click.ClickException(str(error)) from error
    finally:
        service.database.dispose()


def _watch(parent: int, stop: threading.Event) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    stop.set()


def _stop(child: int) -> None:
    """End the worker in an orderly way; somebody else in this process may have learnt already that it has ended."""
    deadline = clock.monotonic() + _STOP_SECONDS
    with suppress(ProcessLookupError, ChildProcessError):
        os.kill(child, signal.SIGTERM)
        while os.waitpid(child, os.WNOHANG)[0] == 0:
            if clock.monotonic() > deadline:
                os.kill(child, signal.SIGKILL)
            time.sleep(_POLL_SECONDS)
