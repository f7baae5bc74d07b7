"""Starts and stops, told to the audit trail. After a stop silence is no fault: nothing was running that could have said anything."""

import logging

from service.audit.event import Event
from service.audit.kinds import STARTED, STOPPED
from service.audit.sequencer import LEASE
from service.errors import Overloaded
from service.records import trail
from service.records.context import Service
from service.security.caller import Caller
from service.storage import audit_log, leases

_LOG = logging.getLogger("infusion_records")


def started(service: Service, name: str) -> None:
    """The process `name` starts to work. Raises Overloaded when that cannot be recorded."""
    trail.record(service, Event(STARTED, subject=name), Caller.internal(name))


def stopped(service: Service, name: str) -> None:
    """The process `name` has done its work. When that cannot be recorded, the log says so: it ends all the same."""
    try:
        trail.record(service, Event(STOPPED, subject=name), Caller.internal(name))
    except Exception as error:  # noqa: BLE001 - whatever keeps it from being recorded, the process ends
        _LOG.warning("the stop of %s could not be recorded: %s", name, type(error).__name__)


def left(service: Service, name: str) -> None:
    """A command has ended: a stop, if it recorded something that nobody is there to follow."""
    try:
        with service.database.glance() as tx:
            lease, newest = leases.find(tx, LEASE), audit_log.newest_interaction(tx)
    except Overloaded:
        return
    is_watched = lease is not None and lease.is_live
    if newest not in (None, STOPPED.interaction) and not is_watched:
        stopped(service, name)
