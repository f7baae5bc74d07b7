"""Exports of the register as those see them who ask for one: what was asked for, how it stands, and the files of one that is done.

The worker makes them (`bulk.register_export`). Who may read the register of the same sites may fetch what somebody else asked for; that is
told to the audit trail as a disclosure of its own, like the making. https://hl7.org/fhir/R4/async.html
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.audit.event import Event
from service.audit.kinds import EXPORTED
from service.errors import BadRequest, Conflict, Forbidden, NotFound
from service.fhir import temporal
from service.records import trail
from service.records.context import Context, Service
from service.records.identity import new_id
from service.records.register import gate
from service.security.caller import Caller
from service.storage import register_exports
from service.storage.register_exports import DONE, EXPIRED, FAILED, RUNNING, UNFINISHED, WAITING, Export

TYPES = (
    *("DetectedIssue", "Encounter", "List", "Medication", "MedicationAdministration", "MedicationDispense", "Observation"),
    *("Provenance", "SupplyDelivery", "Task"),
)
"""The types of the records in an export: who asks for one must be able to read each of them."""
YEARS = 2
"""How far back an export goes unless told otherwise."""
MOST = 5
"""Exports of one caller that are kept, made or waiting."""
SUBJECT = "register export"
_FIRST = 0
"""1970-01-01, older than any book."""
_ID = re.compile(r"[0-9a-f-]{36}")

__all__ = ["DONE", "EXPIRED", "FAILED", "MOST", "RUNNING", "SUBJECT", "TYPES", "UNFINISHED", "WAITING", "Export", "File"]


@dataclass(frozen=True, slots=True)
class File:
    """A file of an export: where it lies, its size in bytes, its SHA-256."""

    path: Path
    size: int
    digest: str


def period(service: Service, start: str | None, end: str | None) -> tuple[int, int]:
    """From the first instant of `start` to the one after the last of `end`, dates as FHIR writes them.

    Without `end` until now, and never beyond. Without `start` two years: for so long records are kept at the least (21 CFR 1304.04(a)).
    Raises BadRequest for what is no date, and for a period that ends before it begins.
    """
    given = {name: _interval(service, name, text) for name, text in (("start", start), ("end", end)) if text is not None}
    now = service.clock()
    until = min(given["end"].hi + 1, now) if end is not None else now
    since = max(given["start"].lo, _FIRST) if start is not None else until - YEARS * 366 * temporal.DAY
    if since >= until:
        raise _refused("start", "The period ends before it begins. Give 'start' before 'end'.")
    return since, until


def _interval(service: Service, name: str, text: str) -> temporal.Interval:
    try:
        return temporal.interval(text.strip().replace(" ", "+"), service.settings.zone)
    except (ValueError, OverflowError):
        raise _refused(name, f"'{name}' takes a date, as 2026-03-14 or 2026-03-14T10:00:00Z, not {text[:40]!r}.") from None


def _refused(name: str, told: str) -> BadRequest:
    return BadRequest.of("value", "operation-parameter", told, f"http.{name}")


def ask(ctx: Context, since: int, until: int) -> Export:
    """Ask for everything of a period (microseconds, without its end). It is made by the worker, with the rights of who asks.

    Raises Forbidden for who may not read the register and the records behind it, Conflict for more exports than one caller may have.
    """
    gate.require_read(ctx)
    for type in TYPES:
        ctx.access.require("r", type)
    service, caller = ctx.service, ctx.caller
    now = service.clock()
    with service.database.write() as tx:
        if register_exports.kept_for(tx, caller.client, caller.user or "") >= MOST:
            told = f"There are {MOST} exports that you asked for. Wait until one expires, or send DELETE to the URL of one."
            raise Conflict.of("too-costly", "export-limit", told)
        new = Export(
            id=new_id(now),
            status=WAITING,
            client=caller.client,
            user=caller.user or "",
            actor=_actor(caller),
            sites=gate.sites(ctx, tx),
            since=since,
            until=until,
            asked=now,
        )
        register_exports.add(tx, new)
    return new


def view(ctx: Context, id: str) -> Export:
    """An export. Raises Forbidden for who may not read the register; NotFound for one that is not there, or of sites out of reach."""
    gate.require_read(ctx)
    with ctx.service.database.read() as tx:
        found, sites = register_exports.find(tx, id) if _ID.fullmatch(id) else None, gate.sites(ctx, tx)
    if found is None or not _covers(sites, found.sites):
        raise NotFound.of("not-found", "export", "There is no such export, or not any more. Ask for one at $cs-export.")
    return found


def cancel(ctx: Context, id: str) -> None:
    """Give an export up: what is being made is broken off, what was made is removed. Raises Forbidden for who did not ask, NotFound."""
    found = view(ctx, id)
    if not ctx.caller.is_internal and not _asked_by(ctx.caller, found):
        raise Forbidden.of("forbidden", "export", "Somebody else asked for this export. Who asked for it may give it up.")
    details = (("export", id), ("result", "given up"))
    with ctx.service.database.write() as tx:
        register_exports.remove(tx, id)
        trail.append(ctx.service, tx, Event(EXPORTED, subject=SUBJECT, details=details), ctx.caller, ctx.request_id)
    ctx.trail.count += 1


def fetched(ctx: Context, id: str, names: tuple[str, ...]) -> dict[str, File]:
    """Files of an export that is done, by their path in it; all of them without `names`. It is noted on the audit trail.

    Raises what `view` raises, and NotFound for a file that it has not, or that does not lie where this process looks.
    """
    export = view(ctx, id)
    root = Path(ctx.service.settings.register_exports) / export.id
    known = {name: File(root / name, size, digest) for name, size, digest in export.files} if export.status == DONE else {}
    found = {name: known[name] for name in names or known if name in known}
    if not found or len(found) < len(names):
        raise NotFound.of("not-found", "export-file", "The export has no such file, or is not done, or has expired.")
    if not all(one.path.is_file() for one in found.values()):
        told = "The file does not lie in REGISTER_EXPORTS of this process. It must be one directory for the service and its worker."
        raise NotFound.of("not-found", "export-file", told)
    patients = () if _asked_by(ctx.caller, export) else export.patients
    details = (("export", id), *(("file", name) for name in names or ("all",)))
    trail.note(ctx, Event(EXPORTED, subject=SUBJECT, details=details, patients=patients))
    return found


def asker(service: Service, export: Export) -> Caller:
    """Who asked for an export, with the rights of then."""
    actor = export.actor
    if actor["internal"]:
        return Caller.internal(export.client)
    return Caller(
        export.client,
        service.identity.grant(actor["scopes"]),
        user=export.user or None,
        name=actor["name"],
        role=actor["role"],
        organizations=tuple(actor["organizations"]),
        token=actor["token"],
        address=actor["address"],
        purpose=actor["purpose"],
    )


def _actor(caller: Caller) -> dict[str, Any]:
    return {
        "internal": caller.is_internal,
        "scopes": str(caller.grant),
        "name": caller.name,
        "role": caller.role,
        "organizations": list(caller.organizations),
        "token": caller.token,
        "address": caller.address,
        "purpose": caller.purpose,
    }


def _asked_by(caller: Caller, export: Export) -> bool:
    return (caller.client, caller.user or "") == (export.client, export.user)


def _covers(mine: frozenset[str] | None, theirs: frozenset[str] | None) -> bool:
    """Whether who may see the books of `mine` may see those of `theirs`; None is all of them."""
    return mine is None or (theirs is not None and theirs <= mine)
