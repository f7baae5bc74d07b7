"""What a search parameter is, and what a search type must answer. One module per type implements `SearchType`.

The modules stay free of SQL machinery: `predicate` combines the columns of the table that it is given with their own operators.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any, Protocol

from service.search.query import Value
from service.search.types.literals import Literals

Json = Any
Condition = Any
"""A boolean SQL expression over the columns of an index table."""


@dataclass(frozen=True, slots=True)
class SearchParameter:
    """A parameter of one resource type.

    `kind` is its type in the specification; `keys` are the index parameters that hold its rows (several when it is the
    union of others), `only` the target types that it is narrowed to; `targets` the types its references may have
    (empty: any); `elements` the FHIR types that it reads. `single` says that a resource has at most one value. `main` marks the
    date that orders the type's postings. `components` are the parameters that a composite's parts are read by, in order; their `elements`
    are those of the part. `alias` is the chain that the parameter stands for. `refusal` says why it cannot be searched, None when it can.
    """

    type: str
    code: str
    kind: str
    url: str = ""
    expression: str = ""
    targets: frozenset[str] = frozenset()
    keys: tuple[int, ...] = ()
    identifier_keys: tuple[int, ...] = ()
    text_keys: tuple[int, ...] = ()
    of_type_keys: tuple[int, ...] = ()
    only: frozenset[str] = frozenset()
    elements: frozenset[str] = frozenset()
    single: bool = False
    main: bool = False
    components: "tuple[SearchParameter, ...]" = ()
    alias: str = ""
    refusal: str | None = None

    def keys_for(self, modifier: str | None) -> tuple[int, ...]:
        """The index parameters that a search with this modifier looks at; `:identifier`, `:text`, `:of-type` have tokens of their own."""
        own = {"identifier": self.identifier_keys, "text": self.text_keys, "of-type": self.of_type_keys}
        return own.get(modifier or "", self.keys)


@dataclass(slots=True)
class Rows:
    """What the elements of one resource put into the index, without the resource's own columns. `literals`: every reference."""

    token: set[tuple[int, str, int]] = field(default_factory=set)
    reference: set[tuple[int, str, int]] = field(default_factory=set)
    date: set[tuple[int, int, int, int]] = field(default_factory=set)
    string: set[tuple[int, str, int, str | None, str | None]] = field(default_factory=set)
    number: set[tuple[int, str, str]] = field(default_factory=set)
    quantity: set[tuple[int, str, str, str, int]] = field(default_factory=set)
    uri: set[tuple[int, str]] = field(default_factory=set)
    composite: set[tuple[int, str, str, str, str, int, int]] = field(default_factory=set)
    literals: set[str] = field(default_factory=set)


Action = Callable[[Json, Rows], None]
"""Reads one element (never a list, never None) and adds its rows."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where rows come from: the FHIR type of the element, the keys they are stored under, and what reading them takes."""

    element: str
    key: int
    identifier_key: int
    text_key: int
    of_type_key: int
    zone: tzinfo
    literals: Literals
    code_systems: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """What it takes to understand a value: the clinic's zone and what literal references mean here."""

    zone: tzinfo
    literals: Literals


@dataclass(frozen=True, slots=True)
class Asked:
    """One value of a search, for a predicate. `bind(read)` is the SQL parameter that holds `read(value)` whenever it runs."""

    value: Any
    modifier: str | None
    parameter: SearchParameter
    reading: Reading
    bind: Callable[[Callable[[Any], Any]], Any]


class Refused(ValueError):
    """A value, modifier or prefix that a type does not understand; the message says what would be."""


class SearchType(Protocol):
    """The three questions every search type answers, the table it lives in, the modifiers, prefixes and FHIR types it knows."""

    @property
    def TABLE(self) -> str: ...  # noqa: N802
    @property
    def MODIFIERS(self) -> frozenset[str]: ...  # noqa: N802
    @property
    def PREFIXES(self) -> tuple[str, ...]: ...  # noqa: N802
    @property
    def READS(self) -> frozenset[str]: ...  # noqa: N802

    def parse(self, text: str, modifier: str | None, parameter: SearchParameter, reading: Reading) -> Value:
        """The value in `text`, which still carries its escapes. Raises Refused."""

    def write(self, value: Any) -> str:
        """The text that `parse` reads as `value`."""

    def extractor(self, source: Source) -> Action:
        """What to do with an element of that FHIR type, one of `READS`."""

    def predicate(self, table: Any, asked: Asked) -> Condition:
        """Which rows of `table` (columns by name) have the value; their `param` is already bound.

        The condition may depend on the shape of the value (`search.shape`); everything else of it goes through `asked.bind`.
        """
