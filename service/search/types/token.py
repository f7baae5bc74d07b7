"""Tokens: codes, identifiers, contact points and booleans, as `code`, `system|code`, `|code` or `system|`.

Matching is exact and heeds case. A `code` element carries the system of its required binding, and `|code` finds it too,
since no system can be written there. `:not` is every resource that does not match, those without a value among them.
https://hl7.org/fhir/R4/search.html#token
"""

from typing import Any

from service.search.keys import system_key, text_key
from service.search.query import Token
from service.search.types import escapes
from service.search.types.protocol import Action, Asked, Condition, Json, Reading, Refused, Rows, SearchParameter, Source

TABLE = "token"
MODIFIERS = frozenset({"not"})
PREFIXES: tuple[str, ...] = ()
BOOLEANS = "http://terminology.hl7.org/CodeSystem/special-values"
_PLAIN = frozenset({"string", "id", "uri", "url", "canonical", "oid", "uuid", "markdown"})
READS = _PLAIN | {"CodeableConcept", "Coding", "Identifier", "ContactPoint", "code", "boolean"}


def parse(text: str, modifier: str | None, parameter: SearchParameter, reading: Reading) -> Token:
    """One of the four forms."""
    parts = [escapes.unescaped(part) for part in escapes.split(text, "|")]
    if len(parts) > 2:
        raise Refused("it has more than one '|'; write a '|' that belongs to a value as '\\|'")
    if not any(parts):
        raise Refused("it needs a code, as in 'code', 'system|code', '|code' or 'system|'")
    if len(parts) == 1:
        return Token(parts[0])
    return Token(parts[1] or None, parts[0])


def write(value: Any) -> str:
    """The form that it was."""
    code = escapes.escaped(value.code or "")
    return code if value.system is None else f"{escapes.escaped(value.system)}|{code}"


def extractor(source: Source) -> Action:
    """How an element of that type becomes (code, system)."""
    key, systems = source.key, source.code_systems
    if source.element == "CodeableConcept":
        return lambda value, rows: _add_codings(key, value.get("coding"), rows)
    if source.element == "Coding":
        return lambda value, rows: _add_pair(key, value.get("code"), value.get("system"), rows)
    if source.element == "Identifier":
        return lambda value, rows: _add_pair(key, value.get("value"), value.get("system"), rows)
    if source.element == "ContactPoint":
        return lambda value, rows: _add_pair(key, value.get("value"), None, rows)
    if source.element == "code":
        return lambda value, rows: rows.token.add((key, text_key(value), systems.get(value, 0)))
    if source.element == "boolean":
        special = system_key(BOOLEANS)
        return lambda value, rows: rows.token.add((key, "true" if value else "false", special))
    return lambda value, rows: rows.token.add((key, text_key(value), 0))


def _add_codings(key: int, codings: Json, rows: Rows) -> None:
    for coding in codings or ():
        if coding is not None:
            _add_pair(key, coding.get("code"), coding.get("system"), rows)


def _add_pair(key: int, code: Json, system: Json, rows: Rows) -> None:
    if code or system:
        rows.token.add((key, text_key(code or ""), system_key(system or "")))


def predicate(table: Any, asked: Asked) -> Condition:
    """The rows of one token. `:not` is the compiler's: it negates over resources, not over rows."""
    value, system = asked.value, asked.bind(lambda one: system_key(one.system or ""))
    if value.code is None:
        return table.system == system
    same = table.code == asked.bind(lambda one: text_key(one.code))
    if value.system is None or (value.system == "" and asked.parameter.elements == {"code"}):
        return same
    return same & (table.system == system)
