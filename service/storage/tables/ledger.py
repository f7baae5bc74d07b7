"""The controlled-substance ledger: one row per vial, which is locked while it is written to, and the lines of all vials, which only grow.

`ledger_vial` repeats what the newest line says, so that one statement decides whether an amount is there; `ledger_entry` is the ledger.
What a vial holds can never be negative. Amounts are micrograms, volumes microlitres, instants microseconds since the epoch.
"""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, Table, Text, text

from service.storage.tables.metadata import metadata

_ID = Text(collation="C").with_variant(Text(), "sqlite")
_AMOUNTS = ("draw", "kind", "reverses", "amount_ug", "witness")
_SUMMED = text("draw <> '' AND kind IN ('drawn', 'wasted', 'returned')")
"""Lines that tell what became of a draw: a report sums them by the index alone."""

ledger_vial = Table(
    "ledger_vial",
    metadata,
    Column("vial", _ID, primary_key=True),
    Column("substance", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("schedule", Text, nullable=False),
    Column("strength_ug_per_ml", BigInteger, nullable=False),
    Column("content_ug", BigInteger, nullable=False),
    Column("ndc", Text, nullable=False),
    Column("lot", Text, nullable=False),
    Column("expires", Text, nullable=False),
    Column("serial", Text, nullable=False),
    Column("site", _ID, nullable=False),
    Column("safe", _ID, nullable=False),
    Column("remaining_ug", BigInteger, nullable=False),
    Column("entries", Integer, nullable=False),
    Column("head", Text, nullable=False),
    CheckConstraint("remaining_ug >= 0", name="remaining"),
    Index(None, "lot"),
    sqlite_with_rowid=False,
)
"""`substance` is the code of the ingredient, `name` how people call it; `entries` and `head` are number and hash of the newest line."""

ledger_entry = Table(
    "ledger_entry",
    metadata,
    Column("vial", _ID, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("reverses", Integer, nullable=False),
    Column("source", _ID, nullable=False),
    Column("draw", _ID, nullable=False),
    Column("occurred", BigInteger, nullable=False),
    Column("recorded", BigInteger, nullable=False),
    Column("origin", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("amount_ug", BigInteger, nullable=False),
    Column("volume_ul", BigInteger, nullable=False),
    Column("site", _ID, nullable=False),
    Column("safe", _ID, nullable=False),
    Column("patient", _ID, nullable=False),
    Column("encounter", _ID, nullable=False),
    Column("performer", _ID, nullable=False),
    Column("witness", _ID, nullable=False),
    Column("flags", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
    CheckConstraint("amount_ug >= 0", name="amount"),
    Index(None, "occurred"),
    Index(None, "draw"),
    Index(None, "source"),
    Index(None, "encounter"),
    Index("ix_ledger_entry_summed", *_AMOUNTS, postgresql_where=_SUMMED, sqlite_where=_SUMMED),
    sqlite_with_rowid=False,
)
"""The columns are those of `service.ledger.entry.Entry`."""

ledger_identifier = Table(
    "ledger_identifier",
    metadata,
    Column("system", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("reference", _ID, nullable=False),
    sqlite_with_rowid=False,
)
"""The number of every record of the ledger and the serial of every vial, with the resource that has it: each is given once."""
