"""Statements that are built once per shape of search and run with the values of each.

Building and rendering a statement takes many times longer than the database needs to answer it. While it is built, every value
goes in through `Binder.bind`, which remembers how the value was read from the query; a later search of the same shape reads its
own values the same way. Thread-safe: a statement is immutable, and building one twice does no harm.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BindParameter, Select, bindparam

from service.search.query import Value
from service.storage.database import Transaction

Read = Callable[[Sequence[Value]], Any]


@dataclass(slots=True)
class Binder:
    """The values of one query while a statement is built for its shape. `prefix` tells its parameters from those of others."""

    values: Sequence[Value]
    dialect: str
    reads: dict[str, Read] = field(default_factory=dict)
    prefix: str = "v"
    _places: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._places = {id(value): number for number, value in enumerate(self.values)}

    def bind(self, read: Read) -> BindParameter[Any]:
        """A parameter that holds `read(values)`, now and on every later run."""
        name = f"{self.prefix}{len(self.reads)}"
        self.reads[name] = read
        return bindparam(name, read(self.values))

    def place(self, value: Value) -> int:
        """Where a value of the query stands among its values, by identity."""
        return self._places[id(value)]


@dataclass(frozen=True, slots=True)
class Statement:
    """Rendered SQL. `order` lists the parameters where the driver takes them by position, None where by name."""

    sql: str
    constants: Mapping[str, Any]
    order: tuple[str, ...] | None
    reads: Mapping[str, Read]

    def parameters(self, values: Sequence[Value], extra: Mapping[str, Any]) -> Any:
        """The parameters for these values, as the driver takes them; `extra` are those that the caller named itself."""
        named = {**self.constants, **{name: read(values) for name, read in self.reads.items()}, **extra}
        return named if self.order is None else tuple(named[name] for name in self.order)


def render(tx: Transaction, statement: Select[Any], binder: Binder) -> Statement:
    """`statement` as the driver wants it."""
    compiled = statement.compile(dialect=tx.connection.dialect)
    state = compiled.construct_expanded_state()
    order = tuple(state.positiontup) if state.positiontup is not None else None
    return Statement(state.statement, state.parameters, order, binder.reads)
