"""The log of the audit trail: the order of the entries, the tree over them, what was signed, the keys; and who does the work.

Triggers keep `audit_log`, `audit_checkpoint` and `audit_key` append-only. No row here refers to `audit_event` by a foreign key: the log
must be able to say that an entry which it holds is gone.
"""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table, Text

from service.storage.tables.metadata import metadata

_NUMBER = BigInteger().with_variant(Integer, "sqlite")

audit_log = Table(
    "audit_log",
    metadata,
    Column("idx", _NUMBER, primary_key=True, autoincrement=False),
    Column("audit_id", Text, nullable=False, unique=True),
    Column("leaf", LargeBinary, nullable=False),
    Column("nodes", LargeBinary, nullable=False),
)
"""`idx` counts from 0 without a gap. `nodes`: the hashes of the full subtrees that end with this leaf, the smallest (two leaves) first."""

audit_checkpoint = Table(
    "audit_checkpoint",
    metadata,
    Column("size", _NUMBER, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
)

audit_key = Table(
    "audit_key",
    metadata,
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("line", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
)
"""The lines of `pubkeys.txt`: the public keys in the order of their use, each introduced by the one before it."""

lease = Table(
    "lease",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("mark", BigInteger, nullable=False),
)
"""Who does a work that one process at a time may do, until when, and how far the work has come."""
