"""How far the import of each file has come, what waits to be tried again, and what content without an id went in as."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table, Text

from service.storage.tables.metadata import metadata

import_progress = Table(
    "import_progress",
    metadata,
    Column("file", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("line", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
)

import_refusal = Table(
    "import_refusal",
    metadata,
    Column("file", Text, primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False),
)

import_content = Table(
    "import_content",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("id", Text, nullable=False),
)
