"""The log of the audit trail as others see it: how far behind it is, its newest checkpoint, and proofs that an entry is in it."""

import base64
from dataclasses import dataclass
from pathlib import Path

from service.audit import export as exports
from service.audit import key_file, subtrees
from service.audit.checkpoint import Signer
from service.audit.event import Event
from service.audit.export import Exported
from service.audit.kinds import CONFIGURED, EXPORTED
from service.audit.sequencer import LEASE
from service.errors import Conflict, NotFound
from service.records import trail
from service.records.context import Context, Service
from service.storage import audit_log, leases
from service.storage.failures import overloaded

ALARM_SECONDS = 5


@dataclass(frozen=True, slots=True)
class State:
    """For how many whole seconds the oldest entry has waited for its place, and whether a worker is alive."""

    lag_seconds: int
    is_alive: bool

    def __str__(self) -> str:
        """A line that says it; empty when there is nothing to say."""
        if self.lag_seconds <= ALARM_SECONDS:
            return f"audit log: {self.lag_seconds} s behind" if self.lag_seconds else ""
        remedy = "look at its log" if self.is_alive else "none is alive, start one: infusion-records worker"
        return f"ALARM audit log: {self.lag_seconds} s behind; the worker gives entries their places ({remedy})"


def state(service: Service) -> State:
    """How the log stands now."""
    with service.database.glance() as tx:
        lease = leases.find(tx, LEASE)
        oldest = audit_log.oldest_waiting(tx, lease.mark if lease else 0)
    lag = max(0, service.clock() - oldest) // 1_000_000 if oldest is not None else 0
    return State(lag, bool(lease and lease.is_live))


def advice(service: Service) -> str:
    """What to do when no worker is alive; empty when one is."""
    if state(service).is_alive:
        return ""
    return "No worker is alive: the audit log is not signed, and nothing that expired is cleared away. Start one: infusion-records worker"


def checkpoint(service: Service) -> str:
    """The newest checkpoint, a signed note. Raises NotFound before there is one."""
    with service.database.glance() as tx:
        newest = audit_log.newest_checkpoint(tx)
    if newest is None:
        raise NotFound.of("not-found", "audit-checkpoint", "There is no checkpoint yet: no worker has signed one.")
    return newest.note


def proof(service: Service, audit_id: str) -> dict[str, object]:
    """That an entry is in the tree of the newest checkpoint: its index and leaf, the hashes beside its path, and the checkpoint.

    Raises NotFound for an entry that nobody recorded, Overloaded while it is not signed yet.
    """
    with service.database.read() as tx:
        place, newest = audit_log.place_of(tx, audit_id), audit_log.newest_checkpoint(tx)
        if place is None and not audit_log.is_recorded(tx, audit_id):
            raise NotFound.of("not-found", "audit-entry", "There is no such entry. `entry` is the id that X-Audit-Entry told.")
        if place is None or newest is None or newest.size <= place[0]:
            raise overloaded("audit-entry", "The entry is recorded, and will be in the next checkpoint. Ask again in a few seconds.")
        index, leaf = place
        hashes = subtrees.inclusion(tx, index, newest.size)
    spelled = [base64.b64encode(one).decode() for one in (leaf, *hashes)]
    return {"entry": audit_id, "index": index, "size": newest.size, "leaf": spelled[0], "proof": spelled[1:], "checkpoint": newest.note}


def export(ctx: Context, folder: Path, start: int = 0, end: int | None = None) -> Exported:
    """Write an export to a directory, which is made. It is recorded first, so that it is in the next one. Raises Unexportable."""
    details = (("from", str(start)), ("to", "newest" if end is None else str(end)))
    trail.record(ctx.service, Event(EXPORTED, subject="audit log", details=details), ctx.caller)
    return exports.write(ctx.service.database, folder, ctx.service.definitions.type_name, start, end)


def rotate(ctx: Context, signer: Signer, path: Path) -> str:
    """Make the key that follows the signer's, in a new file: its public line. Raises Conflict when the signer's is not the newest."""
    service = ctx.service
    with service.database.glance() as tx:
        lines = audit_log.keys(tx)
    if not lines or lines[-1].partition(" ")[0] != str(signer.key):
        raise Conflict.of(
            "conflict", "audit-key", "The key in AUDIT_KEY is not the newest of the log. Set the newest; it introduces the next."
        )
    new = key_file.create(path, signer.name)
    line = signer.introduce(new.key)
    details = (("replaced", signer.key.id.hex()), ("new", new.key.id.hex()))
    try:
        with service.database.write() as tx:
            audit_log.add_key(tx, len(lines), line, leases.now(tx))
            trail.append(service, tx, Event(CONFIGURED, subject="key of the audit log", details=details), ctx.caller)
    except BaseException:
        path.unlink()
        raise
    return line
