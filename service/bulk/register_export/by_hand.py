"""An export of the register that an operator makes at once, without the worker, into a directory of choice."""

from dataclasses import replace
from pathlib import Path

from service.audit.checkpoint import Signer
from service.audit.event import Event
from service.audit.kinds import EXPORTED
from service.bulk.register_export import folder, reports
from service.bulk.register_export.content import Making
from service.bulk.register_export.folder import PART, Folder
from service.records import trail
from service.records.context import Context
from service.records.identity import new_id
from service.records.register.exports import RUNNING, SUBJECT, Export


def write(ctx: Context, signer: Signer, place: Path, since: int, until: int) -> Folder:
    """Write everything of a period (microseconds, without its end) to `place`, which is made whole or not at all.

    It is recorded before it is there, with every patient in it. Raises Unsignable, and OSError for a place that cannot be written to.
    """
    now = ctx.service.clock()
    export = Export(new_id(now), RUNNING, ctx.client, ctx.caller.user or "", {}, None, since, until, now)
    made = folder.new(place.with_name(f"{place.name}{PART}"))
    try:
        making = Making(replace(ctx, request_id=""), export, made, signer, lambda _: None, reports.write)
        digest = making.write()
        details = (("export", export.id), ("files", str(len(made.files))), ("sha256", digest))
        event = Event(EXPORTED, subject=SUBJECT, details=details, patients=tuple(sorted(making.patients)))
        trail.record(ctx.service, event, ctx.caller)
        made.publish(place)
    except BaseException:
        folder.remove(made.path)
        raise
    return made
