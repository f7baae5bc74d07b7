"""Many codes or targets at once: two arrays instead of a condition for each, so that a statement stays short and is planned at once."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Text, and_, any_, cast, column, func, literal_column, select, tuple_

from service.search.keys import system_key, text_key
from service.search.query import Target, Token, Value
from service.search.statement import Binder

Pair = tuple[str, int]
FEW = 8


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
    """Whether a column is one of the codes. A few are named one by one: SQLite would read every row of a type for a list."""
    places = [binder.place(value) for value in values]
    if len(places) <= FEW:
        return column_.in_([binder.bind(partial(_code, place)) for place in places])

    def read(asked: Sequence[Value]) -> list[str]:
        return [value.code or "" for place in places if isinstance(value := asked[place], Token)]

    if binder.dialect == "postgresql":
        return column_ == any_(cast(binder.bind(read), ARRAY(Text)))
    listed = func.json_each(binder.bind(lambda asked: json.dumps(read(asked)))).table_valued(column("value", Text))
    return column_.in_(select(listed.c.value))


def _code(place: int, asked: Sequence[Value]) -> str:
    value = asked[place]
    return value.code or "" if isinstance(value, Token) else ""


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
