"""How many requests were let in and refused, by minute."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from service.storage.tables.metadata import metadata

rate = Table(
    "rate",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("minute", BigInteger, primary_key=True),
    Column("taken", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Index(None, "minute"),
)
