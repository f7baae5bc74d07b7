"""Lookups that answer a little otherwise than the one they lie over: with a code system that was sent, or with other versions.

https://hl7.org/fhir/R4/valueset-operation-expand.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from service.terminology.code_system import CodeSystem
from service.terminology.lookup import Json, Lookup, Unanswerable


@dataclass
class Overlay:
    """A `Lookup` over `under`, which answers everything that is not said otherwise."""

    under: Lookup
    compiled: dict[str, Any] = field(default_factory=dict)

    def value_set(self, url: str, version: str | None) -> Json | None:
        """As below."""
        return self.under.value_set(url, version)

    def code_system(self, url: str, version: str | None) -> CodeSystem | None:
        """As below."""
        return self.under.code_system(url, version)

    def all_of(self, url: str) -> str | None:
        """As below."""
        return self.under.all_of(url)

    def supplements(self, url: str) -> Sequence[Json]:
        """As below."""
        return self.under.supplements(url)


@dataclass
class WithSystem(Overlay):
    """`system` is the code system of its URL, whatever is stored."""

    system: CodeSystem | None = None

    def code_system(self, url: str, version: str | None) -> CodeSystem | None:
        """`system` where it is meant, else as below."""
        if self.system is not None and url == self.system.url and version in (None, self.system.version):
            return self.system
        return self.under.code_system(url, version)


@dataclass
class WithVersions(Overlay):
    """Versions of code systems by their URL: `default` where none is named, `forced` whatever is named; another than `checked` is refused.

    `used` are the code systems that were asked for and found, with their versions.
    """

    default: Mapping[str, str] = field(default_factory=dict)
    checked: Mapping[str, str] = field(default_factory=dict)
    forced: Mapping[str, str] = field(default_factory=dict)
    used: dict[str, str | None] = field(default_factory=dict)

    def code_system(self, url: str, version: str | None) -> CodeSystem | None:
        """The code system in the version that counts. Raises Unanswerable for another one than `checked` says."""
        wanted = self.forced.get(url) or version or self.checked.get(url) or self.default.get(url)
        checked = self.checked.get(url)
        if checked is not None and wanted != checked:
            says = f"version {str(wanted)[:80]} of {url[:200]} is named, and check-system-version asks for {checked[:80]}"
            raise Unanswerable("business-rule", "system-version", says)
        found = self.under.code_system(url, wanted)
        if found is not None:
            self.used[url] = found.version
        return found
