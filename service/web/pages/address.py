"""The address of one FHIR request as the pages use it: as raw JSON, as a curl line, as crumbs."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from service.web.pages.site import Site


@dataclass(frozen=True, slots=True)
class Crumb:
    """One step of the way from the home page to this one; the last step has no link."""

    words: str
    link: str | None


@dataclass(frozen=True, slots=True)
class Address:
    """A request below the FHIR base: the decoded segments of its path and the pairs of its query."""

    site: Site
    path: tuple[str, ...]
    query: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, site: Site, path: str, query: Sequence[tuple[str, str]]) -> "Address":
        """The address of the decoded request path `path` (`/Patient/1`, relative to the FHIR base)."""
        return cls(site, tuple(segment for segment in path.split("/") if segment), tuple(query))

    @property
    def raw(self) -> str:
        """The link to the same answer as JSON."""
        return f"{self._link(self.path)}?{urlencode([*self._asked(), ('_format', 'json')])}"

    @property
    def curl(self) -> str:
        """A command line that asks for the same answer."""
        query = f"?{urlencode(self._asked(), safe=':|/,*')}" if self._asked() else ""
        path = self._link(self.path).removeprefix(self.site.base)
        return f"curl -H 'Accept: application/fhir+json' {shlex.quote(self.site.base_url + path + query)}"

    @property
    def is_version(self) -> bool:
        """Whether the address names one version: `Type/id/_history/n`."""
        return len(self.path) == 4 and self.path[2] == "_history"

    def crumbs(self) -> list[Crumb]:
        """The way here: the base, the type, the resource, its history, its version."""
        steps = [Crumb("FHIR", f"{self.site.base}/metadata")]
        steps += [Crumb(words, self._link(self.path[: end + 1])) for end, words in enumerate(self.path)]
        return [*steps[:-1], Crumb(steps[-1].words, None)]

    def _asked(self) -> list[tuple[str, str]]:
        return [(name, value) for name, value in self.query if name not in ("_format", "_pretty")]

    def _link(self, path: Sequence[str]) -> str:
        return "/".join((self.site.base, *(quote(segment, safe="$*") for segment in path)))
