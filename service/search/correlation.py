"""How composites are compiled: for each element that one correlates, what its parts say there, pair by pair.

`drafted` reads a definition: the path of the element (`Observation | Observation.component`) and, for each part, the parameter by which
it is asked for and the places where the element holds it. `action` makes one reader of all composites of a type, which runs at the root
of a resource. Composites over the same element share the reading of their first part, which is done only where a second part is there.
https://hl7.org/fhir/R4/searchparameter.html#SearchParameter.component
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from service.errors import Unprocessable
from service.fhir.definitions import Definitions
from service.search.element_paths import Leaf, leaves
from service.search.expression import WHOLE, Correlated, Member, Path, Unsupported, parse
from service.search.keys import parameter_key
from service.search.sources import source
from service.search.types import composite
from service.search.types.protocol import Action, Json, Reading, Rows, SearchParameter

MOST_ROWS = 2000
"""Rows that one element may make: the codes of its first part times the values of its second."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a composite at one element: its parameter, where it is found, and whether from the resource on instead of the element."""

    parameter: SearchParameter
    leaves: tuple[Leaf, ...]
    of_root: bool


@dataclass(frozen=True, slots=True)
class Correlation:
    """A composite at one element: the JSON members that lead there, and its parts."""

    steps: tuple[str, ...]
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Drafted:
    """A composite as it was defined: the parameters of its parts, its paths (equal where the rows are), and where it correlates."""

    components: tuple[SearchParameter, ...]
    paths: frozenset[Path]
    correlations: tuple[Correlation, ...]


def drafted(type: str, row: Row, paths: Iterable[Path], known: Iterable[Row], definitions: Definitions) -> Drafted:
    """The composite of `row` at the elements `paths`. `known` are the definitions among which it names its parts. Raises Unsupported."""
    stated = [(_definition(name, known), parse(expression)) for name, expression in _stated(row)]
    kinds = tuple(definition["type"] for definition, _ in stated)
    why = composite.unsupported(kinds)
    if why:
        raise Unsupported(why)
    correlations = tuple(_correlation(type, path, stated, definitions) for path in paths)
    if not correlations:
        raise Unsupported(f"no element of {type}")
    signature = Correlated(tuple((definition["type"], alternatives) for definition, alternatives in stated))
    correlated = frozenset(Path(path.root, (*path.steps, signature)) for path in paths)
    return Drafted(_components(correlations), correlated, correlations)


def _stated(row: Row) -> list[tuple[str, str]]:
    """The parts as (name of the definition, expression), from the facts of R4 or from a resource."""
    parts = row.get("components") or [(part["definition"], part["expression"]) for part in row.get("component", ())]
    return [(name.split("|")[0], expression) for name, expression in parts]


def _definition(name: str, known: Iterable[Row]) -> Row:
    found = next((row for row in known if name in (row.get("id"), row.get("url"))), None)
    if found is None:
        raise Unsupported(f"the part {name}, which is no search parameter of the type")
    return found


def _correlation(type: str, path: Path, stated: Iterable[tuple[Row, tuple[Path, ...]]], definitions: Definitions) -> Correlation:
    element, *others = leaves(path, definitions)
    if others:
        raise Unsupported(f"{path.root} at several places at once as the element of a composite")
    parts = tuple(_part(type, path, len(element.steps), definition, alternatives, definitions) for definition, alternatives in stated)
    return Correlation(_members(element), parts)


def _part(type: str, path: Path, depth: int, definition: Row, alternatives: tuple[Path, ...], definitions: Definitions) -> Part:
    of_root = any(one.root == WHOLE for one in alternatives)
    found = []
    for one in alternatives:
        whole = Path(path.root, one.steps) if of_root else Path(path.root, (*path.steps, Member(one.root), *one.steps))
        found += leaves(whole, definitions)
    read = composite.PARTS[definition["type"]].READS
    below = tuple(Leaf(leaf.steps if of_root else leaf.steps[depth:], leaf.type, leaf.element) for leaf in found if leaf.type in read)
    if not below:
        raise Unsupported(f"the part {definition['code']}, which leads to nothing that its type can read")
    for leaf in below:
        _members(leaf)
    parameter = SearchParameter(
        type=type,
        code=definition["code"],
        kind=definition["type"],
        url=definition["url"],
        targets=frozenset(definition.get("target", ())),
        elements=frozenset(leaf.type for leaf in below),
    )
    return Part(parameter, below, of_root)


def _members(leaf: Leaf) -> tuple[str, ...]:
    names = tuple(step for step in leaf.steps if isinstance(step, str))
    if names != leaf.steps:
        raise Unsupported("conditions within a composite")
    return names


def _components(correlations: Iterable[Correlation]) -> tuple[SearchParameter, ...]:
    """The parameters of the parts; those of one composite differ by the types that they read only."""
    first, *others = [one.parts for one in correlations]
    elements = [frozenset().union(*(parts[at].parameter.elements for parts in (first, *others))) for at in range(len(first))]
    return tuple(replace(part.parameter, elements=types) for part, types in zip(first, elements, strict=True))


Cells = Callable[[Json], Any]
"""Reads the columns of a part off an element."""


def action(type: str, found: Iterable[tuple[str, Correlation]], definitions: Definitions, reading: Reading) -> Action:
    """The reader of the composites `found` (code and correlation) of a type, for the root of its resources."""
    groups: dict[Any, tuple[Correlation, Cells, list[tuple[int, Cells]]]] = {}

    def cells(part: Part, tail: bool) -> Cells:
        return _cells(type, part, tail, definitions, reading)

    for code, one in found:
        head, *rest = one.parts
        shared = (one.steps, head.parameter.kind, head.of_root, tuple((leaf.steps, leaf.type) for leaf in head.leaves))
        if shared not in groups:
            groups[shared] = (one, cells(head, tail=False), [])
        tail = cells(rest[0], tail=True) if len(rest) == 1 else _both(cells(rest[0], tail=True), cells(rest[1], tail=True))
        groups[shared][2].append((parameter_key(type, code), tail))
    readers = [_reader(one, head, tails) for one, head, tails in groups.values()]

    def read(value: Json, rows: Rows) -> None:
        for reader in readers:
            reader(value, rows)

    return read


def _reader(correlation: Correlation, head: Cells, pairs: list[tuple[int, Cells]]) -> Action:
    steps, of_root = correlation.steps, correlation.parts[0].of_root

    def read(resource: Json, rows: Rows) -> None:
        for element in _at(resource, steps):
            heads = None
            for key, tail in pairs:
                tails = tail(element)
                if not tails:
                    continue
                if heads is None:
                    heads = head(resource if of_root else element)
                _require_bounded(len(heads) * len(tails))
                for code, system in heads:
                    rows.composite.update((key, code, unit, lo, hi, system, unit_system) for unit, lo, hi, unit_system in tails)

    return read


def _require_bounded(count: int) -> None:
    if count > MOST_ROWS:
        message = f"An element pairs codes and values in {count} ways, of which at most {MOST_ROWS} can be indexed. Give it fewer codings."
        raise Unprocessable.of("too-costly", "search-index", message)


def _cells(type: str, part: Part, tail: bool, definitions: Definitions, reading: Reading) -> Cells:
    """Reads the columns of one part off an element."""
    kind, key = part.parameter.kind, parameter_key(type, part.parameter.code)
    extractor = composite.PARTS[kind].extractor
    sources = [source(type, part.parameter.code, leaf, definitions, reading) for leaf in part.leaves]
    places = [(*_parted(_members(leaf)), extractor(one)) for leaf, one in zip(part.leaves, sources, strict=True)]
    columns = composite.tails if tail else composite.heads

    def read(element: Json) -> Any:
        rows = None
        for first, rest, add in places:
            if first in element:
                rows = rows or Rows()
                for value in _at(element[first], rest):
                    add(value, rows)
        return columns(kind, key, rows) if rows else ()

    return read


def _both(second: Cells, third: Cells) -> Cells:
    """The columns of two numbers: the lower end of each."""

    def read(element: Json) -> Any:
        return {("", low, high, 0) for _, low, _, _ in second(element) for _, high, _, _ in third(element)}

    return read


def _parted(steps: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    return steps[0], steps[1:]


def _at(value: Json, steps: tuple[str, ...]) -> Iterator[Json]:
    """What stands at the end of the members `steps` of a value, every item of a list by itself."""
    if isinstance(value, list):
        for one in value:
            yield from _at(one, steps)
    elif value is not None and not steps:
        yield value
    elif isinstance(value, dict):
        yield from _at(value.get(steps[0]), steps[1:])
