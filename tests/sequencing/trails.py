"""Events of the trail for tests, written as the service writes them, and what the log made of them."""

from collections.abc import Sequence
from dataclasses import MISSING, dataclass, field, fields
from random import Random

from sqlalchemy import select

from service import clock
from service.audit import checkpoint, tree
from service.audit.checkpoint import Signer
from service.audit.publication import Publication
from service.audit.sequencer import Pace, Sequencer
from service.records.identity import new_id
from service.storage import audit, audit_log
from service.storage.audit import Entry
from service.storage.database import Database, Transaction
from service.storage.tables.audit import audit_event
from service.storage.tables.audit_log import audit_log as log_table
from tests.unit.audit.exports import event

ORIGIN = "clinic.example/audit"
SIGNER = Signer(ORIGIN, b"s" * 32)


def entries(count: int, seed: int = 0) -> list[Entry]:
    """Events of somebody who asks, now."""
    random = Random(seed)
    return [_entry(random) for _ in range(count)]


def _entry(random: Random) -> Entry:
    recorded = clock.now()
    body = event(random, clock.to_datetime(recorded), None)
    salt = random.randbytes(tree.SALT_BYTES)
    texts = dict.fromkeys(("address", "request_id"), "") | {"kind": "rest", "interaction": "read", "action": "R", "outcome": "0"}
    known = {"recorded": recorded, "body": body, "salt": salt, "leaf": tree.leaf_hash(salt, body), "client": "tests", "is_question": False}
    given = {"audit_id": new_id(clock.now()), **texts, **known}
    return Entry(**{one.name: None for one in fields(Entry) if one.default is MISSING} | given)


def add(database: Database, count: int = 1, seed: int = 0) -> list[Entry]:
    """Record some events; what was recorded."""
    made = entries(count, seed)
    with database.write() as tx:
        audit.append(tx, made)
    return made


@dataclass(slots=True)
class Watch:
    """A monotonic clock that a test sets."""

    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass(slots=True)
class Worker:
    """A sequencer with a clock of its own. Its beat is an event."""

    database: Database
    signer: Signer = SIGNER
    publication: Publication | None = None
    pace: Pace = field(default_factory=Pace)
    watch: Watch = field(default_factory=Watch)
    beats: int = 0
    sequencer: Sequencer = field(init=False)

    def __post_init__(self) -> None:
        self.sequencer = Sequencer(self.database, self.signer, self.beat, self.publication, self.pace, self.watch)

    def beat(self) -> None:
        """Make an entry."""
        self.beats += 1
        add(self.database, 1, seed=1_000_000 + self.beats)

    def turn(self, seconds: float = 0.2) -> bool:
        """One turn, some time after the last."""
        self.watch.seconds += seconds
        return self.sequencer.step()

    def sign(self) -> audit_log.Signed:
        """Turns until everything is signed; the newest checkpoint."""
        for _ in range(50):
            self.turn(1.0)
            with self.database.read() as tx:
                newest = audit_log.newest_checkpoint(tx)
                waits = audit_log.waiting(tx, 0, 1)
                if newest and not waits and newest.size == audit_log.size(tx):
                    return newest
        raise AssertionError("the log was never signed")


def ids(tx: Transaction) -> list[str]:
    """The events of the log, in its order, which has no gap."""
    rows = tx.connection.execute(select(log_table.c.idx, log_table.c.audit_id).order_by(log_table.c.idx)).all()
    assert [row.idx for row in rows] == list(range(len(rows)))
    return [row.audit_id for row in rows]


def recorded(tx: Transaction) -> list[str]:
    """The events of the trail, by serial."""
    return list(tx.connection.scalars(select(audit_event.c.audit_id).order_by(audit_event.c.serial)))


def require_sound(database: Database, keys: Sequence[Signer] = (SIGNER,)) -> int:
    """Every event has one place, the tree is that of the leaves, every checkpoint is a good one of it: how many of those there are."""
    with database.read() as tx:
        assert sorted(ids(tx)) == sorted(recorded(tx))
        leaves = audit_log.leaves(tx, 0, audit_log.size(tx))
        signed = audit_log.checkpoints(tx, 0, 10_000)
    for one in signed:
        point = checkpoint.read(one.note, [signer.key for signer in keys], ORIGIN)
        assert (point.size, point.root) == (one.size, one.root)
        assert point.root == tree.root(leaves[: point.size])
    return len(signed)
