"""Breaking the glass: somebody who treats goes beyond the own clinic, for one patient, a stated reason and an hour.

It widens whose patients are reached and nothing else: what the role may not do it may not do now either. Each access is told to the audit
trail when it opens and when it closes, and waits on a list until somebody who may read the whole trail has looked at it, within 72 hours.
https://terminology.hl7.org/CodeSystem-v3-ActReason.html (ETREAT), security.roles.BREAK_GLASS
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from service.audit.kinds import GLASS_BROKEN, GLASS_MENDED, LOG_USED, Kind
from service.errors import BadRequest, Conflict, Forbidden, NotFound
from service.records import happening
from service.records.context import Context, Service
from service.records.find import find
from service.records.happening import Happening
from service.security.caller import Caller
from service.security.roles import BREAK_GLASS, Rule
from service.storage import glass
from service.storage.database import Transaction
from service.storage.glass import Access

REVIEWERS_SCOPE = "audit.full"
MOST_CHARACTERS = 500
_MINUTE = 60 * 1_000_000
_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Case:
    """An access as its reviewer sees it: `due` (microseconds) is until when somebody must look at it."""

    access: Access
    due: int
    is_open: bool
    is_overdue: bool


def may(caller: Caller) -> bool:
    """Whether the caller may break the glass."""
    return caller.user is not None and Rule.BREAK_GLASS in caller.rules


def may_review(caller: Caller) -> bool:
    """Whether the caller may look at what others did."""
    return caller.user is not None and caller.grant.has(REVIEWERS_SCOPE)


def opened(ctx: Context, patient: str, reason: str) -> Access:
    """Open an access to a patient, named by id or by an identifier; the one that is open already, if there is one.

    Raises Forbidden for who may not, BadRequest without a reason, NotFound unless exactly one patient is named.
    """
    if not may(ctx.caller) or ctx.caller.user is None:
        raise Forbidden.of("forbidden", "break-glass", "Your role has no emergency access.")
    reason, at = _stated(reason), ctx.service.clock()
    id = _patient(ctx.service, patient.strip())
    with ctx.service.database.write() as tx:
        for one in glass.open_of(tx, ctx.caller.user, at):
            if one.patient == id:
                return one
        new = Access(str(uuid.uuid4()), ctx.caller.user, ctx.client, id, reason, at, at + BREAK_GLASS.minutes * _MINUTE)
        glass.add(tx, new)
        _tell(ctx.service, tx, GLASS_BROKEN, ctx.caller, new, reason)
    return new


def close(ctx: Context, id: str) -> None:
    """Close an access of one's own before its time is over. Raises NotFound for any other."""
    with ctx.service.database.write() as tx:
        found = glass.find(tx, id)
        if found is None or found.user != ctx.caller.user:
            raise NotFound.of("not-found", "break-glass", "You have no such emergency access.")
        if glass.close(tx, id, min(ctx.service.clock(), found.expires)):
            _tell(ctx.service, tx, GLASS_MENDED, ctx.caller, found, "closed")


def admitted(service: Service, caller: Caller) -> Caller:
    """The caller with the emergency accesses that are open for it."""
    if not may(caller) or caller.user is None:
        return caller
    with service.database.glance() as tx:
        found = glass.open_of(tx, caller.user, service.clock())
    if not found:
        return caller
    return replace(caller, purpose=BREAK_GLASS.purpose, glass=found[0].id, beyond=tuple(sorted(one.patient for one in found)))


def own(ctx: Context) -> list[Access]:
    """The accesses of the caller that are open, the latest first."""
    with ctx.glance() as tx:
        return glass.open_of(tx, ctx.caller.user or "", ctx.service.clock())


def sweep(service: Service) -> int:
    """Close what has run out, and tell the audit trail of it; how many. Whoever looks at accesses does it first, and so may the worker."""
    at = service.clock()
    with service.database.glance() as tx:
        over = glass.run_out(tx, at)
    for one in over:
        with service.database.write() as tx:
            if glass.close(tx, one.id, one.expires):
                _tell(service, tx, GLASS_MENDED, Caller(one.client, user=one.user), one, "time over")
    return len(over)


def cases(ctx: Context) -> tuple[Sequence[Case], Sequence[Case]]:
    """What waits for a review, the oldest first, and what was reviewed last. Raises Forbidden for who may not review."""
    _require_reviewer(ctx)
    sweep(ctx.service)
    with ctx.snapshot() as tx:
        waiting, done = glass.unreviewed(tx), glass.reviewed(tx, _SHOWN)
    return [_case(ctx, one) for one in waiting], [_case(ctx, one) for one in done]


def review(ctx: Context, id: str, finding: str) -> None:
    """Write down what was found. Raises Forbidden for who may not, or reviews the own access, BadRequest without words, and Conflict
    for an access that is open or was reviewed already."""
    _require_reviewer(ctx)
    finding, at, reviewer = _stated(finding), ctx.service.clock(), ctx.caller.user or ""
    sweep(ctx.service)
    with ctx.service.database.write() as tx:
        found = glass.find(tx, id)
        if found is None:
            raise NotFound.of("not-found", "break-glass", "There is no such emergency access.")
        if found.user == reviewer:
            raise Forbidden.of("forbidden", "break-glass", "Somebody else must review your own access.")
        if found.closed is None or not glass.review(tx, id, reviewer, finding, at):
            raise Conflict.of("conflict", "break-glass", "The access is still open, or somebody has reviewed it already.")
        _tell(ctx.service, tx, LOG_USED, ctx.caller, found, f"reviewed: {finding}")


def _case(ctx: Context, access: Access) -> Case:
    due, at = access.opened + BREAK_GLASS.review_hours * 60 * _MINUTE, ctx.service.clock()
    return Case(access, due, access.closed is None and access.expires > at, access.reviewed is None and at > due)


def _require_reviewer(ctx: Context) -> None:
    if not may_review(ctx.caller):
        raise Forbidden.of("forbidden", "break-glass", "Only who may read the whole audit trail reviews emergency accesses.")


def _stated(reason: str) -> str:
    reason = " ".join(reason.split())
    if not BREAK_GLASS.reason_characters <= len(reason) <= MOST_CHARACTERS:
        raise BadRequest.of(
            "invalid", "reason", f"Say why, in {BREAK_GLASS.reason_characters} to {MOST_CHARACTERS} characters; an auditor will read it."
        )
    return reason


def _patient(service: Service, named: str) -> str:
    """The id of the one patient with that id or identifier, whoever treats that patient."""
    ctx = Context(service, Caller.internal("break-glass"))
    for parameter in ("_id", "identifier"):
        if not named or any(character in named for character in ",$\\"):
            break
        _, page = find(ctx, "Patient", [(parameter, named.removeprefix("Patient/")), ("_count", "2")], lenient=False)
        if len(page.matches) == 1:
            return str(page.matches[0].id)
    raise NotFound.of("not-found", "break-glass", "Name exactly one patient, by the id or by an identifier of this record.")


def _tell(service: Service, tx: Transaction, kind: Kind, who: Caller, access: Access, detail: str) -> None:
    whoever = replace(who, purpose=BREAK_GLASS.purpose, glass=access.id)
    happening.tell(service, Happening(kind, whoever, f"emergency access {access.id}", detail, patient=access.patient), tx)
