"""The search index: one narrow table per parameter type, holding the current version of every resource that is not deleted.

`param` is the key of a parameter of a resource type (`search.keys.parameter_key`), so a row says which type it belongs to. Postings (token,
reference) carry `lo`, the main clinical date of their resource, before `res_id`: a value's postings lie in clinical order, and
two postings of one resource agree on (lo, res_id). The primary key of every table is the index that a search begins at; the one by
(res_id, param) tells what a single resource has.
`span` is the class of length of a date's interval (`search.types.date`), so that an overlap is a few bounded ranges. Numbers are
text that sorts like the decimals it stands for (`search.types.decimal_order`). `system` is a hash of the code system, 0 for none.
A composite is one row for each pair of values that one element holds: `code` and `system` of the first, and the second as a token,
quantity, date or string in `unit`, `unit_system`, `lo` and `hi` (`search.types.composite`).
"""

from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, SmallInteger, Table, Text, text
from sqlalchemy.types import TypeEngine

from service.storage.tables.metadata import metadata

_ORDERED = Text(collation="C").with_variant(Text(), "sqlite")


def _key(name: str, kind: TypeEngine[Any] | type[TypeEngine[Any]]) -> Column[Any]:
    return Column(name, kind, primary_key=True, autoincrement=False)


token = Table(
    "search_token",
    metadata,
    _key("param", Integer),
    _key("code", _ORDERED),
    _key("lo", BigInteger),
    _key("res_id", BigInteger),
    _key("system", BigInteger),
    sqlite_with_rowid=False,
)

reference = Table(
    "search_reference",
    metadata,
    _key("param", Integer),
    _key("target_id", _ORDERED),
    _key("lo", BigInteger),
    _key("res_id", BigInteger),
    _key("target_type", SmallInteger),
    sqlite_with_rowid=False,
)

date = Table(
    "search_date",
    metadata,
    _key("param", Integer),
    _key("span", SmallInteger),
    _key("lo", BigInteger),
    _key("hi", BigInteger),
    _key("res_id", BigInteger),
    sqlite_with_rowid=False,
)

string = Table(
    "search_string",
    metadata,
    _key("param", Integer),
    _key("prefix", _ORDERED),
    _key("res_id", BigInteger),
    _key("digest", BigInteger),
    Column("folded", Text),
    Column("exact", Text),
    sqlite_with_rowid=False,
)

number = Table(
    "search_number",
    metadata,
    _key("param", Integer),
    _key("lo", _ORDERED),
    _key("hi", _ORDERED),
    _key("res_id", BigInteger),
    sqlite_with_rowid=False,
)

quantity = Table(
    "search_quantity",
    metadata,
    _key("param", Integer),
    _key("code", _ORDERED),
    _key("lo", _ORDERED),
    _key("hi", _ORDERED),
    _key("res_id", BigInteger),
    _key("system", BigInteger),
    sqlite_with_rowid=False,
)

uri = Table(
    "search_uri",
    metadata,
    _key("param", Integer),
    _key("uri", _ORDERED),
    _key("res_id", BigInteger),
    sqlite_with_rowid=False,
)

composite = Table(
    "search_composite",
    metadata,
    _key("param", Integer),
    _key("code", _ORDERED),
    _key("unit", _ORDERED),
    _key("lo", _ORDERED),
    _key("hi", _ORDERED),
    _key("res_id", BigInteger),
    _key("system", BigInteger),
    _key("unit_system", BigInteger),
    sqlite_with_rowid=False,
)

TABLES = (token, reference, date, string, number, quantity, uri, composite)

for _table in TABLES:
    Index(None, _table.c.res_id, _table.c.param)

RANGED = {"search_number": number, "search_quantity": quantity, "search_composite": composite}
"""Tables of values that may be ranges. Nearly all are points, which `lo` finds; the others have an index of their own by their end."""

for _columns in (
    (number.c.param, number.c.hi),
    (quantity.c.param, quantity.c.code, quantity.c.hi),
    (composite.c.param, composite.c.code, composite.c.unit, composite.c.hi),
):
    Index(None, *_columns, postgresql_where=text("lo <> hi"), sqlite_where=text("lo <> hi"))
