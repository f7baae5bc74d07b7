"""Which search parameters the index holds (`search.activation`), the generation of that list, and how far a reindex came.

`search_generation` has one row, counted up by every change of the list; each write reads it as it opens. `definition` is the
SearchParameter resource of a parameter that a client posted. `mark` stands for all that the reindex of a type writes: one with another
mark begins anew.
"""

from sqlalchemy import BigInteger, Column, SmallInteger, Table, Text

from service.storage.tables.metadata import metadata

generation = Table("search_generation", metadata, Column("number", BigInteger, primary_key=True, autoincrement=False))

listed = Table(
    "search_parameter",
    metadata,
    Column("type", SmallInteger, primary_key=True, autoincrement=False),
    Column("code", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("definition", Text),
)

progress = Table(
    "search_reindex",
    metadata,
    Column("type", SmallInteger, primary_key=True, autoincrement=False),
    Column("mark", Text, nullable=False),
    Column("after", BigInteger, nullable=False),
)
