"""One name and value of a query string -> Clause: `date=ge2026`, `subject:Patient.identifier=x`, `_has:Observation:patient:code=x`.

What is not understood is refused by name, with what would be understood. A chain without a type goes to every type that the reference may
point to and that understands the rest. https://hl7.org/fhir/R4/search.html#chaining, https://hl7.org/fhir/R4/search.html#has
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from service.errors import BadRequest
from service.search import apart, result_parameters
from service.search.activation import AWAITED
from service.search.parameter import Registry
from service.search.query import Any, Chain, Clause, Has, InList, Match, Missing, Not, Value
from service.search.result_parameters import refused
from service.search.types import IMPLEMENTED, escapes, modifiers, string, token, uri
from service.search.types.protocol import Reading, Refused, SearchParameter

MOST_VALUES = 300
DEEPEST_CHAIN = 10
MOST_ENDS = 200
"""Conditions that one search may come to, counting each type that a chain goes to."""
HAS = "_has:"
_HAS_PARTS = 4
_READ_AS: Mapping[str, Callable[[str, str | None, SearchParameter, Reading], Value]] = {
    "identifier": token.parse,
    "text": string.parse,
    "in": uri.parse,
    "not-in": uri.parse,
}
"""Modifiers whose values are of another type than the parameter."""
_ALONE = ("_filter", "_has", "_list")
_BESIDES = ", ".join(_ALONE)
_ELSEWHERE = {"text", "in", "not-in", "above", "below", "of-type"}
_LIST = re.compile(r"(?:List/)?(?P<id>[A-Za-z0-9\-.]{1,64})")


class ClauseReader:
    """Reads the conditions of one query; it counts them, so that a chain cannot spread without bound."""

    def __init__(self, registry: Registry, reading: Reading) -> None:
        self._registry = registry
        self._reading = reading
        self._ends = 0

    def clause(self, type: str, name: str, text: str, depth: int = 0) -> Clause:
        """What one parameter asks of `type`. `depth` counts the references that led here. Raises BadRequest."""
        if not text.strip():
            raise refused("invalid", "search-value", f"The search parameter '{name[:80]}' has no value. Give it one or leave it out.", name)
        if name.startswith(HAS) or name == HAS[:-1]:
            return self._has(type, name, text, depth)
        head, dot, rest = name.partition(".")
        code, colon, modifier = head.partition(":")
        if (dot and not rest) or (colon and not modifier):
            raise refused("invalid", "search-parameter", f"Something is missing after the '.' or ':' in '{name[:80]}'.", name)
        if code == "_list" and not rest:
            return self._in_list(modifier, text)
        parameter = self.parameter(type, code, name)
        if parameter.alias:
            return self._aliased(parameter, modifier, name, text, depth)
        if rest:
            return self.chain(parameter, modifier or None, name, depth, lambda target: self.clause(target, rest, text, depth + 1))
        self.count_end(name)
        if modifier == "missing":
            return Missing(code, _boolean(name, text))
        return self._match(parameter, modifier or None, name, text)

    def _aliased(self, parameter: SearchParameter, modifier: str, name: str, text: str, depth: int) -> Clause:
        """The chain that the parameter stands for. What has no value of it need not have the chain's references either."""
        if modifier == "missing" and _boolean(name, text):
            return Not(self.clause(parameter.type, f"{parameter.alias}:missing", "false", depth))
        return self.clause(parameter.type, parameter.alias + name[len(parameter.code) :], text, depth)

    def parameter(self, type: str, code: str, name: str) -> SearchParameter:
        """The parameter `code` of `type`. BadRequest, about `name`, when there is none or it cannot be searched."""
        parameter = self._registry.parameter(type, code)
        if parameter is None and code in _ALONE:
            message = f"'{code}' stands by itself: no chain, no filter and no modifier takes it. Give it as a parameter of its own."
            raise refused("not-supported", "search-parameter", message, name)
        if parameter is None:
            valid = ", ".join(self._registry.for_type(type))
            offered = ", ".join(result_parameters.OFFERED)
            message = f"{type} has no search parameter '{code[:80]}'. It has: {valid}; {_BESIDES}; and for the result: {offered}."
            raise refused("not-supported" if code.startswith("_") else "invalid", "search-parameter", message, name)
        if parameter.refusal:
            rule = "search-unindexed" if parameter.refusal in AWAITED else "search-parameter"
            raise refused("not-supported", rule, f"{type} cannot be searched by '{code}': {parameter.refusal}.", name)
        return parameter

    def value(self, parameter: SearchParameter, modifier: str | None, text: str) -> Value:
        """One value of a parameter, its escapes still in it. Raises Refused."""
        parse = _READ_AS.get(modifier or "", IMPLEMENTED[parameter.kind].parse)
        return parse(text, modifier, parameter, self._reading)

    def chain(self, parameter: SearchParameter, type: str | None, name: str, depth: int, read: Callable[[str], Clause]) -> Chain:
        """A chain over `parameter` to `type`, or to every type that it may lead to and that can `read` what comes after it."""
        if parameter.kind != "reference":
            raise refused("invalid", "search-chain", f"'{parameter.code}' is no reference and cannot be chained.", name)
        self._require_depth(name, depth)
        types = self._targets_of(parameter)
        if type is not None and types and type not in types:
            message = f"'{parameter.code}' does not refer to {type[:40]!r}. It refers to: {', '.join(types)}."
            raise refused("invalid", "search-chain", message, name)
        if not types:
            raise refused("invalid", "search-chain", f"'{parameter.code}' refers to no type that this server serves.", name)
        found, errors = _ends([type] if type else types, read)
        if not found:
            raise errors[-1] if len(errors) == 1 else _unchained(parameter, types, name)
        return Chain(parameter.code, tuple(found), type)

    def has(self, type: str, link: tuple[str, str], name: str, depth: int, read: Callable[[str], Clause]) -> Has:
        """What refers to `type` by the `link` (type, reference) and satisfies what is `read` for it."""
        source, code = link
        if source not in self._registry.definitions.types:
            raise refused("invalid", "search-has", f"{source[:40]!r} in '{name[:80]}' is no served resource type.", name)
        if source == apart.TYPE:
            raise refused("not-supported", "search-has", f"'{name[:80]}' is not supported: {apart.WHY}.", name)
        self._require_depth(name, depth)
        parameter = self.parameter(source, code, name)
        if parameter.kind != "reference" or type not in self._targets_of(parameter):
            valid = ", ".join(one for one in self._registry.reference_codes(source) if self._leads(source, one, type))
            message = f"'{code}' of {source} does not refer to {type}. {f'These do: {valid}.' if valid else f'Nothing of {source} does.'}"
            raise refused("invalid", "search-has", message, name)
        return Has(source, code, read(source))

    def count_end(self, name: str) -> None:
        """One more condition. BadRequest when they are too many."""
        self._ends += 1
        if self._ends > MOST_ENDS:
            message = f"The search comes to more than {MOST_ENDS} conditions. Name the types of its chains, as in subject:Patient.name."
            raise refused("too-costly", "search-size", message, name)

    def _match(self, parameter: SearchParameter, modifier: str | None, name: str, text: str) -> Match:
        self._require_modifier(parameter, modifier, name)
        texts = escapes.split(text, ",")
        if len(texts) > MOST_VALUES:
            raise refused("too-costly", "search-size", f"'{name[:80]}' has more than {MOST_VALUES} values. Ask for fewer at once.", name)
        try:
            return Match(parameter.code, tuple(self.value(parameter, modifier, one) for one in texts), modifier)
        except Refused as error:
            message = f"The value of '{name[:80]}' ({parameter.kind}) cannot be used: {error}."
            raise refused("invalid", "search-value", message, name) from None

    def _require_modifier(self, parameter: SearchParameter, modifier: str | None, name: str) -> None:
        if modifier is None:
            return
        types = self._targets_of(parameter) if parameter.kind == "reference" else ()
        valid = {"missing", *modifiers(parameter)}
        if modifier in valid or modifier in types:
            return
        listed = ", ".join(":" + one for one in (*sorted(valid), *types))
        code = "not-supported" if modifier in _ELSEWHERE else "invalid"
        raise refused(code, "search-modifier", f"'{parameter.code}' cannot be searched with ':{modifier[:40]}'. It takes: {listed}.", name)

    def _targets_of(self, parameter: SearchParameter) -> list[str]:
        """The served types that the reference may point to."""
        wanted = parameter.only or parameter.targets or self._registry.definitions.types
        return sorted(name for name in wanted if name in self._registry.definitions.types)

    def _has(self, type: str, name: str, text: str, depth: int) -> Has:
        parts = name.split(":", _HAS_PARTS - 1)
        if len(parts) < _HAS_PARTS or not all(parts):
            message = f"'{name[:80]}' is written _has:Type:reference:parameter, as in _has:Observation:patient:code."
            raise refused("invalid", "search-has", message, name)
        _, source, code, rest = parts
        return self.has(type, (source, code), name, depth, lambda source: self.clause(source, rest, text, depth + 1))

    def _leads(self, source: str, code: str, type: str) -> bool:
        return type in self._targets_of(self._registry.for_type(source)[code])

    def _in_list(self, modifier: str, text: str) -> Clause:
        if modifier:
            raise refused("invalid", "search-modifier", f"'_list' takes no modifier ':{modifier[:40]}'. Leave it out.", "_list")
        lists = tuple(InList(self._list_id(one)) for one in text.split(","))
        if len(lists) > MOST_VALUES:
            raise refused("too-costly", "search-size", f"'_list' has more than {MOST_VALUES} values. Ask for fewer at once.", "_list")
        self.count_end("_list")
        return lists[0] if len(lists) == 1 else Any(lists)

    def _list_id(self, text: str) -> str:
        if text.startswith("$"):
            message = f"'_list={text[:40]}' asks for a functional list, which this server does not keep. Name a List by its id."
            raise refused("not-supported", "search-list", message, "_list")
        found = _LIST.fullmatch(text.removeprefix(self._reading.literals.base_url.rstrip("/") + "/"))
        if not found:
            raise refused("invalid", "search-value", f"'_list' takes the id of a List, as id or List/id, not {text[:40]!r}.", "_list")
        return found["id"]

    def _require_depth(self, name: str, depth: int) -> None:
        if depth >= DEEPEST_CHAIN:
            message = f"A chain has at most {DEEPEST_CHAIN} references, _has among them. Shorten '{name[:80]}'."
            raise refused("too-costly", "search-chain", message, name)


def _ends(types: Iterable[str], read: Callable[[str], Clause]) -> tuple[list[tuple[str, Clause]], list[BadRequest]]:
    """What the types make of the rest of a chain, and why some make nothing of it."""
    found, errors = [], []
    for one in types:
        try:
            found.append((one, read(one)))
        except BadRequest as error:
            if error.issues[0].code == "too-costly" or error.issues[0].rule == "search-unindexed":
                raise
            errors.append(error)
    return found, errors


def _unchained(parameter: SearchParameter, types: Sequence[str], name: str) -> BadRequest:
    message = f"None of the types that '{parameter.code}' refers to ({', '.join(types)}) can be searched by '{name[:80]}' with that value."
    return refused("invalid", "search-chain", message, name)


def _boolean(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise refused("invalid", "search-value", f"'{name[:80]}' takes true or false, not {text[:40]!r}.", name)
    return text == "true"
