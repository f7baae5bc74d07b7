"""The log over the audit trail: which events have no place in it yet, the order that they get, the tree, the checkpoints, the keys.

**Nothing is missed.** On PostgreSQL events become visible out of order: one with a smaller `serial` may be committed after one with a
larger. Whoever adds an event locks the table `audit_event` against changes of its shape before the serial is drawn, and until its
transaction ends; `writers` lists those transactions. What was up to some serial is complete once all that were writing then have ended.
On SQLite writes run one after the other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from sqlalchemy import func, insert, select, text

from service.storage import arrays
from service.storage.database import Transaction
from service.storage.tables.audit import audit_event
from service.storage.tables.audit_log import audit_checkpoint, audit_key, audit_log

_HASH_BYTES = 32
_PAGE = 500

_WRITERS = text(
    """
    SELECT DISTINCT virtualtransaction FROM pg_locks
    WHERE locktype = 'relation' AND relation = 'audit_event'::regclass AND mode = 'RowExclusiveLock'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    """
)


_APPEND = """
    INSERT INTO audit_log (idx, audit_id, leaf, nodes) SELECT idx, audit_id, decode(leaf, 'hex'), decode(nodes, 'hex')
    FROM unnest(%s::int8[], %s::text[], %s::text[], %s::text[]) AS new(idx, audit_id, leaf, nodes)
"""


class Waiting(NamedTuple):
    """An event without a place in the log."""

    serial: int
    audit_id: str
    leaf: bytes
    recorded: int


class Place(NamedTuple):
    """An entry of the log, with the hashes of the full subtrees that end with it, the smallest first."""

    idx: int
    audit_id: str
    leaf: bytes
    nodes: bytes


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint as it was signed."""

    size: int
    root: bytes
    note: str
    created: int


def writers(tx: Transaction) -> frozenset[str]:
    """The transactions that may have added events which nobody sees yet."""
    return frozenset(tx.connection.scalars(_WRITERS)) if tx.dialect == "postgresql" else frozenset()


def newest_serial(tx: Transaction) -> int:
    """The largest serial that is visible; 0 when there are no events."""
    return tx.connection.scalar(select(func.max(audit_event.c.serial))) or 0


def newest_interaction(tx: Transaction) -> str | None:
    """What the newest event tells of: the code of its first subtype; None when there are no events."""
    statement = select(audit_event.c.interaction).order_by(audit_event.c.serial.desc()).limit(1)
    return tx.connection.scalar(statement)


def events(tx: Transaction, after: int, limit: int, upto: int | None = None) -> list[Waiting]:
    """The visible events with larger serials than `after` (and none larger than `upto`) by serial, whether they have a place or not."""
    columns = (audit_event.c.serial, audit_event.c.audit_id, audit_event.c.leaf, audit_event.c.recorded)
    statement = select(*columns).where(audit_event.c.serial > after).order_by(audit_event.c.serial).limit(limit)
    if upto is not None:
        statement = statement.where(audit_event.c.serial <= upto)
    return [Waiting(*row) for row in tx.connection.execute(statement)]


def waiting(tx: Transaction, after: int, limit: int, upto: int | None = None) -> list[Waiting]:
    """Those of the same events that have no place yet. Asked page by page: joined, PostgreSQL might read the whole log for it."""
    found: list[Waiting] = []
    while len(found) < limit and (page := events(tx, after, _PAGE, upto)):
        placed = _placed(tx, [event.audit_id for event in page])
        found += [event for event in page if event.audit_id not in placed]
        after = page[-1].serial
    return found[:limit]


def placed_serials(tx: Transaction, after: int) -> set[int]:
    """The serials larger than `after` of the events that have a place."""
    found: set[int] = set()
    while page := events(tx, after, _PAGE):
        placed = _placed(tx, [event.audit_id for event in page])
        found |= {event.serial for event in page if event.audit_id in placed}
        after = page[-1].serial
    return found


def _placed(tx: Transaction, audit_ids: Sequence[str]) -> set[str]:
    return set(tx.connection.scalars(select(audit_log.c.audit_id).where(audit_log.c.audit_id.in_(audit_ids))))


def size(tx: Transaction) -> int:
    """How many entries the log has, told by its last one."""
    newest = tx.connection.scalar(select(func.max(audit_log.c.idx)))
    return 0 if newest is None else int(newest) + 1


def append(tx: Transaction, places: Sequence[Place]) -> None:
    """Add entries at the end."""
    if tx.dialect == "postgresql":
        rows = [(place.idx, place.audit_id, place.leaf.hex(), place.nodes.hex()) for place in places]
        tx.connection.exec_driver_sql(_APPEND, tuple(map(arrays.literal, zip(*rows, strict=True))))
        return
    tx.connection.execute(insert(audit_log), [place._asdict() for place in places])


def leaves(tx: Transaction, start: int, end: int) -> list[bytes]:
    """The leaves from `start` up to, but without, `end`. Raises LookupError when one of them is not there."""
    rows = tx.connection.execute(
        select(audit_log.c.idx, audit_log.c.leaf).where(audit_log.c.idx >= start, audit_log.c.idx < end).order_by(audit_log.c.idx)
    ).all()
    places = [start - 1, *(row.idx for row in rows), end]
    for before, after in pairwise(places):
        if after != before + 1:
            raise LookupError(f"the log has no entry {before + 1}")
    return [row.leaf for row in rows]


def subtrees(tx: Transaction, ranges: Iterable[tuple[int, int]]) -> list[bytes]:
    """The roots of full subtrees: of leaves `start` up to `end`, a power of two of them that begins at a multiple of it.

    Raises LookupError for one that the log does not hold.
    """
    wanted = list(ranges)
    lasts = [end - 1 for _, end in wanted]
    found = {row.idx: row for row in tx.connection.execute(select(audit_log).where(audit_log.c.idx.in_(lasts)))}
    return [_subtree(found.get(end - 1), end - start) for start, end in wanted]


def _subtree(row: Any, leaves: int) -> bytes:
    if row is None:
        raise LookupError("an entry of the log is not there")
    level = leaves.bit_length() - 1
    found = row.leaf if level == 0 else row.nodes[(level - 1) * _HASH_BYTES : level * _HASH_BYTES]
    if len(found) != _HASH_BYTES:
        raise LookupError(f"entry {row.idx} of the log has not the subtrees that end with it")
    return bytes(found)


def place_of(tx: Transaction, audit_id: str) -> tuple[int, bytes] | None:
    """The index and the leaf of an event in the log; None while it has none."""
    row = tx.connection.execute(select(audit_log.c.idx, audit_log.c.leaf).where(audit_log.c.audit_id == audit_id)).one_or_none()
    return (row.idx, bytes(row.leaf)) if row else None


def is_recorded(tx: Transaction, audit_id: str) -> bool:
    """Whether there is such an event."""
    return tx.connection.scalar(select(audit_event.c.serial).where(audit_event.c.audit_id == audit_id)) is not None


def oldest_waiting(tx: Transaction, after: int) -> int | None:
    """When the first event without a place was recorded; None when all have one. Those with serials up to `after` are known to have."""
    found = waiting(tx, after, 1)
    return found[0].recorded if found else None


def sign(tx: Transaction, signed: Signed) -> None:
    """Keep a checkpoint."""
    tx.connection.execute(
        insert(audit_checkpoint), {"size": signed.size, "root": signed.root, "note": signed.note, "created": signed.created}
    )


def newest_checkpoint(tx: Transaction) -> Signed | None:
    """The checkpoint with the most entries."""
    row = tx.connection.execute(select(audit_checkpoint).order_by(audit_checkpoint.c.size.desc()).limit(1)).one_or_none()
    return Signed(*row) if row else None


def checkpoints(tx: Transaction, least: int, limit: int, most: int | None = None) -> list[Signed]:
    """The checkpoints of at least `least` entries (and at most `most`), the smallest first."""
    statement = select(audit_checkpoint).where(audit_checkpoint.c.size >= least).order_by(audit_checkpoint.c.size).limit(limit)
    if most is not None:
        statement = statement.where(audit_checkpoint.c.size <= most)
    return [Signed(*row) for row in tx.connection.execute(statement)]


def keys(tx: Transaction) -> list[str]:
    """The lines of the public keys, oldest first."""
    return list(tx.connection.scalars(select(audit_key.c.line).order_by(audit_key.c.place)))


def add_key(tx: Transaction, place: int, line: str, created: int) -> None:
    """Keep the line of a key. Raises Collision when that place is taken."""
    tx.connection.execute(insert(audit_key), {"place": place, "line": line, "created": created})
