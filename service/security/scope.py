"""SMART scopes v2 (and v1), and the scopes of this service: one regular expression, canonical values, one error.

    patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|vital-signs
    system/*.read                                                    v1: read = rs, write = cud, * = cruds
    https://clinic.example/fhir/scope/ledger.read                    what FHIR has no type for, below the base URL

A scope that is read is a value; access is decided on values, never on text. What was asked for in the words of v1 is printed in them.
There is one spelling of each scope: letters in the order `cruds`, no spaces but the one between scopes, no percent encoding; conditions are
sorted when printed.
https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from service.security import clinical, granular
from service.security.granular import Condition

LETTERS = "cruds"
NAMES = ("admin.clients", "audit.full", "ledger.read", "ledger.write")
"""The last segments of the scopes of this service."""

MAX_SCOPES = 100
MAX_SCOPE_CHARACTERS = 512

_LETTERS_OF_V1 = {"read": "rs", "write": "cud", "*": "cruds"}
_V1_OF_LETTERS = {letters: word for word, letters in _LETTERS_OF_V1.items()}

_VALUE = r"(?:(?:https?://|urn:)[A-Za-z0-9][A-Za-z0-9./:_~-]{0,199}\|)?[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_PAIR = rf"_?[a-z]+(?:-[a-z]+)*={_VALUE}"
_FHIR = (
    r"(?P<context>patient|user|system)/(?P<type>\*|[A-Z][A-Za-z]{1,63})"
    r"\.(?P<letters>(?=[cruds])c?r?u?d?s?|read|write|\*)"
    rf"(?:\?(?P<conditions>{_PAIR}(?:&{_PAIR})*))?"
)


class ScopeError(ValueError):
    """A scope that is not understood, or must not be granted. The message is a constant sentence; `scope` the text that it is about."""

    def __init__(self, reason: str, scope: str) -> None:
        super().__init__(reason)
        self.scope = scope


@dataclass(frozen=True, slots=True)
class Scope:
    """A scope on FHIR resources: `context` patient, user or system; `type` a resource type or `*`; `letters` some of `cruds`, in order.

    All `conditions` must hold; they are sorted. `is_v1`: it was asked for in the words of SMART v1.
    """

    context: str
    type: str
    letters: str
    conditions: tuple[Condition, ...] = ()
    is_v1: bool = False

    def __str__(self) -> str:
        letters = _V1_OF_LETTERS[self.letters] if self.is_v1 else self.letters
        return f"{self.context}/{self.type}.{letters}" + ("?" if self.conditions else "") + "&".join(map(str, self.conditions))

    def covers(self, other: "Scope") -> bool:
        """Whether this scope alone grants all that `other` does."""
        return (
            self.context == other.context
            and clinical.reaches(self.type, other.type)
            and set(self.letters) >= set(other.letters)
            and set(self.conditions) <= set(other.conditions)
        )

    def meet(self, other: "Scope") -> "Scope | None":
        """What both this scope and `other` grant; None when that is nothing.

        Two values of one parameter do not meet, although a resource may have both: who may see laboratory results and asks
        for vital signs is not to be given those that are filed as both.
        """
        letters = ordered(set(self.letters) & set(other.letters))
        type = _narrower(self.type, other.type)
        if self.context != other.context or not letters or type is None or _clash(self.conditions, other.conditions):
            return None
        return self.part(type, letters, tuple(sorted({*self.conditions, *other.conditions})))

    def part(self, type: str, letters: str, conditions: tuple[Condition, ...]) -> "Scope":
        """A part of this scope; in the words of v1 if this scope is, and they can say it."""
        return Scope(self.context, type, letters, conditions, self.is_v1 and letters == self.letters and not conditions)


@dataclass(frozen=True, slots=True)
class Named:
    """A scope of this service: a URI below the base URL that it was issued for."""

    base_url: str
    name: str

    def __str__(self) -> str:
        return f"{self.base_url}/scope/{self.name}"


AnyScope = Scope | Named


@dataclass(frozen=True, slots=True)
class Grammar:
    """Reads scopes for one base URL. `types` are all R4 resource types: a scope on anything else is refused."""

    base_url: str
    types: frozenset[str]

    def scope(self, text: str) -> AnyScope:
        """One scope. Raises ScopeError."""
        if len(text) > MAX_SCOPE_CHARACTERS:
            raise ScopeError(f"A scope has at most {MAX_SCOPE_CHARACTERS} characters.", text)
        named = {str(scope): scope for scope in self.named}.get(text)
        return named or self._fhir(text)

    def scopes(self, text: str) -> tuple[AnyScope, ...]:
        """Scopes with one space between them, each once, sorted. Raises ScopeError when one is refused, and when there are too many."""
        return canonical(self.scope(word) for word in self._words(text))

    def typed(self, text: str) -> tuple[AnyScope, ...]:
        """Scopes as an operator types them: any space between them, and the last segment for a scope of this service. Raises ScopeError."""
        words = (str(Named(self.base_url, word)) if word in NAMES else word for word in filter(None, _SPACES.split(text)))
        return self.scopes(" ".join(words))

    def understood(self, text: str) -> tuple[tuple[AnyScope, ...], tuple[str, ...]]:
        """What is understood of the scopes of another issuer, and the words that are not. Those grant nothing.

        Raises ScopeError when there are too many.
        """
        found: list[AnyScope] = []
        others: list[str] = []
        for word in self._words(text):
            try:
                found.append(self.scope(word))
            except ScopeError:
                others.append(word)
        return canonical(found), tuple(others)

    @property
    def named(self) -> tuple[Named, ...]:
        """The scopes of this service."""
        return tuple(Named(self.base_url, name) for name in NAMES)

    def _words(self, text: str) -> list[str]:
        words = text.split(" ", MAX_SCOPES) if text else []
        if len(words) > MAX_SCOPES:
            raise ScopeError(f"At most {MAX_SCOPES} scopes are read at once.", text)
        return words

    def _fhir(self, text: str) -> Scope:
        found = _PATTERN.fullmatch(text)
        if found is None:
            raise ScopeError("A scope is context/Type.cruds, with ?parameter=system|code where it is restricted.", text)
        type, letters = found["type"], found["letters"]
        if type != clinical.ANY and type not in self.types:
            raise ScopeError("The scope names no resource type of FHIR R4.", text)
        if letters not in _LETTERS_OF_V1:
            return Scope(found["context"], type, letters, tuple(sorted(set(_conditions(found["conditions"] or "", type, text)))))
        if found["conditions"]:
            raise ScopeError("A scope of SMART v1 has no parameters; use the letters cruds.", text)
        return Scope(found["context"], type, _LETTERS_OF_V1[letters], is_v1=True)


_PATTERN = re.compile(_FHIR)
_SPACES = re.compile(r"[ \t\r\n]+")


def _conditions(text: str, type: str, scope: str) -> Iterator[Condition]:
    for pair in filter(None, text.split("&")):
        name, _, value = pair.partition("=")
        system, _, code = value.rpartition("|")
        found = granular.parameter(type, name)
        if found is None:
            raise ScopeError("The scope is restricted by a parameter that scopes on its type cannot have.", scope)
        if found.is_code == bool(system):
            raise ScopeError("A value is system|code; a status or another element of type code takes the code alone.", scope)
        yield Condition(name, system, code)


def ordered(letters: Collection[str]) -> str:
    """Letters in the order of the grammar."""
    return "".join(letter for letter in LETTERS if letter in letters)


def canonical(scopes: Collection[AnyScope] | Iterator[AnyScope]) -> tuple[AnyScope, ...]:
    """Each scope once, in the order of their text."""
    return tuple(sorted(set(scopes), key=str))


def _narrower(one: str, other: str) -> str | None:
    """The type that both name, where `*` names the clinical ones."""
    if clinical.reaches(one, other):
        return other
    return one if clinical.reaches(other, one) else None


def _clash(one: tuple[Condition, ...], other: tuple[Condition, ...]) -> bool:
    """Whether both restrict one parameter, and neither does so further than the other."""
    for name in {condition.parameter for condition in one} & {condition.parameter for condition in other}:
        mine, theirs = ({condition for condition in side if condition.parameter == name} for side in (one, other))
        if not (mine <= theirs or theirs <= mine):
            return True
    return False
