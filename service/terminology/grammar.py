"""Code systems that are decided by how their codes are written, because nobody can list them: units, languages, mime types, currencies,
and the codes of drug packages.

UCUM units, as `service.fhir.ucum` reads them, are exact. A language, a mime type, a currency or an NDC that is well formed is accepted;
whether it was ever registered is not checked. https://hl7.org/fhir/R4/terminologies-systems.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from service.fhir import syntax, units
from service.terminology import ndc


def _nameless(_: str) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Grammar:
    """`accepts` whether the text is a code; `key` is the form in which codes are the same; `display` is the name of a code. `remark`
    says what is not checked. `name` is of the grammar."""

    url: str
    name: str
    accepts: Callable[[str], bool]
    key: Callable[[str], str] = str
    display: Callable[[str], str | None] = _nameless
    remark: str | None = None


def of(url: str) -> Grammar | None:
    """The grammar of a code system; None when it has none."""
    return _GRAMMARS.get(url)


def urls() -> tuple[str, ...]:
    """The code systems that have one."""
    return tuple(_GRAMMARS)


def _is_unit(code: str) -> bool:
    return units.canonical(code) is not None


_FORM = "it is well formed; whether it was ever registered is not checked"
_GRAMMARS: Mapping[str, Grammar] = MappingProxyType(
    {
        one.url: one
        for one in (
            Grammar(units.UCUM, "UCUM", _is_unit, display=str),
            Grammar("urn:ietf:bcp:47", "BCP 47", lambda code: bool(syntax.LANGUAGE.fullmatch(code)), str.casefold, remark=_FORM),
            Grammar("urn:ietf:bcp:13", "mime types", lambda code: bool(syntax.MIME_TYPE.fullmatch(code)), str.casefold, remark=_FORM),
            Grammar("urn:iso:std:iso:4217", "ISO 4217", lambda code: bool(syntax.CURRENCY.fullmatch(code)), remark=_FORM),
            Grammar(ndc.NDC, "NDC", ndc.is_code, ndc.key, remark=_FORM),
        )
    }
)
