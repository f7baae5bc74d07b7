"""The exports of the register that were asked for: what, by whom, and how far each has come. Their files lie in a directory.

`status` is waiting, running, done, failed or expired. Instants are microseconds since the epoch, 0 where there is none. `sites` are the ids
of the Locations whose books are told, empty for all; `actor`, `files` and `patients` are JSON.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from service.storage.tables.metadata import metadata

register_export = Table(
    "register_export",
    metadata,
    Column("id", Text, primary_key=True),
    Column("status", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("user", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("sites", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("asked", BigInteger, nullable=False),
    Column("ended", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("progress", Text, nullable=False),
    Column("told", Text, nullable=False),
    Column("files", Text, nullable=False),
    Column("patients", Text, nullable=False),
    Index(None, "status", "asked"),
)
"""`actor` is who asked, as the audit trail tells it; `told` why it failed; `files` are [path, bytes, SHA-256] of each file."""
