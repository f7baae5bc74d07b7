"""References: `id`, `Type/id`, an absolute URL, one version of a resource, a canonical URL with or without version.

`:Type` names the type of a bare id; `:identifier` looks at `Reference.identifier` instead; `:above` and `:below`, along a hierarchy, are
rewritten to plain references before they come here. A URL under the service's own base is the resource here.
https://hl7.org/fhir/R4/search.html#reference
"""

import re
from typing import Any

from service.fhir import reference
from service.search.keys import system_key, text_key
from service.search.query import Target
from service.search.types import escapes
from service.search.types.literals import EXTERNAL, versioned
from service.search.types.protocol import Action, Asked, Condition, Json, Reading, Refused, Rows, SearchParameter, Source

TABLE = "reference"
MODIFIERS = frozenset({"identifier", "above", "below"})
PREFIXES: tuple[str, ...] = ()
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_URLS = frozenset({"canonical", "uri", "url", "oid", "uuid"})
READS = _URLS | {"Reference"}


def modifiers(parameter: SearchParameter) -> frozenset[str]:
    """All, but for URLs, which carry no identifier."""
    return MODIFIERS if "Reference" in parameter.elements else MODIFIERS - {"identifier"}


def parse(text: str, modifier: str | None, parameter: SearchParameter, reading: Reading) -> Target:
    """The resource or URL in `text`; `modifier` is a resource type or one of `MODIFIERS`, which say nothing about the type."""
    if modifier in MODIFIERS:
        modifier = None
    plain = escapes.unescaped(text)
    literal = reading.literals.local(plain)
    if literal is None:
        return _elsewhere(plain, modifier, parameter, reading)
    if modifier and literal.type != modifier:
        raise Refused(f"{plain[:80]!r} is no {modifier}")
    _require_target(literal.type, parameter)
    return Target(literal.id, literal.type, literal.version, url=plain if literal.base and parameter.elements & _URLS else None)


def _elsewhere(plain: str, modifier: str | None, parameter: SearchParameter, reading: Reading) -> Target:
    literal = reference.parse(plain)
    if literal and literal.base is None:
        raise Refused(f"{literal.type[:40]!r} is no resource type of R4")
    if _ID.fullmatch(plain):
        only = parameter.targets if len(parameter.targets) == 1 else ()
        return Target(plain, modifier or next(iter(only), None))
    if modifier:
        raise Refused(f"{plain[:80]!r} is no id of a {modifier}")
    if ":" not in plain:
        raise Refused(f"{plain[:80]!r} is no id, no Type/id and no URL")
    return Target(url=plain)


def _require_target(type: str, parameter: SearchParameter) -> None:
    if parameter.targets and type not in parameter.targets:
        raise Refused(f"{parameter.code} refers to {', '.join(sorted(parameter.targets))}, never to {type}")


def write(value: Any) -> str:
    """The shortest text that means the same."""
    if value.url is not None:
        return escapes.escaped(value.url)
    typed = f"{value.type}/{value.id}" if value.type else value.id
    return f"{typed}/_history/{value.version}" if value.version else typed


def extractor(source: Source) -> Action:
    """The literal and the logical side of a Reference; URLs as they are."""
    key, identifier_key, targets = source.key, source.identifier_key, source.literals.targets
    if source.element in _URLS:
        return lambda value, rows: rows.reference.update((key, *target) for target in targets(value))

    def add(value: Json, rows: Rows) -> None:
        literal, identifier = value.get("reference"), value.get("identifier")
        if literal:
            for id, number in targets(literal):
                rows.reference.add((key, id, number))
        if identifier and identifier.get("value"):
            rows.token.add((identifier_key, text_key(identifier["value"]), system_key(identifier.get("system") or "")))

    return add


def predicate(table: Any, asked: Asked) -> Condition:
    """The rows that point there."""
    value, numbers = asked.value, asked.reading.literals.numbers
    if not value.id:
        return _elsewhere_row(table, asked)
    here = table.target_id == asked.bind(lambda one: versioned(one.id, one.version) if one.version else one.id)
    if value.type is None:
        here &= table.target_type != EXTERNAL
    else:
        here &= table.target_type == asked.bind(lambda one: numbers[one.type])
    return here | _elsewhere_row(table, asked) if value.url else here


def _elsewhere_row(table: Any, asked: Asked) -> Condition:
    return (table.target_type == EXTERNAL) & (table.target_id == asked.bind(lambda value: text_key(value.url)))
