"""What whoever asks may see, as a search understands it: for each letter of a scope and each type, a clause that every resource must meet.

The clause is put into the question wherever resources of the type are looked at: matches, the other ends of chains and reverse chains,
lists, includes. So what may not be seen is not found, not counted and not sorted by. docs/decisions/0021-one-restriction.md
"""

import typing
from dataclasses import dataclass
from typing import Protocol

from service.search.query import EVERYTHING, NOTHING, All, Any, Clause, OfSite

SEARCH, READ = "s", "r"
"""The letters of SMART scopes that the search asks for: to find a resource, and to be given it."""


class Sight(Protocol):
    """The eyes of one caller."""

    @property
    def key(self) -> str:
        """What is seen, as text: equal for those who see the same. Cursors are signed with it."""

    def of(self, letter: str, type: str) -> Clause:
        """What resources of `type` must meet; EVERYTHING for no restriction, NOTHING for none of them."""

    def sees(self, letter: str, type: str, tree: typing.Any) -> bool:
        """The same asked of one content, which need not be in the index: a version of the past, or what is about to be written."""

    def clinics(self, letter: str, type: str, tree: typing.Any) -> "Clinics | None":
        """What the content alone does not tell: the clinics that one of its patients must belong to; None where that does not matter."""

    def confinement(self, letter: str, type: str, tree: typing.Any) -> "Confinement | None":
        """The same of the patient whose records all that it refers to must be of."""


@dataclass(frozen=True, slots=True)
class Clinics:
    """One of `patients` (ids) must be as `site` says."""

    patients: frozenset[str]
    site: OfSite


@dataclass(frozen=True, slots=True)
class Confinement:
    """Those of `targets` (type, id) that can belong to a patient must belong to `patient` (an id) now."""

    patient: str
    targets: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Unlimited:
    """The eyes of the service itself."""

    key: str = ""

    def of(self, _letter: str, _type: str) -> Clause:
        """No restriction."""
        return EVERYTHING

    def sees(self, _letter: str, _type: str, _tree: typing.Any) -> bool:
        """Always."""
        return True

    def clinics(self, _letter: str, _type: str, _tree: typing.Any) -> "Clinics | None":
        """They do not matter."""
        return None

    def confinement(self, _letter: str, _type: str, _tree: typing.Any) -> "Confinement | None":
        """There is none."""
        return None


UNLIMITED = Unlimited()


def narrowed(clause: Clause, restriction: Clause) -> Clause:
    """The clause within a restriction."""
    if restriction == EVERYTHING:
        return clause
    return restriction if clause == EVERYTHING else All((clause, restriction))


def either(clauses: tuple[Clause, ...]) -> Clause:
    """One of the clauses, in its plainest form."""
    found = tuple(dict.fromkeys(one for one in clauses if one != NOTHING))
    if EVERYTHING in found:
        return EVERYTHING
    return found[0] if len(found) == 1 else Any(found)


def each(clauses: tuple[Clause, ...]) -> Clause:
    """All of the clauses, in their plainest form."""
    found = tuple(dict.fromkeys(one for one in clauses if one != EVERYTHING))
    if NOTHING in found:
        return NOTHING
    return found[0] if len(found) == 1 else All(found)
