"""What the service keeps for itself: secrets made at the first start, and the answers to requests with an Idempotency-Key."""

from sqlalchemy import BigInteger, Column, Index, SmallInteger, Table, Text

from service.storage.tables.metadata import metadata

secret = Table("secret", metadata, Column("name", Text, primary_key=True), Column("value", Text, nullable=False))

receipt = Table(
    "receipt",
    metadata,
    Column("client", Text, primary_key=True),
    Column("route", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("body_hash", Text, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("headers", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Index(None, "expires"),
)
