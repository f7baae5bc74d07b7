"""Columns of values as PostgreSQL array literals, for statements that write many rows by `unnest`.

A literal is one string: the driver neither inspects the values one by one nor prepares the statement anew for each size of integer.
https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
"""

from collections.abc import Iterable

Value = int | str | None


def literal(values: Iterable[Value]) -> str:
    """The array of `values`, to be cast to its type in the statement, as in `%s::int8[]`."""
    return "{" + ",".join([_element(value) for value in values]) + "}"


def _element(value: Value) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return "NULL" if value is None else str(value)
