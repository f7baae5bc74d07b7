"""A search as data: what was asked, in frozen values that compare, print (`unparse`) and can be rewritten.

    Query(type, where, sort, count, ...)          the clauses of `where` must all hold
    Across(queries)                               the same question asked of several types
    Clause = Match | Missing | Chain | Has | InList | Filter | Not | Any | All, and of restrictions OfSite | Confined
    Value  = Text | Token | OfType | Moment | Number | Quantity | Target | Uri | Composite

Parameters stand by their code; the registry says what a code means for the type at hand. `records.find` and the compiler see the same
tree; what only a look into the record can tell (value sets, hierarchies, short chains) is rewritten to plain matches before it is
compiled (`search.resolve`).
https://hl7.org/fhir/R4/search.html
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from service.errors import Issue
from service.search.operand import Composite, Moment, Number, OfType, Quantity, Target, Text, Token, Uri, Value

__all__ = [
    "EVERYTHING",
    "LOOKED_UP",
    "NOTHING",
    "PULLING",
    "Across",
    "All",
    "Any",
    "Chain",
    "Clause",
    "Compartment",
    "Composite",
    "Confined",
    "Filter",
    "Has",
    "InList",
    "Include",
    "Match",
    "Missing",
    "Moment",
    "Not",
    "Number",
    "OfSite",
    "OfType",
    "Quantity",
    "Query",
    "Sort",
    "Target",
    "Text",
    "Token",
    "Uri",
    "Value",
]

PULLING = frozenset({"gt", "ge", "sa"})
"""The prefixes on `_lastUpdated` that make a search a pull, which a horizon bounds."""
LOOKED_UP = frozenset({"in", "not-in", "above", "below"})
"""The modifiers whose meaning depends on what is stored: value sets, code systems, hierarchies of resources."""


@dataclass(frozen=True, slots=True)
class Match:
    """The parameter has one of the values, as the modifier understands it.

    `:text` has Text values, `:of-type` OfType, `:in` and `:not-in` a Uri, `:identifier` Token; every other modifier has the values of the
    parameter's own type.
    """

    parameter: str
    values: tuple[Value, ...]
    modifier: str | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """The parameter has no value at all; or, when `missing` is false, has one."""

    parameter: str
    missing: bool


@dataclass(frozen=True, slots=True)
class Chain:
    """The reference points to a resource that satisfies the clause of its type. `type` is the one that was named, if any."""

    parameter: str
    targets: tuple[tuple[str, "Clause"], ...]
    type: str | None = None


@dataclass(frozen=True, slots=True)
class Has:
    """`_has`: a resource of `type` refers to this one by its reference `parameter` and satisfies `clause`."""

    type: str
    parameter: str
    clause: "Clause"


@dataclass(frozen=True, slots=True)
class InList:
    """`_list`: it is an item of the List with this id that is not marked deleted."""

    id: str


@dataclass(frozen=True, slots=True)
class Filter:
    """`_filter`: the expression as it was written, and what it comes to."""

    text: str
    clause: "Clause"


@dataclass(frozen=True, slots=True)
class Not:
    """The clause does not hold."""

    clause: "Clause"


@dataclass(frozen=True, slots=True)
class All:
    """Every clause holds; an empty one always does."""

    clauses: tuple["Clause", ...]


@dataclass(frozen=True, slots=True)
class Any:
    """At least one clause holds; an empty one never does."""

    clauses: tuple["Clause", ...]


@dataclass(frozen=True, slots=True)
class OfSite:
    """It belongs to no patient, or to one of the clinics `organizations` or of none, or to one of `beyond` (all ids).

    `codes` are the parameters that put its type into the compartment of a patient. No query string can say this: restrictions do.
    """

    codes: tuple[str, ...]
    organizations: tuple[str, ...]
    beyond: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Confined:
    """Whatever of patients' records the reference `parameter` leads to is of the record of `patient`. Said by restrictions alone."""

    parameter: str
    patient: Target


Clause = Match | Missing | Chain | Has | InList | Filter | Not | All | Any | OfSite | Confined

EVERYTHING: Clause = All(())
"""Always holds."""
NOTHING: Clause = Any(())
"""Never holds."""


@dataclass(frozen=True, slots=True)
class Sort:
    """One key of the order. Resources without a value come last either way."""

    parameter: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Include:
    """`source:parameter[:target]` of `_include` or `_revinclude`; parameter `*` is every reference of the source, source `*` any type.

    `iterate` follows it from what was included too.
    """

    source: str
    parameter: str
    target: str | None = None
    reverse: bool = False
    iterate: bool = False


@dataclass(frozen=True, slots=True)
class Compartment:
    """`Patient/p` of a compartment search: only what belongs to that resource."""

    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class Query:
    """A search of one resource type. Nothing of the result parameters is set unless the client set it.

    `compartment` stands in the path of the URL, not in its query string.

    `count` is the size of a page, `asked_count` what the client asked for as far as it is granted. `ignored` says what a lenient
    parse left out; it is no part of what was asked and does not count when queries are compared.
    """

    type: str
    where: tuple[Clause, ...] = ()
    sort: tuple[Sort, ...] = ()
    count: int = 50
    asked_count: int | None = None
    includes: tuple[Include, ...] = ()
    total: str | None = None
    summary: str | None = None
    elements: tuple[str, ...] = ()
    cursor: str | None = None
    compartment: Compartment | None = None
    explain: bool = False
    ignored: tuple[Issue, ...] = field(default=(), compare=False)

    @property
    def restricts(self) -> bool:
        """Whether the query asks for less than every resource of its type."""
        return bool(self.where) or self.compartment is not None

    @property
    def pulls(self) -> bool:
        """Whether it asks for what changed since an instant, so that a horizon must bound it."""
        return any(_pulls(clause) for clause in self.where)

    @property
    def is_one_statement(self) -> bool:
        """Whether one statement answers it, so that there is nothing to keep consistent over several."""
        return not (self.pulls or self.includes or self.total or self.explain) and all(map(_is_plain, self.where))

    @property
    def counts_only(self) -> bool:
        """Whether the answer is the total alone."""
        return self.count == 0 or self.summary == "count"


def _pulls(clause: Clause) -> bool:
    if isinstance(clause, Match):
        return clause.parameter == "_lastUpdated" and any(isinstance(value, Moment) and value.prefix in PULLING for value in clause.values)
    return any(map(_pulls, _below(clause)))


def _is_plain(clause: Clause) -> bool:
    """Whether nothing of it has to be looked up before it is compiled."""
    if isinstance(clause, Match):
        return clause.modifier not in LOOKED_UP
    return not isinstance(clause, Chain | Has | InList | OfSite | Confined) and all(map(_is_plain, _below(clause)))


def _below(clause: Clause) -> Iterator[Clause]:
    """The clauses that a clause about the same resource is made of."""
    if isinstance(clause, All | Any):
        yield from clause.clauses
    elif isinstance(clause, Not | Filter):
        yield clause.clause


@dataclass(frozen=True, slots=True)
class Across:
    """One question asked of several types, one Query each with the same result parameters: below the base, or a whole compartment.

    `types` are those that `_type` named; empty when it did not.
    """

    queries: tuple[Query, ...]
    types: tuple[str, ...] = ()

    @property
    def first(self) -> Query:
        """The query of the first type, for the result parameters that all share."""
        return self.queries[0]

    @property
    def pulls(self) -> bool:
        """Whether it asks for what changed since an instant."""
        return self.first.pulls
