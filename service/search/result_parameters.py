"""The parameters that shape the result rather than choose it (https://hl7.org/fhir/R4/search.html#return).

`_sort _count _total _summary _elements _include _revinclude _cursor`. Those that R4 has beside them are refused with a reason.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from service.errors import BadRequest
from service.search.parameter import Registry
from service.search.query import Include, Query, Sort

TOTALS = ("none", "estimate", "accurate")
SUMMARIES = ("true", "text", "data", "count", "false")
_REFUSED = {
    "_contained": "contained resources are found through the resource that holds them",
    "_containedType": "contained resources are found through the resource that holds them",
    "_text": "there is no full-text index of narratives",
    "_content": "there is no full-text index",
    "_filter": "filter expressions are not supported; combine parameters instead",
    "_query": "there are no named queries",
    "_list": "searching by membership in a List is not supported",
    "_has": "reverse chaining is not supported; search the referring type and add _include",
    "_type": "a search across types is not supported; search each type",
    "_score": "results are not ranked",
}


def refused(code: str, rule: str, diagnostics: str, name: str | None = None) -> BadRequest:
    """A 400 with one issue that points at the parameter `name`, as `http.name`."""
    return BadRequest.of(code, rule, diagnostics, f"http.{name[:80]}" if name else None)


def read(registry: Registry, query: Query, name: str, text: str, max_count: int) -> Query:
    """`query` with what one result parameter says. Raises BadRequest."""
    code, _, modifier = name.partition(":")
    if code in _REFUSED:
        raise refused("not-supported", "search-parameter", f"'{code}' is not supported: {_REFUSED[code]}.", name)
    if modifier:
        message = (
            f"':{modifier[:40]}' on '{code}' is not supported"
            if modifier in ("iterate", "recurse")
            else f"'{code}' takes no modifier ':{modifier[:40]}'"
        )
        raise refused("not-supported", "search-modifier", f"{message}. Leave it out.", name)
    if code == "_count":
        return _count(query, text, max_count)
    return _READERS[code](_Given(registry, query, text))


@dataclass(frozen=True, slots=True)
class _Given:
    """One result parameter: the text it was given, and the query so far."""

    registry: Registry
    query: Query
    text: str


def _count(query: Query, text: str, max_count: int) -> Query:
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise refused("invalid", "search-value", f"'_count' takes a whole number of at least 0, not {text[:40]!r}.", "_count")
    _once(query.asked_count is None, "_count")
    granted = min(int(text), max_count)
    return replace(query, count=granted, asked_count=granted)


def _total(given: _Given) -> Query:
    _once(given.query.total is None, "_total")
    return replace(given.query, total=_one_of("_total", given.text, TOTALS))


def _summary(given: _Given) -> Query:
    _once(given.query.summary is None, "_summary")
    return replace(given.query, summary=_one_of("_summary", given.text, SUMMARIES))


def _elements(given: _Given) -> Query:
    known = given.registry.definitions.structures[given.query.type].elements
    names = {"resourceType", *(name for element in known.values() for name in (element.name, *element.properties))}
    asked = [name.strip().removeprefix(given.query.type + ".") for name in given.text.split(",") if name.strip()]
    for name in asked:
        if name not in names:
            raise refused(
                "invalid", "search-value", f"{given.query.type} has no element {name[:60]!r}. It has: {', '.join(known)}.", "_elements"
            )
    return replace(given.query, elements=tuple(dict.fromkeys((*given.query.elements, *asked))))


def _cursor(given: _Given) -> Query:
    _once(given.query.cursor is None, "_cursor")
    return replace(given.query, cursor=given.text)


def _sort(given: _Given) -> Query:
    _once(not given.query.sort, "_sort")
    keys: list[Sort] = []
    for part in given.text.split(","):
        code = part.strip().removeprefix("-")
        parameter = given.registry.parameter(given.query.type, code)
        if parameter is None or parameter.refusal:
            valid = ", ".join(given.registry.for_type(given.query.type))
            raise refused("invalid", "search-sort", f"{given.query.type} cannot be sorted by {code[:60]!r}. It can by: {valid}.", "_sort")
        if all(key.parameter != code for key in keys):
            keys.append(Sort(code, part.strip().startswith("-")))
    return replace(given.query, sort=tuple(keys))


def _include(given: _Given) -> Query:
    include = _parsed_include(given.registry, given.text, "_include", reverse=False)
    if include.source != given.query.type:
        wanted = given.query.type
        message = f"'_include={given.text[:80]}' starts at {include.source}, but the matches are {wanted}. Start it at {wanted}."
        raise refused("invalid", "search-include", message, "_include")
    return _with(given.query, include)


def _revinclude(given: _Given) -> Query:
    include = _parsed_include(given.registry, given.text, "_revinclude", reverse=True)
    if include.target not in (None, given.query.type):
        message = f"'_revinclude={given.text[:80]}' wants references to {include.target}, but the matches are {given.query.type}."
        raise refused("invalid", "search-include", message, "_revinclude")
    return _with(given.query, include)


def _parsed_include(registry: Registry, text: str, name: str, reverse: bool) -> Include:
    source, code, target, *more = (*text.split(":"), "", "")[: max(3, text.count(":") + 1)]
    types = registry.definitions.types
    if more or source not in types or not code:
        message = f"'{name}' is written Type:parameter or Type:parameter:TargetType with served types, not {text[:80]!r}."
        raise refused("invalid", "search-include", message, name)
    references = registry.reference_codes(source)
    if code != "*" and code not in references:
        message = f"{source} has no reference parameter {code[:60]!r}. It has: {', '.join(references)}."
        raise refused("invalid", "search-include", message, name)
    if target and target not in types:
        raise refused("invalid", "search-include", f"{target[:40]!r} in '{name}' is no served resource type.", name)
    return Include(source, code, target or None, reverse)


def _with(query: Query, include: Include) -> Query:
    return query if include in query.includes else replace(query, includes=(*query.includes, include))


def _one_of(name: str, text: str, valid: tuple[str, ...]) -> str:
    if text not in valid:
        raise refused("invalid", "search-value", f"'{name}' takes {', '.join(valid)}, not {text[:40]!r}.", name)
    return text


def _once(first: bool, name: str) -> None:
    if not first:
        raise refused("invalid", "search-value", f"'{name}' stands twice. Keep one.", name)


_READERS: dict[str, Callable[[_Given], Query]] = {
    "_cursor": _cursor,
    "_elements": _elements,
    "_include": _include,
    "_revinclude": _revinclude,
    "_sort": _sort,
    "_summary": _summary,
    "_total": _total,
}
OFFERED = tuple(sorted((*_READERS, "_count")))
NAMES = frozenset(_READERS) | {"_count"} | frozenset(_REFUSED)
