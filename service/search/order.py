"""The order of a result: keys that depend on the question alone, so that every page of a walk has the same ones.

Without `_sort` a pull comes by `_lastUpdated`, a whole type by `_id`, and everything else by the main clinical date, newest first.
A resource without a value sorts last either way. Several values count by their least ascending, by their greatest descending; dates by
their beginning. Equal tokens and references come by the main date. The last word has res_id, in the direction of the last
key, so that the order is total and an index can be read along it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, bindparam, case, func, literal, or_, select, true

from service.search.main_date import MISSING
from service.search.paging import Position
from service.search.parameter import Registry
from service.search.query import Query, Sort
from service.search.types.protocol import SearchParameter
from service.search.types.quantity import CANONICAL
from service.storage.tables import search as index

LAST = 2**63 - 1
_LAST_TEXT = "\U0010ffff"
_COLUMNS: dict[str, ColumnElement[Any]] = {
    "token": index.token.c.code,
    "reference": index.reference.c.target_id,
    "date": index.date.c.lo,
    "string": index.string.c.prefix,
    "number": index.number.c.lo,
    "quantity": index.quantity.c.lo,
    "uri": index.uri.c.uri,
}
_TIED_BY_DATE = frozenset({"token", "reference"})


class By(Enum):
    """What a key looks at."""

    ID = "_id"
    UPDATED = "_lastUpdated"
    MAIN = "main date"
    POSTED = "main date as the postings have it"
    VALUE = "a parameter"


@dataclass(frozen=True, slots=True)
class Key:
    """One key. `parameter` is the one of a VALUE key."""

    by: By
    descending: bool = False
    parameter: SearchParameter | None = None

    @property
    def absent(self) -> Any:
        """What a resource without a value sorts by."""
        textual = self.parameter is not None and self.parameter.kind != "date"
        if self.descending:
            return "" if textual else MISSING
        return _LAST_TEXT if textual else LAST

    @property
    def may_be_absent(self) -> bool:
        """Whether resources without a value have to be asked for by themselves. Descending, no date is the least date there is."""
        return self.by is By.VALUE or (self.by is By.MAIN and not self.descending)

    def column(self, table: Any) -> ColumnElement[Any]:
        """The column of an index table that a VALUE key compares."""
        assert self.parameter is not None
        column: ColumnElement[Any] = table.c[_COLUMNS[self.parameter.kind].key]
        return column

    @property
    def table(self) -> FromClause:
        """The index table of a VALUE key."""
        assert self.parameter is not None
        table: FromClause = _COLUMNS[self.parameter.kind].table
        return table

    def of(self, res_id: ColumnElement[int], lo: ColumnElement[int] | None, own: Any) -> ColumnElement[Any]:
        """The key of one candidate, never NULL. `own` has the columns of `resource`."""
        if self.by is By.ID:
            return own.c.fhir_id  # type: ignore[no-any-return]
        if self.by is By.UPDATED:
            return own.c.last_updated  # type: ignore[no-any-return]
        if self.by in (By.MAIN, By.POSTED):
            assert lo is not None
            return lo if self.descending or self.by is By.POSTED else case((lo == MISSING, LAST), else_=lo)
        return func.coalesce(self._value(res_id), literal(self.absent))

    def _value(self, res_id: ColumnElement[int]) -> ColumnElement[Any]:
        assert self.parameter is not None
        table = self.table.alias()
        column, pick = self.column(table), func.max if self.descending else func.min
        rows = select(pick(column)).where(table.c.res_id == res_id, table.c.param.in_(self.parameter.keys), self.counts(table))
        return rows.correlate_except(table).scalar_subquery()

    def counts(self, table: Any) -> ColumnElement[bool]:
        """The rows of an index table that a VALUE key looks at: of quantities those in base units."""
        assert self.parameter is not None
        return table.c.system == CANONICAL if self.parameter.kind == "quantity" else true()


def keys(registry: Registry, query: Query) -> tuple[Key, ...]:
    """The keys of a query, without res_id."""
    asked = query.sort or _default(query)
    if not asked:
        return (Key(By.MAIN, descending=True),)
    found = [_key(registry, query.type, sort) for sort in asked]
    only = found[0]
    if len(found) == 1 and only.parameter and only.parameter.kind in _TIED_BY_DATE:
        found.append(Key(By.POSTED, only.descending))
    return tuple(found)


def _default(query: Query) -> tuple[Sort, ...]:
    if query.pulls:
        return (Sort("_lastUpdated"),)
    return () if query.restricts else (Sort("_id"),)


def _key(registry: Registry, type: str, sort: Sort) -> Key:
    if sort.parameter == "_id":
        return Key(By.ID, sort.descending)
    if sort.parameter == "_lastUpdated":
        return Key(By.UPDATED, sort.descending)
    parameter = registry.parameter(type, sort.parameter)
    assert parameter is not None, f"{type} has no parameter {sort.parameter}"
    return Key(By.MAIN, sort.descending) if parameter.main else Key(By.VALUE, sort.descending, parameter)


def after(columns: Sequence[tuple[ColumnElement[Any], bool]]) -> ColumnElement[bool]:
    """Whether a row comes after the position in the parameters of `position_values`; `columns` are (column, descending), res_id last.

    The first column is bounded on its own, so that an index can begin there.
    """
    values = [bindparam(f"at{number}", 0, type_=column.type) for number, (column, _) in enumerate(columns)]
    steps = []
    for at, ((column, descending), value) in enumerate(zip(columns, values, strict=True)):
        same = [before == known for (before, _), known in zip(columns[:at], values[:at], strict=True)]
        steps.append(and_(*same, column < value if descending else column > value))
    (first, descending), start = columns[0], values[0]
    return and_(first <= start if descending else first >= start, or_(*steps))


def position_values(position: Position | None) -> dict[str, Any]:
    """The parameters of `after`."""
    return {f"at{number}": value for number, value in enumerate((*position.values, position.res_id))} if position else {}


def is_absent(keys: Sequence[Key], position: Position | None) -> bool:
    """Whether a walk has reached the resources that have no value of the first key."""
    return position is not None and keys[0].may_be_absent and position.values[0] == keys[0].absent
