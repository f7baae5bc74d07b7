"""The audit trail of the record: who did what, told in the transaction that did it, or committed before an answer leaves.

- A version is written together with its event (`told`): neither is there without the other.
- What changes nothing is noted on `ctx.trail` (`note`) and committed before the body leaves (`settle`); if that fails, nothing leaves.
- What the service does besides requests is recorded at once (`record`), or in the transaction of what it tells of (`append`).

docs/audit.md says what is recorded.
"""

import os
from collections.abc import Iterable, Sequence
from hashlib import sha256

from service.audit import event as events
from service.audit.event import Actor, Event, Site
from service.audit.kinds import REST
from service.audit.tree import SALT_BYTES, leaf_hash
from service.errors import Overloaded
from service.records.change import Change, Create, Delete, Patch, Update
from service.records.context import Context, Service
from service.records.identity import new_id
from service.records.write import Mark, Write
from service.search import belonging
from service.search.types.folding import folded
from service.security.caller import Caller
from service.storage import audit
from service.storage.audit import Entry
from service.storage.database import Transaction
from service.storage.failures import overloaded

CONTENT = "sha256"
"""The name of the detail that holds the hash of the stored JSON of a version."""

_MILLISECOND = 1000
_LONGEST_NAME = 200
_CODES: dict[type[Change], str] = {Create: "create", Update: "update", Patch: "patch", Delete: "delete"}


def record(service: Service, event: Event, caller: Caller, request_id: str = "") -> Mark:
    """Commit one event by itself; its place in the trail. Raises Overloaded when it cannot be: then what it tells of must not happen."""
    entry = _entry(service, event, caller, request_id)
    audit.record(service.database, [entry])
    return _mark(entry)


def append(service: Service, tx: Transaction, event: Event, caller: Caller, request_id: str = "") -> Mark:
    """Add one event to the transaction `tx` of what it tells of."""
    entry = _entry(service, event, caller, request_id)
    audit.append(tx, [entry])
    return _mark(entry)


def note(ctx: Context, event: Event) -> None:
    """One event of the present request, to be committed before its answer leaves."""
    ctx.trail.add(_entry(ctx.service, event, ctx.caller, ctx.request_id))


def settle(ctx: Context) -> None:
    """Commit what was noted, together with other requests. Raises Overloaded when that fails: the answer must not leave."""
    waiting, ctx.trail.pending = ctx.trail.pending, []
    if not waiting:
        return
    try:
        audit.record(ctx.service.database, waiting)
    except Overloaded:
        raise
    except Exception as error:
        raise overloaded("audit", "The audit trail cannot be written, so nothing is shown. Try again.") from error


def told(ctx: Context, tx: Transaction, writes: Sequence[tuple[Write, str | None]]) -> list[Mark]:
    """Add the event of each write to its transaction: one for each version, and one for a change that wrote none.

    Beside each write stands what it stores: the event has its SHA-256, so that the log vouches for the content too (`records.integrity`).
    """
    entries = [_entry(ctx.service, _of(ctx, write, stored), ctx.caller, ctx.request_id) for write, stored in writes]
    audit.append(tx, entries)
    ctx.trail.count += len(entries)
    return [_mark(entry) for entry in entries]


def seen(ctx: Context) -> tuple[str, ...]:
    """The patients of what the present interaction showed, each once, in the order of their appearance."""
    registry, found = ctx.service.registry, dict.fromkeys(sorted(ctx.trail.patients))
    for type, text in ctx.trail.seen:
        if belonging.adds_none(type, text, found):
            continue
        found.update(dict.fromkeys(sorted(belonging.patients(registry, type, text))))
    return tuple(found)


def actor(caller: Caller) -> Actor:
    """Who did it, as the audit trail tells it."""
    return Actor(caller.client, caller.user, caller.name, caller.role, caller.address, caller.token, caller.purpose)


def _of(ctx: Context, write: Write, stored: str | None) -> Event:
    change = write.change
    reference = None
    if write.key is not None:
        reference = f"{change.type}/{write.key[1]}"
        if write.writes:
            reference += f"/_history/{write.version}"
    return Event(
        REST[_CODES[type(change)]],
        reference=reference,
        type=change.type,
        details=tuple(_details(write, stored)),
        patients=tuple(sorted(_patients(ctx, write))),
    )


def _details(write: Write, stored: str | None) -> Iterable[tuple[str, str]]:
    if stored is not None:
        yield CONTENT, sha256(stored.encode()).hexdigest()
    condition = write.change.if_none_exist if isinstance(write.change, Create) else write.change.condition
    if condition is not None:
        yield "condition", condition or "-"
    if not write.writes:
        yield "result", write.outcome


def _patients(ctx: Context, write: Write) -> set[str]:
    """Of what was there, and of what is there now."""
    registry, name = ctx.service.registry, write.change.type
    found: set[str] = set()
    if write.before is not None and write.before.body is not None:
        found |= belonging.patients(registry, name, write.before.body)
    if write.document is not None:
        found |= belonging.patients(registry, name, write.document.tree)
        if name == belonging.PATIENT and write.key is not None:
            found.add(write.key[1])
    return found


def _entry(service: Service, event: Event, caller: Caller, request_id: str) -> Entry:
    now = service.clock() // _MILLISECOND * _MILLISECOND
    body = events.body(event, actor(caller), Site(service.settings.base_url), now, request_id)
    salt = os.urandom(SALT_BYTES)
    return Entry(
        audit_id=new_id(now),
        recorded=now,
        body=body,
        salt=salt,
        leaf=leaf_hash(salt, body),
        kind=event.kind.code,
        interaction=event.kind.interaction,
        action=event.kind.action,
        outcome=event.outcome,
        client=caller.client,
        user=caller.user,
        agent=folded(caller.name)[:_LONGEST_NAME] if caller.name else None,
        role=caller.role,
        address=caller.address,
        purpose=event.purpose or caller.purpose,
        request_id=request_id,
        type=event.type or (event.reference.partition("/")[0] if event.reference else None),
        target=event.reference or event.subject,
        is_question=event.query is not None,
        patients=event.patients,
    )


def _mark(entry: Entry) -> Mark:
    return Mark(entry.audit_id, entry.leaf)
