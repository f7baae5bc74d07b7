"""`_include` and `_revinclude`: the resources that matches refer to, and those that refer to matches, up to a limit.

The reference index answers both directions. With `:iterate` an include is followed again from what was added, round by round. A reference
to one version brings that version; a canonical URL brings the resources with that URL, and of that version if it names one. Nothing comes
twice, and no match comes again. A limit that was reached is reported as a warning. https://hl7.org/fhir/R4/search.html#include
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

import msgspec

from service.errors import Issue
from service.search import include_rows
from service.search.include_rows import Arm, Edge, Key, VersionKey
from service.search.keys import text_key
from service.search.parameter import Registry
from service.search.query import Include, Query
from service.search.result_parameters import ANY
from service.search.sight import Sight
from service.search.types.literals import EXTERNAL
from service.search.types.protocol import SearchParameter
from service.search.viewer import Viewer
from service.storage.database import Transaction

MOST_ROUNDS = 10
_PIECE = 2000
"""Resources whose referrers one statement looks for."""
_VERSION = "/_history/"
_URLS = frozenset({"canonical", "uri", "url"})
Types = frozenset[int]
"""Type numbers."""


class _Named(msgspec.Struct):
    """What a canonical URL may name of a resource. Types that have no such URL may have anything here."""

    url: Any = None
    version: Any = None


@dataclass(frozen=True, slots=True)
class Includer:
    """Where to look, with whose eyes, and how many resources may be included."""

    tx: Transaction
    registry: Registry
    sight: Sight
    limit: int


def included(where: Includer, query: Query, page: Sequence[Any]) -> tuple[list[Any], tuple[Issue, ...]]:
    """The rows to include for the rows of `page` (as `compile.bodies` has them), and warnings when something is left out.

    The matches may be of several types: of `query` the includes count, not the type. What may not be seen is as if it were not there.
    """
    if not query.includes or not page:
        return [], ()
    limit, seen = where.limit, {(row.type, row.fhir_id, row.version) for row in page}
    walk = _Walk(where.tx, where.registry, limit, seen, Viewer(where.tx, where.registry, where.sight))
    frontier, includes, rounds = page, query.includes, 0
    while frontier and includes and rounds < MOST_ROUNDS and not walk.is_over:
        frontier = walk.round(includes, frontier)
        includes = tuple(include for include in includes if include.iterate)
        rounds += 1
    if walk.is_over:
        message = f"More than {limit} resources were to be included; the rest is left out. Ask for smaller pages with '_count'."
        return walk.rows[:limit], (Issue("warning", "too-costly", "include-limit", message),)
    if frontier and includes:
        message = f"Includes are followed for {MOST_ROUNDS} rounds; what lies further is left out. Go on from what was included."
        return walk.rows, (Issue("warning", "too-costly", "include-rounds", message),)
    return walk.rows, ()


@dataclass(slots=True)
class _Ends:
    """Where references lead: current resources, versions, and URLs with the version that they name and the types that are wanted."""

    keys: set[Key] = field(default_factory=set)
    versions: set[VersionKey] = field(default_factory=set)
    urls: dict[tuple[str, str | None], Types] = field(default_factory=dict)


@dataclass(slots=True)
class _Walk:
    """The rounds of one page. `seen`: the versions that the answer has already; `rows`: what is included."""

    tx: Transaction
    registry: Registry
    limit: int
    seen: set[VersionKey]
    viewer: Viewer
    rows: list[Any] = field(default_factory=list)
    known: set[Key] = field(default_factory=set)

    @property
    def is_over(self) -> bool:
        """Whether there is more than may be included."""
        return len(self.rows) > self.limit

    def round(self, includes: Sequence[Include], frontier: Sequence[Any]) -> list[Any]:
        """What the includes add, seen from `frontier`."""
        self.known.update((row.type, row.fhir_id) for row in frontier)
        before = len(self.rows)
        for row in chain(self._referred(includes, frontier), self._referring(includes, frontier)):
            key = (row.type, row.fhir_id, row.version)
            if row.body is not None and key not in self.seen:
                self.seen.add(key)
                self.rows.append(row)
                if self.is_over:
                    break
        return self.rows[before:]

    def _referred(self, includes: Sequence[Include], frontier: Sequence[Any]) -> Iterator[Any]:
        """Forwards, by the rows of the frontier in the reference index."""
        wanted = self._wanted(includes, {row.type for row in frontier})
        if not wanted:
            return
        res_ids = [row.res_id for row in frontier]
        ends = _ends(include_rows.edges(self.tx, res_ids, sorted(wanted)), wanted)
        room = self.limit + 1 - len(self.rows)
        yield from include_rows.current(self.tx, islice(sorted(self.viewer.visible(ends.keys - self.known)), room))
        yield from islice(self.viewer.past(include_rows.versions(self.tx, self._past(ends.versions - self.seen))), room)
        yield from self.viewer.seen(self._canonical(ends.urls))

    def _past(self, keys: set[VersionKey]) -> list[VersionKey]:
        """The versions of resources that may be seen as they are now."""
        visible = self.viewer.visible({key[:2] for key in keys})
        return sorted(key for key in keys if key[:2] in visible)

    def _wanted(self, includes: Sequence[Include], sources: Iterable[int]) -> dict[int, Types]:
        """The index parameters to follow from resources of `sources`, and the types to follow them to; EXTERNAL stands for URLs."""
        wanted: dict[int, Types] = {}
        for name in map(self.registry.definitions.type_name, sorted(sources)):
            for include in includes:
                if include.reverse or include.source not in (ANY, name):
                    continue
                for parameter in _parameters(self.registry, name, include.parameter):
                    for key in parameter.keys:
                        wanted[key] = wanted.get(key, frozenset()) | self._types(parameter, include.target)
        return wanted

    def _types(self, parameter: SearchParameter, target: str | None) -> Types:
        names = parameter.only or self.registry.definitions.types.keys()
        numbers = {self.registry.definitions.type_number(name) for name in names if target in (None, name)}
        return frozenset(numbers | {EXTERNAL}) if parameter.elements & _URLS else frozenset(numbers)

    def _canonical(self, urls: dict[tuple[str, str | None], Types]) -> Iterator[Any]:
        """The resources that canonical URLs mean."""
        if not urls:
            return
        wanted: dict[str, list[tuple[str | None, Types]]] = {}
        for (url, version), types in urls.items():
            wanted.setdefault(url, []).append((version, types))
        params = [key for name in self.registry.definitions.types for key in _url_keys(self.registry, name)]
        for row in include_rows.canonical(self.tx, params, wanted):
            url, own = _canonical(row)
            if any(row.type in types and version in (None, own) for version, types in wanted.get(url, ())):
                yield row

    def _referring(self, includes: Sequence[Include], frontier: Sequence[Any]) -> Iterator[Any]:
        """Backwards, by the reference index."""
        for start in range(0, len(frontier), _PIECE):
            by_type: dict[int, list[Any]] = {}
            for row in frontier[start : start + _PIECE]:
                by_type.setdefault(row.type, []).append(row)
            arms = [arm for number, rows in sorted(by_type.items()) for arm in self._arms(includes, number, rows)]
            yield from self._visible_referring(arms)

    def _visible_referring(self, arms: Sequence[Arm]) -> Iterator[Any]:
        """What refers and may be seen, oldest first: pages are read until there are enough."""
        wanted, after = self.limit + 1 + len(self.seen), 0
        while wanted > 0:
            rows = list(include_rows.referring(self.tx, arms, self.limit + 1 + len(self.seen), after))
            for row in islice(self.viewer.seen(rows), wanted):
                wanted -= 1
                yield row
            if len(rows) <= self.limit + len(self.seen):
                return
            after = rows[-1].res_id

    def _arms(self, includes: Sequence[Include], number: int, rows: Sequence[Any]) -> Iterator[Arm]:
        """The references to the rows, all of the type `number`, that the reverse includes follow."""
        target = self.registry.definitions.type_name(number)
        parameters = [
            parameter
            for include in includes
            if include.reverse and include.target in (None, target)
            for source in (self.registry.definitions.types if include.source == ANY else [include.source])
            for parameter in _parameters(self.registry, source, include.parameter)
            if not (parameter.only or parameter.targets) or target in (parameter.only or parameter.targets)
        ]
        literal = sorted({key for parameter in parameters for key in parameter.keys})
        if literal:
            yield Arm(literal, number, sorted({row.fhir_id for row in rows}))
        by_url = sorted({key for parameter in parameters if parameter.elements & _URLS for key in parameter.keys})
        if by_url and _url_keys(self.registry, target) and (urls := sorted(set(_urls(rows)))):
            yield Arm(by_url, EXTERNAL, urls)


def _parameters(registry: Registry, type: str, code: str) -> list[SearchParameter]:
    if code == ANY:
        return [parameter for parameter in registry.for_type(type).values() if parameter.kind == "reference"]
    parameter = registry.parameter(type, code)
    return [parameter] if parameter else []


def _url_keys(registry: Registry, type: str) -> tuple[int, ...]:
    """The index parameters of the URL by which a resource of `type` is known; none for types that have no such URL."""
    parameter = registry.parameter(type, "url")
    return parameter.keys if parameter and parameter.kind == "uri" else ()


def _urls(rows: Iterable[Any]) -> Iterator[str]:
    """The canonical URLs of resources, with and without their version, as the index has them."""
    for row in rows:
        url, version = _canonical(row)
        if url:
            yield text_key(url)
            if version:
                yield text_key(f"{url}|{version}")


def _canonical(row: Any) -> tuple[str, str]:
    """The URL and the version of a resource; empty where it has none."""
    own = msgspec.json.decode(row.body, type=_Named)
    return own.url if isinstance(own.url, str) else "", own.version if isinstance(own.version, str) else ""


def _ends(edges: Sequence[Edge], wanted: dict[int, Types]) -> _Ends:
    """Where the edges lead. The index has a reference to a version twice, with the version and without; the version is meant."""
    ends = _Ends()
    named = {(edge.res_id, edge.param, edge.type, edge.id.partition(_separator(edge))[0]) for edge in edges if _separator(edge) in edge.id}
    for edge in edges:
        if edge.type in wanted[edge.param] and (not named or (*edge[:2], edge.type, edge.id) not in named):
            _add(ends, edge, wanted[edge.param])
    return ends


def _separator(edge: Edge) -> str:
    return "|" if edge.type == EXTERNAL else _VERSION


def _add(ends: _Ends, edge: Edge, types: Types) -> None:
    id, _, version = edge.id.partition(_separator(edge))
    if edge.type == EXTERNAL:
        key = (id, version or None)
        ends.urls[key] = ends.urls.get(key, frozenset()) | types
    elif not version:
        ends.keys.add((edge.type, id))
    elif version.isascii() and version.isdigit() and len(version) < 10:
        ends.versions.add((edge.type, id, int(version)))
