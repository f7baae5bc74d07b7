"""The parameters that shape the result rather than choose it (https://hl7.org/fhir/R4/search.html#return).

`_sort _count _total _summary _elements _include _revinclude _cursor _explain`. Those that R4 has beside them are refused with a reason.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from service.errors import BadRequest
from service.search import apart
from service.search.parameter import Registry
from service.search.query import Include, Query, Sort
from service.search.types.protocol import SearchParameter

TOTALS = ("none", "estimate", "accurate")
SUMMARIES = ("true", "text", "data", "count", "false")
ANY = "*"
"""Every reference, or every type, of an include."""
_ITERATE = "iterate"
_CONTAINED = "contained resources are found through the resource that holds them"
_REFUSED = {
    "_contained": _CONTAINED,
    "_containedType": _CONTAINED,
    "_text": "there is no full-text index of narratives; search the coded elements, or text with ':contains'",
    "_content": "there is no full-text index; search the coded elements, or text with ':contains'",
    "_query": "there are no named queries",
    "_score": "results are not ranked",
}


def refused(code: str, rule: str, diagnostics: str, name: str | None = None) -> BadRequest:
    """A 400 with one issue that points at the parameter `name`, as `http.name`."""
    return BadRequest.of(code, rule, diagnostics, f"http.{name[:80]}" if name else None)


@dataclass(frozen=True, slots=True)
class Given:
    """One result parameter: its name and text, the query so far, and the types that are searched."""

    registry: Registry
    query: Query
    name: str
    text: str
    types: tuple[str, ...]

    @property
    def told(self) -> str:
        """The types for a message."""
        return self.types[0] if len(self.types) == 1 else f"{', '.join(self.types[:5])}{' and others' if len(self.types) > 5 else ''}"


def read(given: Given, max_count: int) -> Query:
    """The query with what one result parameter says. Raises BadRequest."""
    code, _, modifier = given.name.partition(":")
    if code in _REFUSED:
        raise refused("not-supported", "search-parameter", f"'{code}' is not supported: {_REFUSED[code]}.", given.name)
    if modifier and not (modifier == _ITERATE and code in _INCLUDES):
        hint = f"Write {code}:{_ITERATE}" if modifier == "recurse" and code in _INCLUDES else "Leave it out"
        raise refused("not-supported", "search-modifier", f"'{code}' takes no modifier ':{modifier[:40]}'. {hint}.", given.name)
    if code == "_count":
        return _count(given, max_count)
    return _READERS[code](given)


def _count(given: Given, max_count: int) -> Query:
    text = given.text
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise refused("invalid", "search-value", f"'_count' takes a whole number of at least 0, not {text[:40]!r}.", "_count")
    _once(given.query.asked_count is None, "_count")
    granted = min(int(text), max_count)
    return replace(given.query, count=granted, asked_count=granted)


def _total(given: Given) -> Query:
    _once(given.query.total is None, "_total")
    return replace(given.query, total=_one_of("_total", given.text, TOTALS))


def _summary(given: Given) -> Query:
    _once(given.query.summary is None, "_summary")
    return replace(given.query, summary=_one_of("_summary", given.text, SUMMARIES))


def _explain(given: Given) -> Query:
    return replace(given.query, explain=_one_of("_explain", given.text, ("true", "false")) == "true")


def _elements(given: Given) -> Query:
    names = [name.strip() for name in given.text.split(",") if name.strip()]
    asked = [_element(given, name) for name in names]
    return replace(given.query, elements=tuple(dict.fromkeys((*given.query.elements, *asked))))


def _element(given: Given, name: str) -> str:
    """The top-level element that `name` names in one of the types."""
    structures = given.registry.definitions.structures
    for type in given.types:
        bare, known = name.removeprefix(type + "."), structures[type].elements
        if bare in {"resourceType", *(one for element in known.values() for one in (element.name, *element.properties))}:
            return bare
    valid = ", ".join(structures[given.types[0]].elements)
    raise refused("invalid", "search-value", f"{given.told} has no element {name[:60]!r}. {given.types[0]} has: {valid}.", "_elements")


def _cursor(given: Given) -> Query:
    _once(given.query.cursor is None, "_cursor")
    return replace(given.query, cursor=given.text)


def _sort(given: Given) -> Query:
    _once(not given.query.sort, "_sort")
    keys: list[Sort] = []
    for part in given.text.split(","):
        code = part.strip().removeprefix("-")
        _require_sortable(given, code)
        if all(key.parameter != code for key in keys):
            keys.append(Sort(code, part.strip().startswith("-")))
    return replace(given.query, sort=tuple(keys))


def _require_sortable(given: Given, code: str) -> None:
    """That every type has the parameter, and of one kind: what is not alike has no order."""
    kinds = set()
    for type in given.types:
        parameter = given.registry.parameter(type, code)
        given.registry.keys_of(type, code)
        if parameter is None or parameter.refusal or not _is_sortable(parameter):
            valid = ", ".join(one for one, known in given.registry.for_type(type).items() if _is_sortable(known))
            why = f", which stands for '{parameter.alias}'" if parameter and parameter.alias else ""
            raise refused("invalid", "search-sort", f"{type} cannot be sorted by {code[:60]!r}{why}. It can by: {valid}.", "_sort")
        kinds.add(parameter.kind)
    if len(kinds) > 1:
        told = f"'{code}' is a {' and a '.join(sorted(kinds))} among the types that are searched, which have no common order"
        raise refused("invalid", "search-sort", f"{told}. Sort by another parameter, or search one type.", "_sort")


def _is_sortable(parameter: SearchParameter) -> bool:
    return parameter.kind not in ("composite", "special") and not parameter.alias


def _include(given: Given) -> Query:
    include = _parsed_include(given, reverse=False)
    if not include.iterate and include.source not in (ANY, *given.types):
        message = f"'_include={given.text[:80]}' starts at {include.source}, but the matches are {given.told}. Start it there, or write"
        raise refused("invalid", "search-include", f"{message} _include:iterate to start it at what another include adds.", "_include")
    return _with(given.query, include)


def _revinclude(given: Given) -> Query:
    include = _parsed_include(given, reverse=True)
    if not include.iterate and include.target is not None and include.target not in given.types:
        message = f"'_revinclude={given.text[:80]}' wants references to {include.target}, but the matches are {given.told}."
        raise refused("invalid", "search-include", f"{message} Name one of them, or write _revinclude:iterate.", "_revinclude")
    return _with(given.query, include)


def _parsed_include(given: Given, reverse: bool) -> Include:
    name, _, modifier = given.name.partition(":")
    iterate = modifier == _ITERATE
    if given.text == ANY:
        _require_indexed(given.registry, given.registry.definitions.types, ANY)
        return Include(ANY, ANY, None, reverse, iterate)
    source, code, target, *more = (*given.text.split(":"), "", "")[: max(3, given.text.count(":") + 1)]
    types = given.registry.definitions.types
    if more or source not in types or not code:
        message = f"'{name}' is written *, Type:*, Type:parameter or Type:parameter:TargetType with served types, not {given.text[:80]!r}."
        raise refused("invalid", "search-include", message, name)
    if source == apart.TYPE:
        raise refused("not-supported", "search-include", f"'{name}={given.text[:80]}' is not supported: {apart.WHY}.", name)
    _require_indexed(given.registry, [source], code)
    references = given.registry.reference_codes(source)
    if code != ANY and code not in references:
        message = f"{source} has no reference parameter {code[:60]!r}. It has: {', '.join(references)}."
        raise refused("invalid", "search-include", message, name)
    if target and target not in types:
        raise refused("invalid", "search-include", f"{target[:40]!r} in '{name}' is no served resource type.", name)
    return Include(source, code, target or None, reverse, iterate)


def _require_indexed(registry: Registry, types: Iterable[str], code: str) -> None:
    """Raises BadRequest while the index does not hold the references: what it does not hold would be left out."""
    for name in types:
        for one in registry.references_of(name):
            if code in (ANY, one):
                registry.keys_of(name, one)


def _with(query: Query, include: Include) -> Query:
    return query if include in query.includes else replace(query, includes=(*query.includes, include))


def _one_of(name: str, text: str, valid: tuple[str, ...]) -> str:
    if text not in valid:
        raise refused("invalid", "search-value", f"'{name}' takes {', '.join(valid)}, not {text[:40]!r}.", name)
    return text


def _once(first: bool, name: str) -> None:
    if not first:
        raise refused("invalid", "search-value", f"'{name}' stands twice. Keep one.", name)


_INCLUDES = frozenset({"_include", "_revinclude"})
_READERS: dict[str, Callable[[Given], Query]] = {
    "_cursor": _cursor,
    "_elements": _elements,
    "_explain": _explain,
    "_include": _include,
    "_revinclude": _revinclude,
    "_sort": _sort,
    "_summary": _summary,
    "_total": _total,
}
OFFERED = tuple(sorted((*_READERS, "_count")))
NAMES = frozenset(_READERS) | {"_count"} | frozenset(_REFUSED)
