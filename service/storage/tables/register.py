"""What the administration log shows of each administration of a controlled substance: one row, which follows from the record.

It can be made again from the record at any time (`records.register.administrations`). Amounts of draws are not in it: they are in the
ledger. Instants are microseconds since the epoch, amounts micrograms.
"""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text

from service.storage.tables.metadata import metadata

_ID = Text(collation="C").with_variant(Text(), "sqlite")

register_administration = Table(
    "register_administration",
    metadata,
    Column("administration", _ID, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("started", BigInteger, nullable=False),
    Column("ended", BigInteger),
    Column("recorded", BigInteger, nullable=False),
    Column("is_late", Boolean, nullable=False),
    Column("is_amended", Boolean, nullable=False),
    Column("site", _ID, nullable=False),
    Column("patient", _ID, nullable=False),
    Column("encounter", _ID, nullable=False),
    Column("request", _ID, nullable=False),
    Column("orderer", _ID, nullable=False),
    Column("performers", _ID, nullable=False),
    Column("vials", _ID, nullable=False),
    Column("draws", _ID, nullable=False),
    Column("amount_ug", BigInteger),
    Column("route", Text, nullable=False),
    Column("rates", Text, nullable=False),
    Column("indication", Text, nullable=False),
    Column("reasons", _ID, nullable=False),
    Index(None, "started"),
    Index(None, "patient"),
    sqlite_with_rowid=False,
)
"""`administration` is the id; references are `Type/id`, vials and draws ids; several of them stand with blanks between them."""
