"""The only way to write. POST, PUT, PATCH, DELETE, conditional writes, Bundles and imports all end here.

A write is planned, reviewed and recorded in one transaction: all of it happens or none. When another transaction wins a race
(the same new id, the same version, a deadlock), the write starts again from its plan and sees what the other one did.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from service.clock import to_text
from service.errors import Conflict, Issue
from service.fhir import document as documents
from service.fhir import rewrite
from service.records.change import Change, Create, Delete, Patch, Update
from service.records.context import Context
from service.records.insecure import labelled
from service.records.plan import plan
from service.records.receipt import Answer, Receipt, conclude, replay
from service.records.review import Findings, inspect, review
from service.records.write import Committed, Write
from service.search import active_list, index
from service.storage import versions
from service.storage.database import Transaction, later
from service.storage.failures import Collision
from service.storage.versions import Key, Row

Result = TypeVar("Result")

_ATTEMPTS = 8
_METHODS: Mapping[type[Change], str] = {Create: "POST", Update: "PUT", Patch: "PATCH", Delete: "DELETE"}


def commit(ctx: Context, changes: Sequence[Change]) -> list[Committed]:
    """Apply all changes or none; what became of each, in their order. Raises the ServiceError that stopped them, naming its entry."""
    return _retried(ctx, labelled(ctx, changes), _recorded)


def commit_once(ctx: Context, changes: Sequence[Change], receipt: Receipt) -> Answer:
    """The same, answered from inside the transaction; a request known by its Idempotency-Key gets the answer that it got before."""
    return _retried(ctx, labelled(ctx, changes), partial(_answered, receipt=receipt))


def rehearsed(ctx: Context, ask: Callable[[Context, Transaction], Result]) -> Result:
    """What `ask` finds in a write that is undone when it has its answer: it sees and waits for what a write would, and changes nothing."""
    if ctx.tx is not None:
        return ask(ctx, ctx.tx)
    for _ in range(_ATTEMPTS):
        ctx.service.registries.prepare()
        try:
            with ctx.service.database.write() as tx:
                answer = ask(ctx.writing(tx), tx)
                raise _Undone
        except Collision:
            continue
        except _Undone:
            return answer
    raise _contended("It was not validated")


class _Undone(Exception):
    """Ends a rehearsal."""


def _contended(result: str) -> Conflict:
    return Conflict.of("conflict", "contention", f"Other writes to the same resources kept winning. {result}; send it again.")


def _retried(ctx: Context, changes: Sequence[Change], attempt: Callable[..., Result]) -> Result:
    inspected = inspect(ctx, changes)
    for _ in range(_ATTEMPTS):
        ctx.service.registries.prepare()
        try:
            with ctx.service.database.write(creates=len(changes)) as tx:
                result = attempt(ctx.writing(tx), tx, changes, inspected)
        except Collision:
            continue
        if any(change.type == "SearchParameter" for change in changes):
            ctx.service.registries.expire()
        return result
    raise _contended("Nothing was written")


def _answered(ctx: Context, tx: Transaction, changes: Sequence[Change], inspected: Findings, receipt: Receipt) -> Answer:
    return replay(ctx, tx, receipt) or conclude(ctx, tx, receipt, _recorded(ctx, tx, changes, inspected))


def _recorded(ctx: Context, tx: Transaction, changes: Sequence[Change], inspected: Findings) -> list[Committed]:
    writes = plan(ctx, tx, changes)
    findings = review(ctx, tx, writes, inspected)
    tx = later(tx, max((write.before.last_updated for write in writes if write.before), default=0))
    rows = _record(ctx, tx, [write for write in writes if write.writes])
    by_entry: dict[int, list[Write]] = {}
    for write in writes:
        by_entry.setdefault(write.entry, []).append(write)
    return [_committed(change, by_entry[entry], rows, findings.get(entry, ())) for entry, change in enumerate(changes)]


def _record(ctx: Context, tx: Transaction, writes: Sequence[Write]) -> dict[Key, Row]:
    """Append the versions and their index rows."""
    fresh = iter(tx.ids)
    placed = [(write, write.before.res_id if write.before else next(fresh)) for write in writes]
    found = index.difference(ctx.service.registry, [_entry(tx, write, res_id) for write, res_id in placed])
    rows = [_row(tx, write, res_id, found.spans[res_id]) for write, res_id in placed]
    versions.append(tx, rows)
    index.write(tx, found)
    if any(write.change.type == "SearchParameter" for write in writes):
        active_list.advance(tx)
    return {row.key: row for row in rows}


def _row(tx: Transaction, write: Write, res_id: int, span: tuple[int, int]) -> Row:
    assert write.key is not None
    body = rewrite.stamped(write.document, write.key[1], write.version, to_text(tx.stamp)) if write.document else None
    return Row(res_id, write.key, write.version, tx.stamp, _METHODS[type(write.change)], body, span)


def _entry(tx: Transaction, write: Write, res_id: int) -> index.Entry:
    before = documents.stored(write.before.body).tree if write.before and write.before.body else None
    created = write.before.created if write.before else tx.stamp
    return index.Entry(res_id, write.change.type, write.document.tree if write.document else None, before, created)


def _committed(change: Change, writes: Sequence[Write], rows: Mapping[Key, Row], findings: Sequence[Issue]) -> Committed:
    write = writes[0]
    row = rows.get(write.key) if write.key else None
    if row is not None:
        id = row.key[1] if len(writes) == 1 else None
        return Committed(change, write.outcome, change.type, id, row.version, row.last_updated, row.body, findings, len(writes))
    if write.before is None:
        return Committed(change, write.outcome, change.type, write.key[1] if write.key else None, 0, 0, None, findings, 0)
    before = write.before
    return Committed(
        change, write.outcome, change.type, write.key[1] if write.key else None, before.version, before.last_updated, before.body, findings
    )
