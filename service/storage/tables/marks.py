"""What the database was used for, and since when (microseconds)."""

from sqlalchemy import BigInteger, Column, Table, Text

from service.storage.tables.metadata import metadata

mark = Table("mark", metadata, Column("name", Text, primary_key=True), Column("since", BigInteger, nullable=False))
