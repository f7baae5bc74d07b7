"""Inputs of `$expand` that say which version of a code system to use, each as `system|version`.

https://hl7.org/fhir/R4/valueset-operation-expand.html
"""

from collections.abc import Mapping
from dataclasses import dataclass

from service.rest.operations import arguments
from service.rest.operations.arguments import Arguments
from service.terminology.lookup import canonical

NAMES = ("system-version", "check-system-version", "force-system-version")


@dataclass(frozen=True, slots=True)
class Versions:
    """Versions by the URL of the code system: where the value set names none, what it may name, and what counts whatever it names."""

    default: Mapping[str, str]
    checked: Mapping[str, str]
    forced: Mapping[str, str]


def read(given: Arguments) -> Versions:
    """The versions that are asked for. BadRequest for one without a version, or two for one code system."""
    return Versions(*(_read(given, name) for name in NAMES))


def _read(given: Arguments, name: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for text in given.texts(name):
        one = canonical(text)
        if not one.url or not one.version:
            raise arguments.refused(name, f"'{name}' takes a code system with a version, as system|version, not {text[:80]!r}.")
        if found.setdefault(one.url, one.version) != one.version:
            raise arguments.refused(name, f"'{name}' names two versions of {one.url[:200]}. Leave one out.", "invalid")
    return found
