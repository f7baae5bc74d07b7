"""What questions about codes are answered from, which of several versions counts, and what cannot be answered.

https://hl7.org/fhir/R4/references.html#canonical, https://hl7.org/fhir/R4/resource.html#canonical
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from service.terminology.code_system import CodeSystem

Json = Any
Codes = frozenset[tuple[str, str]]
"""Pairs of code system and code."""

_PART = re.compile(r"[0-9]+|[A-Za-z]+")
_ENTERED_IN_ERROR = "entered-in-error"


class Lookup(Protocol):
    """Where value sets and code systems are found by their canonical URL. `version` None asks for the newest."""

    compiled: dict[str, Any]
    """What `terminology.judge` made of its value sets; it lives as long as the lookup, whose answers do not change meanwhile."""

    def value_set(self, url: str, version: str | None) -> Json | None:
        """The ValueSet; None when there is none."""

    def code_system(self, url: str, version: str | None) -> CodeSystem | None:
        """The CodeSystem; None when there is none."""

    def all_of(self, url: str) -> str | None:
        """The code system that has `url` as its `valueSet`, the one of all its codes; None when there is none."""

    def supplements(self, url: str) -> Sequence[Json]:
        """The CodeSystem resources that are supplements of the code system, in a stable order."""


class Unanswerable(ValueError):
    """A question about codes that cannot be answered truthfully.

    `code` is a FHIR issue type (not-found, not-supported, invalid, too-costly), `rule` our own name of the rule, the text says why and
    what to do about it.
    """

    def __init__(self, code: str, rule: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.rule = rule


@dataclass(frozen=True, slots=True)
class Canonical:
    """A canonical URL with the version it names, if any."""

    url: str
    version: str | None = None

    def __str__(self) -> str:
        return f"{self.url}|{self.version}" if self.version else self.url


def canonical(text: str) -> Canonical:
    """`url` or `url|version`."""
    url, _, version = text.partition("|")
    return Canonical(url, version or None)


@dataclass(frozen=True)
class Candidate:
    """A stored ValueSet or CodeSystem (or its `status` and `version` alone), and when it was last changed (microseconds)."""

    tree: Json
    last_updated: int


Found = TypeVar("Found", bound=Candidate)


def newest(candidates: Iterable[Found], version: str | None) -> Found | None:
    """The one that counts among those with one URL; only those of `version`, when one is named.

    An active one before any other, then the highest version (`1.10` is above `1.9`, `2.0` above `2.0-draft`, one with a version
    above one without), then the one that was changed last. What was entered in error never counts.
    """
    usable = [one for one in candidates if one.tree.get("status") != _ENTERED_IN_ERROR and version in (None, one.tree.get("version"))]
    return max(usable, key=_rank) if usable else None


def _rank(candidate: Candidate) -> tuple[Any, ...]:
    tree = candidate.tree
    return tree.get("status") == "active", version_order(tree.get("version")), candidate.last_updated


def version_order(version: str | None) -> tuple[tuple[int, int, str], ...]:
    """A key by which versions sort: numbers as numbers, and a word after a version makes it an earlier one."""
    if not version:
        return ()
    return (*map(_part, _PART.findall(version)), (1, 0, ""))


def _part(text: str) -> tuple[int, int, str]:
    """Numbers above words; a number by its length and digits, however long it is."""
    if not text.isdecimal():
        return 0, 0, text.casefold()
    digits = text.lstrip("0")
    return 2, len(digits), digits
