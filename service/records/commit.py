"""The only way to write. POST, PUT, PATCH, DELETE, conditional writes, Bundles and imports all end here.

A write is planned, reviewed, told to the audit trail and recorded in one transaction: all of it happens or none. When another
transaction wins a race (the same new id, the same version, a deadlock), the write starts again from its plan and sees what the
other one did.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from service.audit.trail import Trail
from service.clock import to_text
from service.errors import Conflict, Issue
from service.fhir import document as documents
from service.fhir import rewrite
from service.records import trail as trails
from service.records.change import Change, Create, Delete, Patch, Update
from service.records.context import Context
from service.records.insecure import labelled
from service.records.plan import plan
from service.records.receipt import Answer, Receipt, conclude, replay
from service.records.register import following
from service.records.register.following import Judged
from service.records.review import Findings, inspect, review
from service.records.write import Committed, Mark, Write
from service.search import active_list, index
from service.security.caller import Caller
from service.storage import audit, versions
from service.storage.database import Transaction, later, with_ids
from service.storage.failures import Collision
from service.storage.versions import Key, Row

Result = TypeVar("Result")
Told = tuple[Write, Mark]
"""A write and the event that tells of it."""

_ATTEMPTS = 8
_METHODS: Mapping[type[Change], str] = {Create: "POST", Update: "PUT", Patch: "PATCH", Delete: "DELETE"}


def commit(ctx: Context, changes: Sequence[Change]) -> list[Committed]:
    """Apply all changes or none; what became of each, in their order. Raises the ServiceError that stopped them, naming its entry.

    A Provenance of the other changes is left out where it would be about nothing.
    """
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
                trail = Trail()
                result = attempt(replace(ctx.writing(tx), trail=trail), tx, changes, inspected)
                audit.append(tx, trail.pending)
        except Collision:
            continue
        ctx.trail.count += trail.count
        if any(change.type == "SearchParameter" for change in changes):
            ctx.service.registries.expire()
        return result
    raise _contended("Nothing was written")


def _answered(ctx: Context, tx: Transaction, changes: Sequence[Change], inspected: Findings, receipt: Receipt) -> Answer:
    return replay(ctx, tx, receipt) or conclude(ctx, tx, receipt, _recorded(ctx, tx, changes, inspected))


def _recorded(ctx: Context, tx: Transaction, changes: Sequence[Change], inspected: Findings) -> list[Committed]:
    writes = plan(ctx, tx, changes)
    reviewed = review(ctx, tx, writes, inspected)
    judged = reviewed.register
    followed = _followed(ctx, tx, judged) if judged else []
    tx = later(tx, max([judged.newest if judged else 0, *(one.before.last_updated for one in (*writes, *followed) if one.before)]))
    bodies = [_body(tx, write) for write in (*writes, *followed)]
    marks = [*trails.told(ctx, tx, list(zip(writes, bodies, strict=False)))]
    if followed:
        tx = with_ids(tx, len(followed))
        marks += trails.told(_ourselves(ctx), tx, list(zip(followed, bodies[len(writes) :], strict=True)))
    told = list(zip((*writes, *followed), marks, strict=True))
    rows = _record(ctx, tx, [(write, mark, body) for (write, mark), body in zip(told, bodies, strict=True) if write.writes])
    if judged:
        following.record(tx, judged)
    return list(_answers(changes, told, len(writes), rows, reviewed.findings))


def _followed(ctx: Context, tx: Transaction, judged: Judged) -> list[Write]:
    """The writes that the register adds to a commit; each stands at the place of the change that it follows from."""
    wanted = judged.consequences
    planned = plan(_ourselves(ctx), tx, [one.change for one in wanted]) if wanted else []
    return [replace(write, entry=wanted[write.entry].entry) for write in planned]


def _ourselves(ctx: Context) -> Context:
    """The same request, as what the service does of its own accord."""
    return replace(ctx, caller=Caller.internal("register"))


def _answers(
    changes: Sequence[Change], told: Sequence[Told], asked: int, rows: Mapping[Key, Row], findings: Findings
) -> Iterator[Committed]:
    """What became of each change; the first `asked` of `told` are its own writes, the rest follow from it and lend it their marks."""
    by_entry: dict[int, list[Told]] = {}
    for write, mark in told[:asked]:
        by_entry.setdefault(write.entry, []).append((write, mark))
    more: dict[int, tuple[Mark, ...]] = {}
    for write, mark in told[asked:]:
        more[write.entry] = (*more.get(write.entry, ()), mark)
    for entry, change in enumerate(changes):
        if entry in by_entry:
            committed = _committed(change, by_entry[entry], rows, findings.get(entry, ()))
            yield replace(committed, marks=(*committed.marks, *more.get(entry, ())))


def _body(tx: Transaction, write: Write) -> str | None:
    """What will be stored; None for a deletion, and where nothing is written."""
    if not write.writes or write.document is None or write.key is None:
        return None
    return rewrite.stamped(write.document, write.key[1], write.version, to_text(tx.stamp))


def _record(ctx: Context, tx: Transaction, told: Sequence[tuple[Write, Mark, str | None]]) -> dict[Key, Row]:
    """Append the versions and their index rows."""
    fresh = iter(tx.ids)
    res_ids = [write.before.res_id if write.before else next(fresh) for write, *_ in told]
    found = index.difference(ctx.service.registry, [_entry(tx, one[0], res_id) for one, res_id in zip(told, res_ids, strict=True)])
    rows = [_row(tx, one, res_id, found.spans[res_id]) for one, res_id in zip(told, res_ids, strict=True)]
    versions.append(tx, rows)
    index.write(tx, found)
    if any(write.change.type == "SearchParameter" for write, *_ in told):
        active_list.advance(tx)
    return {row.key: row for row in rows}


def _row(tx: Transaction, told: tuple[Write, Mark, str | None], res_id: int, span: tuple[int, int]) -> Row:
    write, mark, body = told
    assert write.key is not None
    return Row(res_id, write.key, write.version, tx.stamp, _METHODS[type(write.change)], body, span, mark.audit_id)


def _entry(tx: Transaction, write: Write, res_id: int) -> index.Entry:
    before = documents.stored(write.before.body).tree if write.before and write.before.body else None
    created = write.before.created if write.before else tx.stamp
    return index.Entry(res_id, write.change.type, write.document.tree if write.document else None, before, created)


def _committed(change: Change, told: Sequence[Told], rows: Mapping[Key, Row], findings: Sequence[Issue]) -> Committed:
    write, marks = told[0][0], tuple(mark for _, mark in told)
    row, before = rows.get(write.key) if write.key else None, write.before
    id = write.key[1] if write.key and len(told) == 1 else None
    if row is not None:
        version, at, text, count = row.version, row.last_updated, row.body, len(told)
    elif before is None:
        version, at, text, count = 0, 0, None, 0
    else:
        version, at, text, count = before.version, before.last_updated, before.body, 1
    return Committed(change, write.outcome, change.type, id, version, at, text, findings, count, marks)
