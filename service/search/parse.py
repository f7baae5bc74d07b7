"""Query string -> Query, or Across for several types. Everything that is not understood is refused by name, with what would be.

With `lenient` (Prefer: handling=lenient) what is not understood is left out instead, with a warning in `query.ignored`, and the self
link, which `unparse` prints, does not have it. https://hl7.org/fhir/R4/search.html, https://hl7.org/fhir/R4/http.html#Prefer
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import overload
from zoneinfo import ZoneInfo

from service.errors import BadRequest, Issue
from service.search import apart, result_parameters
from service.search import compartment as compartments
from service.search import filter as filters
from service.search.clause_reader import ClauseReader
from service.search.parameter import Registry
from service.search.query import Across, Clause, Compartment, Query
from service.search.result_parameters import Given, refused
from service.search.types.protocol import Reading

MOST_CLAUSES = 60
TYPE = "_type"
_FILTER = "_filter"

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Options:
    """How to read a query: strictly or leniently, the zone of dates without offset (None: the registry's), and page sizes."""

    lenient: bool = False
    time_zone: tzinfo | str | None = None
    default_count: int = 50
    max_count: int = 1000


@overload
def parse(registry: Registry, type: str, pairs: Pairs, options: Options, compartment: Compartment | None = None) -> Query: ...
@overload
def parse(registry: Registry, type: None, pairs: Pairs, options: Options, compartment: Compartment | None = None) -> Across: ...
@overload
def parse(
    registry: Registry, type: str | None, pairs: Pairs, options: Options, compartment: Compartment | None = None
) -> Query | Across: ...


def parse(registry: Registry, type: str | None, pairs: Pairs, options: Options, compartment: Compartment | None = None) -> Query | Across:
    """The question that `pairs` (decoded names and values, `_format` and `_pretty` taken out) ask of `type`.

    Without `type` it is asked of every type that `_type` names, or of every served one; in a compartment, of every type in it. Then a
    parameter must be known to all of them. Raises BadRequest.
    """
    if type is not None:
        _require_member(registry, type, compartment)
        (query,) = _Search(registry, (type,), options, compartment).read(pairs)
        return query
    named = _named(registry, [text for name, text in pairs if name == TYPE], compartment)
    types = named or _every(registry, compartment)
    return Across(_Search(registry, types, options, compartment).read([pair for pair in pairs if pair[0] != TYPE]), named)


class _Search:
    """Reads one question for one or several types."""

    def __init__(self, registry: Registry, types: tuple[str, ...], options: Options, compartment: Compartment | None) -> None:
        reading = _reading(registry, options)
        self._registry, self._options = registry, options
        self._readers = {type: ClauseReader(registry, reading) for type in types}
        self._shared = Query(types[0], count=options.default_count, compartment=compartment)
        self._where: dict[str, list[Clause]] = {type: [] for type in types}

    def read(self, pairs: Pairs) -> tuple[Query, ...]:
        """A query for each type."""
        for name, text in pairs:
            try:
                self._take(name, text)
            except BadRequest as error:
                error.issues = [_about(issue, name) for issue in error.issues]
                if not self._options.lenient or name == "_cursor":
                    raise
                warnings = (_warning(issue, name) for issue in error.issues)
                self._shared = replace(self._shared, ignored=(*self._shared.ignored, *warnings))
        return tuple(replace(self._shared, type=type, where=tuple(where)) for type, where in self._where.items())

    def _take(self, name: str, text: str) -> None:
        _require_characters(name, text)
        if name.split(":", 1)[0] in result_parameters.NAMES:
            given = Given(self._registry, self._shared, name, text, tuple(self._readers))
            self._shared = result_parameters.read(given, self._options.max_count)
            return
        clauses = {type: self._clause(type, name, text) for type in self._readers}
        if len(self._where[self._shared.type]) >= MOST_CLAUSES:
            raise refused("too-costly", "search-size", f"The search has more than {MOST_CLAUSES} conditions. Ask for less at once.")
        for type, clause in clauses.items():
            self._where[type].append(clause)

    def _clause(self, type: str, name: str, text: str) -> Clause:
        if name == TYPE:
            raise refused(
                "invalid", "search-type", f"'_type' belongs below the base; this URL searches {type} already. Leave it out.", name
            )
        if name == _FILTER:
            return filters.parse(self._readers[type], type, text)
        return self._readers[type].clause(type, name, text)


def _named(registry: Registry, texts: Sequence[str], compartment: Compartment | None) -> tuple[str, ...]:
    """The types that `_type` names, in their order; none when it is not there."""
    if not texts:
        return ()
    if len(texts) > 1:
        raise refused("invalid", "search-type", "'_type' stands twice. Name all types in one, as in _type=Patient,Encounter.", TYPE)
    named = tuple(dict.fromkeys(name.strip() for name in texts[0].split(",")))
    for name in named:
        if name not in registry.definitions.types:
            served = ", ".join(sorted(registry.definitions.types))
            raise refused(
                "invalid", "search-type", f"'_type' names {name[:40]!r}, which is no served resource type. It takes: {served}.", TYPE
            )
        _require_member(registry, name, compartment)
    return named


def _every(registry: Registry, compartment: Compartment | None) -> tuple[str, ...]:
    types = compartments.types(registry, compartment.kind) if compartment else tuple(sorted(registry.definitions.types))
    return tuple(name for name in types if name != apart.TYPE)


def _require_member(registry: Registry, type: str, compartment: Compartment | None) -> None:
    if compartment and not registry.compartment(compartment.kind, type):
        raise refused("invalid", "search-compartment", compartments.not_a_member(registry, compartment.kind, type), TYPE)


def _reading(registry: Registry, options: Options) -> Reading:
    zone = ZoneInfo(options.time_zone) if isinstance(options.time_zone, str) else options.time_zone
    return Reading(zone, registry.reading.literals) if zone else registry.reading


def _require_characters(*texts: str) -> None:
    for text in texts:
        if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
            raise refused("invalid", "search-character", "The search holds a NUL or half of a surrogate pair. Remove the character.")


def _about(issue: Issue, name: str) -> Issue:
    """The issue, pointing at the parameter as it was written, however far down a chain it arose."""
    return issue if not name or issue.rule == "search-character" else replace(issue, expression=f"http.{name[:80]}")


def _warning(issue: Issue, name: str) -> Issue:
    return replace(issue, severity="warning", diagnostics=f"{issue.diagnostics} '{name[:80]}' was left out of the search.")
