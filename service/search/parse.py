"""Query string -> Query. Everything that is not understood is refused by name, with what would be understood.

With `lenient` (Prefer: handling=lenient) what is not understood is left out instead, with a warning in `query.ignored`, and the self
link, which `unparse` prints, does not have it. https://hl7.org/fhir/R4/search.html, https://hl7.org/fhir/R4/http.html#Prefer
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from zoneinfo import ZoneInfo

from service.errors import BadRequest, Issue
from service.search import result_parameters
from service.search.parameter import Registry
from service.search.query import Chain, Clause, Match, Missing, Query, Value
from service.search.result_parameters import refused
from service.search.types import IMPLEMENTED, escapes, token
from service.search.types.protocol import Reading, Refused, SearchParameter

MOST_VALUES = 300
MOST_CLAUSES = 60
DEEPEST_CHAIN = 3
_ELSEWHERE = {"text", "in", "not-in", "above", "below", "of-type"}


@dataclass(frozen=True, slots=True)
class Options:
    """How to read a query: strictly or leniently, the zone of dates without offset (None: the registry's), and page sizes."""

    lenient: bool = False
    time_zone: tzinfo | str | None = None
    default_count: int = 50
    max_count: int = 1000


def parse(registry: Registry, type: str | None, pairs: Sequence[tuple[str, str]], options: Options) -> Query:
    """The query that `pairs` (decoded names and values, `_format` and `_pretty` taken out) ask of `type`. Raises BadRequest."""
    if type is None:
        raise refused("not-supported", "search-type", "A search across types is not supported. Search each type.")
    reader = _Reader(registry, _reading(registry, options))
    query = Query(type, count=options.default_count)
    where: list[Clause] = []
    for name, text in pairs:
        try:
            _require_characters(name, text)
            if name.split(":", 1)[0] in result_parameters.NAMES:
                query = result_parameters.read(registry, query, name, text, options.max_count)
            else:
                where.append(reader.clause(type, name, text))
            if len(where) > MOST_CLAUSES:
                raise refused("too-costly", "search-size", f"The search has more than {MOST_CLAUSES} conditions. Ask for less at once.")
        except BadRequest as error:
            if not options.lenient or name == "_cursor":
                raise
            query = replace(query, ignored=(*query.ignored, *(_warning(issue, name) for issue in error.issues)))
    return replace(query, where=tuple(where))


def _reading(registry: Registry, options: Options) -> Reading:
    zone = ZoneInfo(options.time_zone) if isinstance(options.time_zone, str) else options.time_zone
    return Reading(zone, registry.reading.literals) if zone else registry.reading


def _require_characters(*texts: str) -> None:
    for text in texts:
        if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
            raise refused("invalid", "search-character", "The search holds a NUL or half of a surrogate pair. Remove the character.")


def _warning(issue: Issue, name: str) -> Issue:
    return replace(issue, severity="warning", diagnostics=f"{issue.diagnostics} '{name[:80]}' was left out of the search.")


class _Reader:
    """Reads the conditions of one query."""

    def __init__(self, registry: Registry, reading: Reading) -> None:
        self._registry = registry
        self._reading = reading

    def clause(self, type: str, name: str, text: str, depth: int = 0) -> Clause:
        """What one parameter asks for, such as `date`, `name:exact` or `subject:Patient.identifier`. Raises BadRequest."""
        head, _, rest = name.partition(".")
        code, _, modifier = head.partition(":")
        parameter = self._parameter(type, code, name)
        if not text.strip():
            raise refused("invalid", "search-value", f"The search parameter '{name[:80]}' has no value. Give it one or leave it out.", name)
        if rest:
            return self._chain(parameter, modifier or None, rest, text, depth)
        if modifier == "missing":
            return Missing(code, _boolean(name, text))
        return self._match(parameter, modifier or None, name, text)

    def _parameter(self, type: str, code: str, name: str) -> SearchParameter:
        parameter = self._registry.parameter(type, code)
        if parameter is None:
            valid = ", ".join(self._registry.for_type(type))
            offered = ", ".join(result_parameters.OFFERED)
            message = f"{type} has no search parameter '{code[:80]}'. It has: {valid}; and for the result: {offered}."
            raise refused("not-supported" if code.startswith("_") else "invalid", "search-parameter", message, name)
        if parameter.refusal:
            raise refused("not-supported", "search-parameter", f"{type} cannot be searched by '{code}': {parameter.refusal}.", name)
        return parameter

    def _match(self, parameter: SearchParameter, modifier: str | None, name: str, text: str) -> Match:
        kind = IMPLEMENTED[parameter.kind]
        self._require_modifier(parameter, modifier, name)
        texts = escapes.split(text, ",")
        if len(texts) > MOST_VALUES:
            raise refused("too-costly", "search-size", f"'{name[:80]}' has more than {MOST_VALUES} values. Ask for fewer at once.", name)
        parse = token.parse if modifier == "identifier" else kind.parse
        try:
            values: tuple[Value, ...] = tuple(parse(one, modifier, parameter, self._reading) for one in texts)
        except Refused as error:
            raise refused(
                "invalid", "search-value", f"The value of '{name[:80]}' ({parameter.kind}) cannot be used: {error}.", name
            ) from None
        return Match(parameter.code, values, modifier)

    def _require_modifier(self, parameter: SearchParameter, modifier: str | None, name: str) -> None:
        if modifier is None:
            return
        types = self._chained_types(parameter) if parameter.kind == "reference" else ()
        valid = {"missing", *IMPLEMENTED[parameter.kind].MODIFIERS} if parameter.keys else {"missing"}
        if modifier in valid or modifier in types:
            return
        listed = ", ".join(":" + one for one in (*sorted(valid), *types))
        code = "not-supported" if modifier in _ELSEWHERE else "invalid"
        raise refused(code, "search-modifier", f"'{parameter.code}' cannot be searched with ':{modifier[:40]}'. It takes: {listed}.", name)

    def _chained_types(self, parameter: SearchParameter) -> list[str]:
        """The served types that the reference may point to."""
        wanted = parameter.only or parameter.targets or self._registry.definitions.types
        return sorted(name for name in wanted if name in self._registry.definitions.types)

    def _chain(self, parameter: SearchParameter, type: str | None, rest: str, text: str, depth: int) -> Chain:
        name = f"{parameter.code}{':' + type if type else ''}.{rest}"
        if parameter.kind != "reference":
            raise refused("invalid", "search-chain", f"'{parameter.code}' is no reference and cannot be chained.", name)
        if depth >= DEEPEST_CHAIN:
            raise refused("too-costly", "search-chain", f"A chain has at most {DEEPEST_CHAIN} references. Shorten '{name[:80]}'.", name)
        types = self._chained_types(parameter)
        if type is not None and type not in types:
            raise refused(
                "invalid", "search-chain", f"'{parameter.code}' does not refer to {type[:40]!r}. It refers to: {', '.join(types)}.", name
            )
        found, errors = self._targets([type] if type else types, rest, text, depth)
        if not found:
            raise errors[-1] if len(errors) == 1 else self._unchained(parameter, rest, types)
        return Chain(parameter.code, tuple(found), type)

    def _targets(self, types: Iterable[str], rest: str, text: str, depth: int) -> tuple[list[tuple[str, Clause]], list[BadRequest]]:
        found, errors = [], []
        for one in types:
            try:
                found.append((one, self.clause(one, rest, text, depth + 1)))
            except BadRequest as error:
                errors.append(error)
        return found, errors

    def _unchained(self, parameter: SearchParameter, rest: str, types: Sequence[str]) -> BadRequest:
        message = (
            f"None of the types that '{parameter.code}' refers to ({', '.join(types)}) can be searched by '{rest[:80]}' with that value."
        )
        return refused("invalid", "search-chain", message, f"{parameter.code}.{rest}")


def _boolean(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise refused("invalid", "search-value", f"'{name[:80]}' takes true or false, not {text[:40]!r}.", name)
    return text == "true"
