"""Columns of values as PostgreSQL array literals, for statements that write many rows by `unnest`.

A literal is one string: the driver neither inspects the values one by one nor prepares the statement anew for each size of integer.
https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
"""

from collections.abc import Sequence

Value = int | str | None

_BETWEEN = "\x00"  # no text of PostgreSQL holds a NUL


def literal(values: Sequence[Value]) -> str:
    """The array of `values`, which are numbers or texts, to be cast to its type in the statement, as in `%s::int8[]`."""
    if not values:
        return "{}"
    if None in values:
        return "{" + ",".join(["NULL" if value is None else _texts((str(value),)) for value in values]) + "}"
    if isinstance(values[0], str):
        return "{" + _texts(values) + "}"
    return "{" + ",".join(map(str, values)) + "}"


def _texts(values: Sequence[Value]) -> str:
    escaped = _BETWEEN.join(map(str, values)).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace(_BETWEEN, '","') + '"'
