"""Who may ask: registered clients, the tokens that they hold, and the assertions that were used to get them."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, LargeBinary, Table, Text

from service.storage.tables.metadata import metadata

client = Table(
    "client",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text),
    Column("scopes", Text, nullable=False),
    Column("jwks", Text),
    Column("jwks_url", Text),
    Column("device", Text),
    Column("origins", Text, nullable=False),
    Column("conventions", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("disabled", BigInteger),
)

token = Table(
    "token",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("client", Text, ForeignKey("client.id"), nullable=False),
    Column("scopes", Text, nullable=False),
    Column("patient", Text),
    Column("user", Text),
    Column("issued", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("revoked", BigInteger),
    Index(None, "expires"),
)

assertion = Table(
    "assertion",
    metadata,
    Column("client", Text, ForeignKey("client.id"), primary_key=True),
    Column("identifier", LargeBinary, primary_key=True),
    Column("expires", BigInteger, nullable=False),
    Index(None, "expires"),
)
"""Assertions that were used: by client and the SHA-256 of their `jti`, each once."""
