"""A grant: the scopes that a token carries or that a client may ask for, and the one question to it: what may be done, within what.

Scopes add up: each is an alternative. A letter that no scope has for a type is refused before any data are touched.
https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html#scopes-for-requesting-fhir-resources
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Self

from service.security import clinical
from service.security.granular import Condition
from service.security.scope import LETTERS, AnyScope, Named, Scope, canonical, ordered

PATIENT = "patient"

LETTER_OF: Mapping[str, str] = MappingProxyType(
    {
        "create": "c",
        "read": "r",
        "vread": "r",
        "history-instance": "r",
        "update": "u",
        "patch": "u",
        "delete": "d",
        "search-type": "s",
        "search-system": "s",
        "history-type": "s",
        "history-system": "s",
    }
)
"""The letter that an interaction needs, by its code of the value set type-restful-interaction or system-restful-interaction."""


@dataclass(frozen=True, slots=True, order=True)
class Reach:
    """One alternative of what may be reached of a type: the resources that meet every condition, and are of the patient if there is one.

    `context` is the context of the scope that gives it: what a user may reach is, besides, limited by who the user is.
    """

    context: str
    patient: str | None
    conditions: tuple[Condition, ...]

    @property
    def is_whole(self) -> bool:
        """Whether it is every resource of the type."""
        return self.patient is None and not self.conditions

    def covers(self, other: "Reach") -> bool:
        """Whether whatever `other` reaches is reached by this one too."""
        return self.context == other.context and self.patient == other.patient and set(self.conditions) <= set(other.conditions)


@dataclass(frozen=True, slots=True)
class Grant:
    """Scopes, each once, sorted by their text. Made by `of`; the empty one grants nothing."""

    scopes: tuple[AnyScope, ...] = ()
    _known: dict[tuple[str, str], tuple[Reach, ...]] = field(default_factory=dict, init=False, compare=False, repr=False)

    @classmethod
    def of(cls, scopes: Iterable[AnyScope]) -> Self:
        """The grant of some scopes."""
        return cls(canonical(list(scopes)))

    def __str__(self) -> str:
        return " ".join(map(str, self.scopes))

    def __bool__(self) -> bool:
        return bool(self.scopes)

    def __or__(self, other: "Grant") -> "Grant":
        """What either grants."""
        return Grant.of([*self.scopes, *other.scopes])

    def within(self, policy: "Grant") -> "Grant":
        """What is granted of this request to a client that may have `policy`: never more than either.

        A scope that the policy allows as a whole is granted as it was asked for; of another one, the parts that are allowed.
        """
        return Grant.of(part for scope in self.scopes for part in _allowed(scope, policy.scopes))

    def has(self, name: str) -> bool:
        """Whether a scope of this service is granted: `ledger.read` and the like."""
        return any(isinstance(scope, Named) and scope.name == name for scope in self.scopes)

    def reaches(self, letter: str, type: str, patients: Collection[str] = ()) -> tuple[Reach, ...]:
        """Within what the grant gives `letter` (one of `cruds`) on `type`: alternatives, none covering another; () when not at all.

        `patients` are those in the context of the token. A scope of context `patient` needs exactly one, and gives nothing otherwise.
        """
        if patients:
            return self._reaches(letter, type, patients)
        known = self._known.get((letter, type))
        if known is None:
            known = self._known[letter, type] = self._reaches(letter, type, ())
        return known

    def _reaches(self, letter: str, type: str, patients: Collection[str]) -> tuple[Reach, ...]:
        if len(letter) != 1 or letter not in LETTERS:
            raise ValueError(f"{letter!r} is no letter of a scope")
        found = sorted(set(self._found(letter, type, patients)))
        return tuple(one for one in found if not any(other.covers(one) for other in found if other != one))

    def _found(self, letter: str, type: str, patients: Collection[str]) -> Iterator[Reach]:
        for scope in self.scopes:
            if not isinstance(scope, Scope) or letter not in scope.letters or not clinical.reaches(scope.type, type):
                continue
            if scope.context != PATIENT:
                yield Reach(scope.context, None, scope.conditions)
            elif len(patients) == 1:
                yield Reach(scope.context, next(iter(patients)), scope.conditions)


def _allowed(asked: AnyScope, policy: tuple[AnyScope, ...]) -> Iterator[AnyScope]:
    if isinstance(asked, Named):
        yield from (asked for scope in policy if scope == asked)
        return
    letters: dict[tuple[str, tuple[Condition, ...]], set[str]] = {}
    met = (asked.meet(scope) for scope in policy if isinstance(scope, Scope))
    for part in filter(None, met):
        letters.setdefault((part.type, part.conditions), set()).update(part.letters)
    parts = [asked.part(type, ordered(found), conditions) for (type, conditions), found in letters.items()]
    yield from (part for part in parts if not any(other.covers(part) for other in parts if other is not part))
