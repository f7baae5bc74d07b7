"""Many codes or targets at once: two arrays instead of a condition for each, so that a statement stays short and is planned at once."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    TableValuedAlias,
    Text,
    and_,
    any_,
    cast,
    column,
    func,
    literal_column,
    select,
    tuple_,
)

from service.search.keys import system_key, text_key
from service.search.query import Target, Token, Value
from service.search.statement import Binder
from service.storage.tables.resources import resource

Pair = tuple[str, int]


def is_uniform(values: Sequence[Value]) -> bool:
    """Whether all are whole codes of a system, or all are resources here."""
    return all(isinstance(value, Token) and value.code and value.system for value in values) or all(map(_is_here, values))


def _is_here(value: Value) -> bool:
    return isinstance(value, Target) and bool(value.id and value.type) and not (value.version or value.url)


def among(binder: Binder, table: Any, values: Sequence[Value], numbers: Mapping[str, int], leads: bool) -> ColumnElement[bool]:
    """The rows of an index table that hold one of `values`, which are uniform. `leads`: whether the rows are found by them."""
    places = [binder.place(value) for value in values]

    def pairs(asked: Sequence[Value]) -> list[Pair]:
        return [_pair(asked[place], numbers) for place in places]

    first = table.c.code if isinstance(values[0], Token) else table.c.target_id
    second = table.c.system if isinstance(values[0], Token) else table.c.target_type
    if binder.dialect == "postgresql":
        return _postgresql(binder, first, second, pairs)
    return _sqlite_rows(binder, first, second, pairs) if leads else _sqlite_test(binder, first, second, pairs)


def codes(binder: Binder, column_: ColumnElement[str], values: Sequence[Token]) -> ColumnElement[bool]:
    """Whether a column is one of the codes."""
    if binder.dialect == "postgresql":
        return column_ == any_(cast(binder.bind(_reads(binder, values)), ARRAY(Text)))
    return column_.in_(select(_each(binder, values).c.value))


def named(binder: Binder, number: int, values: Sequence[Token]) -> Select[Any]:
    """The res_ids of the resources of a type that have one of the ids, found id by id. SQLite's: an outer join keeps the order."""
    listed, rows = _each(binder, values), resource.alias()
    return select(rows.c.res_id).select_from(listed.outerjoin(rows, and_(rows.c.type == number, rows.c.fhir_id == listed.c.value)))


def _each(binder: Binder, values: Sequence[Token]) -> TableValuedAlias:
    read = _reads(binder, values)
    return func.json_each(binder.bind(lambda asked: json.dumps(read(asked)))).table_valued(column("value", Text))


def _reads(binder: Binder, values: Sequence[Token]) -> Callable[[Sequence[Value]], list[str]]:
    places = [binder.place(value) for value in values]
    return lambda asked: [value.code or "" for place in places if isinstance(value := asked[place], Token)]


def _pair(value: Value, numbers: Mapping[str, int]) -> Pair:
    if isinstance(value, Token):
        return text_key(value.code or ""), system_key(value.system or "")
    assert isinstance(value, Target)
    assert value.type is not None
    return value.id, numbers[value.type]


def _postgresql(binder: Binder, first: Any, second: Any, pairs: Callable[[Sequence[Value]], list[Pair]]) -> ColumnElement[bool]:
    heads = cast(binder.bind(lambda asked: [head for head, _ in pairs(asked)]), ARRAY(Text))
    tails = cast(binder.bind(lambda asked: [tail for _, tail in pairs(asked)]), ARRAY(BigInteger))
    listed = func.unnest(heads, tails).table_valued(column("head", Text), column("tail", BigInteger)).render_derived()
    return and_(first == any_(heads), tuple_(first, second).in_(select(listed.c.head, listed.c.tail)))


def _sqlite_rows(binder: Binder, first: Any, second: Any, pairs: Callable[[Sequence[Value]], list[Pair]]) -> ColumnElement[bool]:
    head, tail = _listed(binder, pairs)
    return and_(first.in_(select(head)), tuple_(first, second).in_(select(head, tail)))


def _sqlite_test(binder: Binder, first: Any, second: Any, pairs: Callable[[Sequence[Value]], list[Pair]]) -> ColumnElement[bool]:
    """An expression in place of the column: SQLite would else probe the rows of each candidate for every value."""
    return tuple_(first.concat(literal_column("''")), second).in_(select(*_listed(binder, pairs)))


def _listed(binder: Binder, pairs: Callable[[Sequence[Value]], list[Pair]]) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    rows = func.json_each(binder.bind(lambda asked: json.dumps(pairs(asked)))).table_valued(column("value", Text))
    return func.json_extract(rows.c.value, literal_column("'$[0]'")), func.json_extract(rows.c.value, literal_column("'$[1]'"))
