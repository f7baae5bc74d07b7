"""Tokens: codes, identifiers, contact points and booleans, as `code`, `system|code`, `|code` or `system|`.

Matching is exact and heeds case. A `code` element carries the system of its required binding, and `|code` finds it too,
since no system can be written there. `:not` is every resource that does not match, those without a value among them.

Two modifiers look at rows of their own, stored under keys of their own: `:text` at the folded beginnings of what stands beside a code
(CodeableConcept.text, Coding.display, Identifier.type.text), `:of-type` at identifiers by the coding of their type, as `system|code|value`.
`:in`, `:not-in`, `:above` and `:below` are rewritten to plain tokens before they come here. https://hl7.org/fhir/R4/search.html#token
"""

from typing import Any

from service.search.keys import LONGEST, system_key, text_key
from service.search.query import OfType, Token
from service.search.types import escapes
from service.search.types.folding import AFTER_ALL, folded
from service.search.types.protocol import Action, Asked, Condition, Json, Reading, Refused, Rows, SearchParameter, Source

TABLE = "token"
_BETWEEN = "\x1f"
"""Stands in no FHIR string, so that a code and a value are told apart."""
MODIFIERS = frozenset({"not", "text", "in", "not-in", "above", "below", "of-type"})
PREFIXES: tuple[str, ...] = ()
BOOLEANS = "http://terminology.hl7.org/CodeSystem/special-values"
_PLAIN = frozenset({"string", "id", "uri", "url", "canonical", "oid", "uuid", "markdown"})
READS = _PLAIN | {"CodeableConcept", "Coding", "Identifier", "ContactPoint", "code", "boolean"}
_WITH_TEXT = frozenset({"CodeableConcept", "Coding", "Identifier"})
_CODED = frozenset({"CodeableConcept", "Coding", "code"})


def modifiers(parameter: SearchParameter) -> frozenset[str]:
    """`:text` where text stands beside a code, `:of-type` for identifiers, value sets and hierarchies for what is coded."""
    wanted = {"not"}
    if parameter.elements & _WITH_TEXT:
        wanted.add("text")
    if "Identifier" in parameter.elements:
        wanted.add("of-type")
    if parameter.elements & _CODED:
        wanted |= {"in", "not-in", "above", "below"}
    return frozenset(wanted)


def parse(text: str, modifier: str | None, parameter: SearchParameter, reading: Reading) -> Token | OfType:
    """One of the four forms; for `:of-type` the one with three parts."""
    parts = [escapes.unescaped(part) for part in escapes.split(text, "|")]
    if modifier == "of-type":
        return _of_type(parts)
    if len(parts) > 2:
        raise Refused("it has more than one '|'; write a '|' that belongs to a value as '\\|'")
    if not any(parts):
        raise Refused("it needs a code, as in 'code', 'system|code', '|code' or 'system|'")
    if len(parts) == 1:
        return Token(parts[0])
    return Token(parts[1] or None, parts[0])


def _of_type(parts: list[str]) -> OfType:
    if len(parts) != 3 or not all(parts):
        raise Refused("it is written 'system|code|value': the coding of the identifier's type, and the identifier's value")
    return OfType(*parts)


def write(value: Any) -> str:
    """The form that it was."""
    if isinstance(value, OfType):
        return "|".join(map(escapes.escaped, (value.system, value.code, value.value)))
    code = escapes.escaped(value.code or "")
    return code if value.system is None else f"{escapes.escaped(value.system)}|{code}"


def extractor(source: Source) -> Action:
    """How an element of that type becomes (code, system), and the rows of its text and type."""
    key, text, systems = source.key, source.text_key, source.code_systems
    if source.element == "CodeableConcept":
        return lambda value, rows: _add_concept(key, text, value, rows)
    if source.element == "Coding":
        return lambda value, rows: _add_coding(key, text, value, rows)
    if source.element == "Identifier":
        return lambda value, rows: _add_identifier(source, value, rows)
    if source.element == "ContactPoint":
        return lambda value, rows: _add_pair(key, value.get("value"), None, rows)
    if source.element == "code":
        return lambda value, rows: rows.token.add((key, text_key(value), systems.get(value, 0)))
    if source.element == "boolean":
        special = system_key(BOOLEANS)
        return lambda value, rows: rows.token.add((key, "true" if value else "false", special))
    return lambda value, rows: rows.token.add((key, text_key(value), 0))


def _add_concept(key: int, text_key: int, value: Json, rows: Rows) -> None:
    for coding in value.get("coding") or ():
        if coding is not None:
            _add_coding(key, text_key, coding, rows)
    _add_text(text_key, value.get("text"), rows)


def _add_coding(key: int, text_key: int, value: Json, rows: Rows) -> None:
    _add_pair(key, value.get("code"), value.get("system"), rows)
    _add_text(text_key, value.get("display"), rows)


def _add_identifier(source: Source, value: Json, rows: Rows) -> None:
    number = value.get("value")
    _add_pair(source.key, number, value.get("system"), rows)
    type = value.get("type")
    if not type:
        return
    _add_text(source.text_key, type.get("text"), rows)
    for coding in type.get("coding") or ():
        if coding is not None and number and coding.get("code"):
            rows.token.add((source.of_type_key, _typed(coding["code"], number), system_key(coding.get("system") or "")))


def _add_pair(key: int, code: Json, system: Json, rows: Rows) -> None:
    if code or system:
        rows.token.add((key, text_key(code or ""), system_key(system or "")))


def _add_text(key: int, text: Json, rows: Rows) -> None:
    plain = folded(text)[:LONGEST] if text else ""
    if plain:
        rows.token.add((key, plain, 0))


def _typed(code: str, value: str) -> str:
    return text_key(f"{code}{_BETWEEN}{value}")


def predicate(table: Any, asked: Asked) -> Condition:
    """The rows of one token. `:not` is the compiler's: it negates over resources, not over rows."""
    if asked.modifier == "text":
        beginning = table.code >= asked.bind(lambda one: folded(one.text)[:LONGEST])
        return beginning & (table.code < asked.bind(lambda one: folded(one.text)[:LONGEST] + AFTER_ALL))
    value, system = asked.value, asked.bind(lambda one: system_key(one.system or ""))
    if isinstance(value, OfType):
        return (table.code == asked.bind(lambda one: _typed(one.code, one.value))) & (table.system == system)
    if value.code is None:
        return table.system == system
    same = table.code == asked.bind(lambda one: text_key(one.code))
    if value.system is None or (value.system == "" and asked.parameter.elements == {"code"}):
        return same
    return same & (table.system == system)
