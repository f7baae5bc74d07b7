"""An event of the audit trail for versions that tests write by themselves: none goes in without one."""

from dataclasses import replace

from service.audit.kinds import IMPORTED
from service.clock import now
from service.records.identity import new_id
from service.storage import audit
from service.storage.audit import Entry
from service.storage.database import Transaction
from service.storage.versions import Row


def audited(tx: Transaction, *rows: Row) -> list[Row]:
    """`rows`, each with an event that was added to `tx`."""
    events = [_entry() for _ in rows]
    audit.append(tx, events)
    return [replace(row, audit_id=event.audit_id) for row, event in zip(rows, events, strict=True)]


def _entry() -> Entry:
    at = now()
    kind = IMPORTED
    return Entry(
        audit_id=new_id(at),
        recorded=at,
        body=b"{}",
        salt=bytes(16),
        leaf=bytes(32),
        kind=kind.code,
        interaction=kind.interaction,
        action=kind.action,
        outcome="0",
        client="tests",
        user=None,
        agent=None,
        role=None,
        address="",
        purpose=None,
        request_id="",
        type=None,
        target=None,
        is_question=False,
    )
