"""The names of a code: those that are right, and the one in the language that is asked for.

https://hl7.org/fhir/R4/codesystem-definitions.html#CodeSystem.concept.designation
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from service.rest.operations import arguments, returned
from service.rest.operations.arguments import Arguments
from service.rest.operations.coded import Coded
from service.terminology import concepts
from service.terminology.lookup import Lookup, Unanswerable
from service.terminology.membership import Verdict
from service.terminology.page import in_language

Tree = Mapping[str, Any]

_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")


def language(given: Arguments) -> str | None:
    """The input `displayLanguage`: a language tag, as in de-CH."""
    text = given.text("displayLanguage")
    if text is not None and (len(text) > 60 or not _LANGUAGE.fullmatch(text)):
        raise arguments.refused("displayLanguage", f"'displayLanguage' takes a language, as in en-US, not {text[:40]!r}.")
    return text


def require_version(lookup: Lookup, coded: Coded) -> None:
    """Raises Unanswerable when the code is of a version that is not here, of a code system that is."""
    if coded.version is None or coded.system is None or lookup.code_system(coded.system, coded.version) is not None:
        return
    here = lookup.code_system(coded.system, None)
    if here is not None:
        says = f"version {coded.version[:80]!r} of {coded.system[:200]} is not stored here, but {here.version or 'one without version'}"
        raise Unanswerable("not-found", "code-system-version", says)


def names(lookup: Lookup, coded: Coded, verdict: Verdict, language: str | None) -> Sequence[str]:
    """The right names of a code, that in the language first; empty when none is known."""
    asked = (lookup, coded.system or "", coded.code, coded.version)
    spoken = _spoken(asked, language) if language else None
    return list(dict.fromkeys(name for name in (spoken, verdict.display, *concepts.displays(*asked)) if name))


def _spoken(asked: tuple[Lookup, str, str, str | None], language: str) -> str | None:
    try:
        return in_language(concepts.described(*asked).designations, language)
    except Unanswerable:
        return None


def designation(row: Tree) -> dict[str, Any]:
    """A designation as a parameter."""
    return returned.group(
        "designation",
        returned.one("language", "Code", row.get("language")),
        returned.one("use", "Coding", row.get("use")),
        returned.one("value", "String", row.get("value")),
    )
