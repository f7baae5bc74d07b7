"""Required bindings: the codes that an element may hold (https://hl7.org/fhir/R4/terminologies.html#required).

Lists are the value sets of the definitions. Mime types, languages and currencies are decided by their syntax.
"""

from collections.abc import Callable, Mapping
from typing import Any

from service.fhir import syntax
from service.fhir.definitions import Definitions
from service.fhir.element import Element
from service.validation.run import Run

Extra = Callable[[Any, str, Run], None]

_LANGUAGES_SYSTEM = "urn:ietf:bcp:47"
_UNITS_SYSTEM = "http://unitsofmeasure.org"
_FORMATS = frozenset({"xml", "json", "ttl"})
_SHORT_FORMATS = ("CapabilityStatement.format", "TestScript.")

_SYNTAXES = {
    "mime-type": (syntax.MIME_TYPE, "must be a mime type such as application/pdf (https://hl7.org/fhir/R4/valueset-mimetypes.html)"),
    "language": (syntax.LANGUAGE, "must be a language tag such as en or de-CH (BCP 47)"),
    "currency": (syntax.CURRENCY, "must be a currency code of three capital letters such as USD (ISO 4217)"),
}


def code_rule(definitions: Definitions, element: Element) -> Callable[[str], tuple[str, str] | None] | None:
    """What a `code` must satisfy beyond its format: (rule, text) when it does not. None when nothing is required."""
    decided_by = _syntax(definitions, element)
    if decided_by in _SYNTAXES:
        return _by_syntax(decided_by, _FORMATS if element.path.startswith(_SHORT_FORMATS) else frozenset())
    pairs = _required(definitions, element)
    if pairs is None:
        return None
    codes = frozenset(code for _, code in pairs)
    text = f"must be one of {_listed(codes)} (required binding {_value_set(element)})"
    return lambda code: None if code in codes else ("required-binding", text)


def concept_rule(definitions: Definitions, element: Element, kind: str) -> Extra | None:
    """What a Coding or CodeableConcept must satisfy. None when nothing is required."""
    if element.languages:
        return _language_codings(kind)
    if _syntax(definitions, element) == "ucum":
        return _units
    pairs = _required(definitions, element)
    if pairs is None:
        return None
    listed = _listed(frozenset(f"{system}|{code}" for system, code in pairs))
    text = f"must hold a coding (system and code) of {listed} (required binding {_value_set(element)})"

    def rule(value: Any, path: str, run: Run) -> None:
        codings = _codings(value, kind)
        known = any((str(coding.get("system")), str(coding.get("code"))) in pairs for coding in codings)
        if known or (not codings and "extension" in value):
            return
        run.error("code-invalid", "required-binding", path, text)

    return rule


def _syntax(definitions: Definitions, element: Element) -> str | None:
    if element.languages:
        return "language"
    binding = element.binding
    return definitions.value_sets.syntax(binding.value_set) if binding and binding.strength == "required" else None


def _by_syntax(name: str, besides: frozenset[str]) -> Callable[[str], tuple[str, str] | None]:
    pattern, text = _SYNTAXES[name]
    rule = (name if name == "mime-type" else name + "-code", text)
    return lambda code: None if pattern.fullmatch(code) or code in besides else rule


def _required(definitions: Definitions, element: Element) -> frozenset[tuple[str, str]] | None:
    binding = element.binding
    return definitions.codes(binding.value_set) if binding and binding.strength == "required" else None


def _value_set(element: Element) -> str:
    return element.binding.value_set if element.binding else ""


def _listed(codes: frozenset[str]) -> str:
    some = sorted(codes)[:25]
    return ", ".join(some) + (f" and {len(codes) - 25} more" if len(codes) > 25 else "")


def _codings(value: Mapping[str, Any], code: str) -> list[Mapping[str, Any]]:
    if code == "Coding":
        return [value]
    codings = value.get("coding")
    return [coding for coding in codings if isinstance(coding, dict)] if isinstance(codings, list) else []


def _language_codings(kind: str) -> Extra:
    def rule(value: Any, path: str, run: Run) -> None:
        for index, coding in enumerate(_codings(value, kind)):
            code = coding.get("code")
            if coding.get("system") == _LANGUAGES_SYSTEM and isinstance(code, str) and not syntax.LANGUAGE.fullmatch(code):
                place = f"{path}.coding[{index}]" if kind == "CodeableConcept" else path
                run.error("code-invalid", "language-code", place + ".code", _SYNTAXES["language"][1])

    return rule


def _units(value: Any, path: str, run: Run) -> None:
    codings = _codings(value, "CodeableConcept")
    if codings and not any(coding.get("system") == _UNITS_SYSTEM for coding in codings):
        run.error("code-invalid", "required-binding", path, f"must hold a coding of {_UNITS_SYSTEM} (UCUM)")
