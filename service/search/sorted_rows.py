"""The rows of the parameter that a search is sorted by, as a driver: the index is read along its values.

Of each resource the one row that counts, the least ascending and the greatest descending. Quantities lie unit by unit, so that each base
unit is a range of its own; those without a unit of UCUM are not among them.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, and_, exists, literal_column, not_, select, true

from service.search.clauses import POSTINGS, Bool, Clauses
from service.search.driver import Arm, Driver
from service.search.order import By, Key

_MANY_ROWS = frozenset({"CodeableConcept", "HumanName", "Address", "Reference", "canonical"})
"""Elements that make several rows, even where there is one of them."""


def sorted_by(clauses: Clauses, key: Key, units: Sequence[str] | None = None) -> Driver | None:
    """The rows of the parameter that a search is sorted by: of each resource the one that counts. None where no index has that order.

    Quantities lie unit by unit: each of the base `units` is a range of its own.
    """
    parameter = key.parameter
    if parameter is None or (parameter.kind == "quantity" and units is None) or (parameter.kind != "quantity" and len(parameter.keys) != 1):
        return None
    ranges = units if parameter.kind == "quantity" and units is not None else (None,)
    arms = []
    for param in parameter.keys:
        for unit in ranges:
            rows = key.table.alias()
            held = and_(rows.c.param == param, clauses.narrowed(rows, parameter), key.counts(rows), _is_first(clauses, key, rows))
            if unit is not None:
                held = and_(held, rows.c.code == unit)
            arms.append(Arm(rows, held, rows.c.lo if parameter.kind in POSTINGS else None, key.column(rows)))
    return Driver(tuple(arms), False, frozenset({By.VALUE}))


def _is_first(clauses: Clauses, key: Key, rows: Any) -> Bool:
    """Whether no other row of the resource comes before it, and it has a value at all."""
    parameter, mine = key.parameter, key.column(rows)
    assert parameter is not None
    valued = mine > "" if key.descending and parameter.kind != "date" else true()
    if parameter.single and not parameter.elements & _MANY_ROWS:
        return valued
    other = key.table.alias()
    beyond = key.column(other) > mine if key.descending else key.column(other) < mine
    same = and_(other.c.res_id == rows.c.res_id, other.c.param.in_(parameter.keys), clauses.narrowed(other, parameter), key.counts(other))
    better: Select[Any] = select(literal_column("1")).where(same, beyond).correlate_except(other)
    return and_(valued, not_(exists(better.offset(literal_column("0")) if clauses.fenced else better)))
