"""The order of a result as SQL: sort keys that are never NULL, and the condition that a page begins after a position.

A resource without a value sorts last either way: ascending it takes the greatest key there is, descending the least. Several values
count by their least ascending, by their greatest descending; dates by their beginning. The last word has res_id, in the direction
of the last key, so that the order is total and an index can be read along it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, bindparam, case, func, literal, or_, select

from service.search.main_date import MISSING
from service.search.paging import Position
from service.search.query import Sort
from service.search.types.protocol import SearchParameter
from service.storage.tables import search as index
from service.storage.tables.resources import resource

LAST = 2**63 - 1
_LAST_TEXT = "\U0010ffff"
_COLUMNS = {
    "token": index.token.c.code,
    "reference": index.reference.c.target_id,
    "date": index.date.c.lo,
    "string": index.string.c.prefix,
    "number": index.number.c.lo,
    "quantity": index.quantity.c.lo,
    "uri": index.uri.c.uri,
}


@dataclass(frozen=True, slots=True)
class Key:
    """One key: what to compare, which way, the join that brings it, and whether it is in `resource`."""

    expression: ColumnElement[Any]
    descending: bool = False
    join: FromClause | None = None
    own: bool = False

    @property
    def ordering(self) -> ColumnElement[Any]:
        """For ORDER BY."""
        return self.expression.desc() if self.descending else self.expression.asc()


def own(sort: Sort) -> Key:
    """`_id` and `_lastUpdated`, from the table `resource`."""
    column: ColumnElement[Any] = resource.c.fhir_id if sort.parameter == "_id" else resource.c.last_updated
    return Key(column, sort.descending, own=True)


def main(sort: Sort, lo: ColumnElement[int]) -> Key:
    """The main date, which the posting carries."""
    return Key(lo if sort.descending else case((lo == MISSING, LAST), else_=lo), sort.descending)


def joined(sort: Sort, parameter: SearchParameter, number: int) -> Key:
    """Any other parameter: its least or greatest value per resource, joined as the `number`th of its kind."""
    column = _COLUMNS[parameter.kind]
    table = column.table
    value = (func.max if sort.descending else func.min)(column).label("value")
    values = select(table.c.res_id, value).where(table.c.param.in_(parameter.keys)).group_by(table.c.res_id).subquery(f"sort{number}")
    textual = parameter.kind != "date"
    absent: Any = ("" if textual else MISSING) if sort.descending else (_LAST_TEXT if textual else LAST)
    return Key(func.coalesce(values.c.value, literal(absent)), sort.descending, values)


def after(keys: Sequence[Key], tie: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether a row comes after the position in the parameters of `position_values`.

    The first key is bounded on its own, so that an index can begin there.
    """
    columns = [*keys, Key(tie, bool(keys) and keys[-1].descending)]
    values = [bindparam(f"at{number}", 0, type_=key.expression.type) for number, key in enumerate(columns)]
    steps = []
    for at, (key, value) in enumerate(zip(columns, values, strict=True)):
        same = [before.expression == known for before, known in zip(columns[:at], values[:at], strict=True)]
        steps.append(and_(*same, key.expression < value if key.descending else key.expression > value))
    first, start = columns[0], values[0]
    return and_(first.expression <= start if first.descending else first.expression >= start, or_(*steps))


def position_values(position: Position | None) -> dict[str, Any]:
    """The parameters of `after`."""
    return {f"at{number}": value for number, value in enumerate((*position.values, position.res_id))} if position else {}
