"""The paths of FHIRPath Patch: a small bounded grammar, no FHIRPath engine (https://hl7.org/fhir/R4/fhirpatch.html).

    path       step ("." step)*
    step       name index? | function index?
    function   first() | last() | where(test) | extension('url') | ofType(Type)
    test       dotted-name = literal ("and" dotted-name = literal)*
    literal    'text' | number | true | false

Everything that a patch needs to point at one element can be written in it; nothing in it can run long.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from service.errors import BadRequest

LONGEST_PATH = 1000
MOST_STEPS = 32

_TOKEN = re.compile(
    r"\s*(?:(?P<name>[A-Za-z][A-Za-z0-9]*)|(?P<text>'(?:[^'\\]|\\.)*')|(?P<number>-?\d{1,30}(?:\.\d{1,30})?)|(?P<mark>[.()\[\]=]))"
)
_ESCAPE = re.compile(r"\\(.)")

Literal = str | Decimal | bool


@dataclass(frozen=True, slots=True)
class Name:
    """Step into a member."""

    name: str


@dataclass(frozen=True, slots=True)
class Pick:
    """Keep one of the elements found so far: its index, -1 for the last."""

    index: int


@dataclass(frozen=True, slots=True)
class Where:
    """Keep the elements in which every dotted name has the value."""

    tests: tuple[tuple[tuple[str, ...], Literal], ...]


@dataclass(frozen=True, slots=True)
class OfType:
    """Keep the elements of one type."""

    type: str


Step = Name | Pick | Where | OfType


def parse(text: str) -> tuple[Step, ...]:
    """The steps of a path. BadRequest for anything outside the grammar."""
    if len(text) > LONGEST_PATH:
        raise _malformed(text, f"it is longer than {LONGEST_PATH} characters")
    steps = tuple(_Parser(text).path())
    if len(steps) > MOST_STEPS:
        raise _malformed(text, f"it has more than {MOST_STEPS} steps")
    return steps


class _Parser:
    """Recursive descent over the tokens of one path."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._scan(text)
        self._place = 0

    def path(self) -> Iterator[Step]:
        """The whole path, to its end."""
        yield from self._step()
        while self._take("mark", ".", required=False):
            yield from self._step()
        if self._place < len(self._tokens):
            raise self._failure()

    def _step(self) -> Iterator[Step]:
        name = self._take("name")
        if self._take("mark", "(", required=False):
            yield from self._function(name)
            self._take("mark", ")")
        else:
            yield Name(name)
        while self._take("mark", "[", required=False):
            index = self._take("number")
            if not index.isdecimal() or len(index) > 6:
                raise self._failure()
            yield Pick(int(index))
            self._take("mark", "]")

    def _function(self, name: str) -> Iterator[Step]:
        if name == "first":
            yield Pick(0)
        elif name == "last":
            yield Pick(-1)
        elif name == "where":
            yield Where(tuple(self._tests()))
        elif name == "ofType":
            yield OfType(self._take("name"))
        elif name == "extension":
            yield Name("extension")
            yield Where(((("url",), _unquoted(self._take("text"))),))
        else:
            raise _malformed(self._text, f"{name}() is not offered; first(), last(), where(), extension() and ofType() are")

    def _tests(self) -> Iterator[tuple[tuple[str, ...], Literal]]:
        yield self._test()
        while self._take("name", "and", required=False):
            yield self._test()

    def _test(self) -> tuple[tuple[str, ...], Literal]:
        names = [self._take("name")]
        while self._take("mark", ".", required=False):
            names.append(self._take("name"))
        self._take("mark", "=")
        return tuple(names), self._literal()

    def _literal(self) -> Literal:
        if text := self._take("text", required=False):
            return _unquoted(text)
        if number := self._take("number", required=False):
            return Decimal(number)
        word = self._take("name")
        if word not in ("true", "false"):
            raise self._failure()
        return word == "true"

    def _take(self, kind: str, exactly: str | None = None, required: bool = True) -> str:
        """The next token if it is of `kind` (and says `exactly`); otherwise an error, or nothing when not `required`."""
        found = self._tokens[self._place] if self._place < len(self._tokens) else ("end", "")
        if found[0] == kind and exactly in (None, found[1]):
            self._place += 1
            return found[1]
        if required:
            raise self._failure()
        return ""

    def _scan(self, text: str) -> list[tuple[str, str]]:
        tokens, position, end = [], 0, len(text.rstrip())
        while position < end:
            match = _TOKEN.match(text, position)
            if match is None or match.lastgroup is None:
                raise _malformed(text, f"character {position + 1} does not belong there")
            tokens.append((match.lastgroup, match[match.lastgroup]))
            position = match.end()
        return tokens

    def _failure(self) -> BadRequest:
        found = self._tokens[self._place][1] if self._place < len(self._tokens) else "its end"
        return _malformed(self._text, f"{found} does not belong there")


def _unquoted(text: str) -> str:
    return _ESCAPE.sub(r"\1", text[1:-1])


def _malformed(text: str, reason: str) -> BadRequest:
    return BadRequest.of(
        "invalid",
        "patch-path",
        f"The path {text[:100]!r} cannot be read: {reason}. Write it as in Patient.name.where(use = 'official').given[0].",
    )
