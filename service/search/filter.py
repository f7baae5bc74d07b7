"""`_filter`: an expression as a clause (https://hl7.org/fhir/R4/search_filter.html).

Each comparison becomes what the parameters of a query string could say, and little more: whole strings (`eq`), their ends (`ew`), their
order, and dates that overlap (`po`) or hold the other (`co`). Names of a path are chains; a filter in brackets holds for the resource that
the name leads to. Strings are compared without regard to case and accents, tokens as in the query string: exactly.

    ne of strings, tokens, URIs, composites: there is a value, and none that is equal; of dates and numbers: there is an unequal one
    ss the value subsumes a concept of the record (:below) · sb it is subsumed by one (:above)
"""

from collections.abc import Mapping
from dataclasses import replace

from service.errors import BadRequest
from service.search.clause_reader import ClauseReader
from service.search.filter_grammar import Comparison, Negated, Step, Tree, tree
from service.search.query import All, Any, Clause, Composite, Filter, Match, Missing, Moment, Not, Text, Value
from service.search.result_parameters import refused
from service.search.types import escapes, modifiers, string
from service.search.types.protocol import Refused, SearchParameter

SYSTEMS = {
    "loinc": "http://loinc.org",
    "snomed": "http://snomed.info/sct",
    "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "ucum": "http://unitsofmeasure.org",
}
"""Names that stand for a system before `|`."""

_ORDERED = ("eq", "ne", "gt", "lt", "ge", "le", "ap", "sa", "eb")
_SUBSUMING = {"ss": "below", "sb": "above", "in": "in", "ni": "not-in"}
_TEXTUAL = {"eq": "whole", "co": "contains", "sw": None, "ew": "ends-with", "gt": "gt", "lt": "lt", "ge": "ge", "le": "le"}
_BY_ORDER = frozenset({"gt", "ge", "lt", "le"})
_ELEMENTS: Mapping[tuple[str, str], tuple[str, Mapping[str, str]]] = {
    ("DocumentReference", "relatesTo"): ("relationship", {"code": "relation", "target": "relatesto"}),
    ("Group", "characteristic"): ("characteristic-value", {"code": "characteristic", "value": "value"}),
}
"""Elements whose parts R4 lets a filter name: the composite that has them, and which of its parts each name is."""
OPERATORS = {
    "string": ("eq", "ne", "co", "sw", "ew", "gt", "lt", "ge", "le", "pr"),
    "number": (*_ORDERED, "pr"),
    "date": (*_ORDERED, "co", "po", "pr"),
    "quantity": (*_ORDERED, "pr"),
    "token": ("eq", "ne", "ss", "sb", "in", "ni", "pr"),
    "uri": ("eq", "ne", "ss", "sb", "pr"),
    "reference": ("re", "pr"),
    "composite": ("eq", "ne", "pr"),
}
"""What can be asked of a parameter, by its type."""


def parse(reader: ClauseReader, type: str, text: str) -> Filter:
    """What the expression `text` asks of `type`. Raises BadRequest that names the column."""
    return Filter(text, _clause(reader, type, tree(text), 0))


def _clause(reader: ClauseReader, type: str, found: Tree, depth: int) -> Clause:
    if isinstance(found, Comparison):
        return _located(reader, type, found, depth)
    if isinstance(found, Negated):
        return Not(_clause(reader, type, found.part, depth))
    parts = tuple(_clause(reader, type, part, depth) for part in found.parts)
    return All(parts) if found.connective == "and" else Any(parts)


def _located(reader: ClauseReader, type: str, found: Comparison, depth: int) -> Clause:
    """A comparison; what is wrong with it is told with its column."""
    try:
        return _along(reader, type, found, found.path, depth)
    except BadRequest as error:
        (issue, *_) = error.issues
        has_place = issue.rule == "search-filter" or issue.diagnostics.startswith("'_filter', column ")
        told = issue.diagnostics if has_place else f"'_filter', column {found.column}: {issue.diagnostics}"
        raise refused(issue.code, issue.rule, told, "_filter") from None


def _along(reader: ClauseReader, type: str, found: Comparison, path: tuple[Step, ...], depth: int) -> Clause:
    """The comparison at the end of `path`, which starts at `type`."""
    step, *rest = path
    if step.has:
        onward = (replace(step, has=step.has[1:]), *rest)
        return reader.has(type, step.has[0], _name(path), depth, lambda source: _along(reader, source, found, onward, depth + 1))
    if step.condition is not None and (type, step.code) in _ELEMENTS:
        return _of_one_element(reader, type, found, path)
    parameter = reader.parameter(type, step.code, step.code)
    if parameter.alias:
        return _aliased(reader, type, found, (*map(Step, parameter.alias.split(".")), *rest), depth)
    if not rest:
        return _comparison(reader, parameter, found)

    def end(target: str) -> Clause:
        clause = _along(reader, target, found, tuple(rest), depth + 1)
        return clause if step.condition is None else All((_clause(reader, target, step.condition, depth + 1), clause))

    return reader.chain(parameter, step.type, _name(path), depth, end)


def _of_one_element(reader: ClauseReader, type: str, found: Comparison, path: tuple[Step, ...]) -> Clause:
    """Two comparisons of one repetition of an element, as in `relatesTo[code eq replaces].target re DocumentReference/1`."""
    step, *rest = path
    code, names = _ELEMENTS[type, step.code]
    condition = step.condition
    told = f"'{step.code}[...]' is asked with {' and '.join(names)}, one in the brackets and one after them, each by eq or re"
    if not isinstance(condition, Comparison) or len(condition.path) != 1 or len(rest) != 1:
        raise refused("invalid", "search-filter", f"'_filter', column {found.column}: {told}.", "_filter")
    asked = {condition.path[0].code: condition, rest[0].code: found}
    if asked.keys() != set(names) or any(one.operator not in ("eq", "re") for one in asked.values()):
        raise refused("invalid", "search-filter", f"'_filter', column {found.column}: {told}.", "_filter")
    parameter = reader.parameter(type, code, code)
    reader.count_end(code)
    by_code = {names[name]: one.value for name, one in asked.items()}
    try:
        parts = tuple(_value(reader, component, None, by_code[component.code]) for component in parameter.components)
    except Refused as error:
        raise refused("invalid", "search-filter", f"'_filter', column {found.column}: {error}.", "_filter") from None
    return Match(code, (Composite(parts),))


def _aliased(reader: ClauseReader, type: str, found: Comparison, path: tuple[Step, ...], depth: int) -> Clause:
    """The comparison along the chain that a parameter stands for."""
    if (found.operator, found.value) == ("pr", "false"):
        return Not(_along(reader, type, replace(found, value="true"), path, depth))
    return _along(reader, type, found, path, depth)


def _name(path: tuple[Step, ...]) -> str:
    return ".".join(step.code for step in path)


def _comparison(reader: ClauseReader, parameter: SearchParameter, found: Comparison) -> Clause:
    reader.count_end(parameter.code)
    offered = _offered(parameter)
    if found.operator not in offered:
        told = f"'{found.operator[:20]}' cannot be asked of '{parameter.code}', which is a {parameter.kind}"
        raise refused("invalid", "search-filter", f"'_filter', column {found.column}: {told}. It takes: {', '.join(offered)}.", "_filter")
    if found.operator == "pr":
        return _present(parameter, found)
    try:
        return _compared(reader, parameter, found)
    except Refused as error:
        told = f"'_filter', column {found.column}: the value of '{parameter.code}' ({parameter.kind}) cannot be used: {error}."
        raise refused("invalid", "search-filter", told, "_filter") from None


def _offered(parameter: SearchParameter) -> tuple[str, ...]:
    """The operators that a parameter takes: what has no concepts takes none that look for them."""
    known = modifiers(parameter)
    return tuple(operator for operator in OPERATORS[parameter.kind] if operator not in _SUBSUMING or _SUBSUMING[operator] in known)


def _present(parameter: SearchParameter, found: Comparison) -> Clause:
    if found.value not in ("true", "false"):
        told = f"'_filter', column {found.column}: 'pr' takes true or false, not {found.value[:40]!r}."
        raise refused("invalid", "search-filter", told, "_filter")
    return Missing(parameter.code, found.value == "false")


def _compared(reader: ClauseReader, parameter: SearchParameter, found: Comparison) -> Clause:
    operator, code = found.operator, parameter.code
    if parameter.kind in ("number", "date", "quantity"):
        return Match(code, (_measured(reader, parameter, found),))
    modifier = _TEXTUAL.get(operator) if parameter.kind == "string" else _SUBSUMING.get(operator)
    if operator != "ne":
        return Match(code, (_value(reader, parameter, modifier, found.value),), modifier)
    equal = "whole" if parameter.kind == "string" else None
    return All((Missing(code, False), Not(Match(code, (_value(reader, parameter, equal, found.value),), equal))))


def _measured(reader: ClauseReader, parameter: SearchParameter, found: Comparison) -> Value:
    """A date, number or quantity with the operator as its prefix."""
    if found.value[:1].isalpha():
        raise Refused(f"{found.value[:20]!r} is not a {parameter.kind}")
    prefix = "eq" if found.operator in ("co", "po") else found.operator
    value = reader.value(parameter, None, prefix + _named(found.value))
    return replace(value, prefix=found.operator) if isinstance(value, Moment) else value


def _value(reader: ClauseReader, parameter: SearchParameter, modifier: str | None, text: str) -> Value:
    """One value. Nothing separates values here, so only the parts of tokens and composites are told apart by `|` and `$`."""
    if parameter.kind == "composite":
        return reader.value(parameter, modifier, "$".join(map(_named, escapes.split(text, "$"))))
    if parameter.kind == "token" and modifier not in ("in", "not-in"):
        return reader.value(parameter, modifier, _named(text))
    value = reader.value(parameter, modifier, escapes.escaped(text))
    if modifier in _BY_ORDER and isinstance(value, Text) and string.is_long(value):
        raise Refused(f"the order of strings is told by their first {string.PREFIX} characters; give no more")
    return value


def _named(text: str) -> str:
    """`text` with the name of a system, such as loinc, replaced by its URI."""
    parts = escapes.split(text, "|")
    at = len(parts) - 2
    if at >= 0 and parts[at] in SYSTEMS:
        parts[at] = escapes.escaped(SYSTEMS[parts[at]])
    return "|".join(parts)
