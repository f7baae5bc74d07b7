"""The text of a `_filter` as a tree: who is compared, how, and with what. What it means to a type is told by `search.filter`.

    filter = unit (("and" / "or") unit)*             left to right, neither binds stronger
    unit   = path operator value / "(" filter ")" / "not" "(" filter ")"
    path   = name ("[" filter "]")? ("." path)?      name may say the type it leads to, as in subject:Patient, and begin with _has:
    value  = JSON string / characters but blanks, ")" and brackets that are not a pair, as in mm[Hg]

https://hl7.org/fhir/R4/search_filter.html
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from service.search.result_parameters import refused

LONGEST = 4000
DEEPEST = 20
MOST_COMPARISONS = 60

_NAME = re.compile(r"(?P<has>(?:_has:[A-Za-z]+:[A-Za-z_][A-Za-z0-9_-]*:)*)(?P<code>[A-Za-z_][A-Za-z0-9_-]*)(?::(?P<type>[A-Za-z]+))?")
_OPERATOR = re.compile(r"(?:eq|ne|co|sw|ew|gt|lt|ge|le|ap|sa|eb|pr|po|ss|sb|in|ni|re)(?=\s)")
_BARE = re.compile(r"(?!\")(?:[^\s)\[\]]|\[[^\s()\[\]]*\])+")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_NOT = re.compile(r"not(?=[\s(])")
_CONNECTIVE = re.compile(r"(and|or)(?=[\s(]|$)")


@dataclass(frozen=True, slots=True)
class Step:
    """One name of a path: the pairs (type, reference) of its `_has`, its code, the type it leads to, and the filter in brackets."""

    code: str
    has: tuple[tuple[str, str], ...] = ()
    type: str | None = None
    condition: "Tree | None" = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A path, an operator and a value, beginning at `column` (from 1)."""

    path: tuple[Step, ...]
    operator: str
    value: str
    column: int


@dataclass(frozen=True, slots=True)
class Joined:
    """Filters joined by one connective, `and` or `or`."""

    connective: str
    parts: tuple["Tree", ...]


@dataclass(frozen=True, slots=True)
class Negated:
    """What must not hold."""

    part: "Tree"


Tree = Comparison | Joined | Negated


def tree(text: str) -> Tree:
    """What `text` says. Raises BadRequest that names the column where it cannot be read."""
    if len(text) > LONGEST:
        raise refused("too-costly", "search-filter", f"'_filter' has more than {LONGEST} characters. Ask for less at once.", "_filter")
    scanner = _Scanner(text)
    found = scanner.filter()
    if not scanner.is_done:
        raise scanner.error("'and', 'or' or the end")
    return found


class _Scanner:
    """Reads one text from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._comparisons = 0
        self._depth = 0
        self._skip()

    @property
    def is_done(self) -> bool:
        """Whether nothing is left."""
        return self._at == len(self._text)

    def filter(self) -> Tree:
        """Units and what joins them."""
        parts, connective = [self._unit()], ""
        while found := self._take(_CONNECTIVE):
            if connective and found[1] != connective:
                parts = [Joined(connective, tuple(parts))]
            connective = found[1]
            parts.append(self._unit())
        return Joined(connective, tuple(parts)) if connective else parts[0]

    def _unit(self) -> Tree:
        if self._take(_NOT):
            return Negated(self._within("(", ")"))
        return self._within("(", ")") if self._is_next("(") else self._comparison()

    def _within(self, opening: str, closing: str) -> Tree:
        with self._deeper():
            self._expect(opening)
            found = self.filter()
            self._expect(closing)
        return found

    def _comparison(self) -> Comparison:
        self._comparisons += 1
        if self._comparisons > MOST_COMPARISONS:
            raise refused(
                "too-costly", "search-filter", f"'_filter' has more than {MOST_COMPARISONS} comparisons. Ask for less at once.", "_filter"
            )
        column = self._at + 1
        path = self._path()
        operator = self._take(_OPERATOR)
        if operator is None:
            raise self.error("one of the operators eq ne co sw ew gt lt ge le ap sa eb pr po ss sb in ni re")
        return Comparison(path, operator[0], self._value(), column)

    def _path(self) -> tuple[Step, ...]:
        steps = [self._step()]
        while self._text.startswith(".", self._at):
            self._at += 1
            steps.append(self._step())
        if not self.is_done and not self._text[self._at].isspace():
            raise self.error("a blank after the name of the parameter")
        self._skip()
        if steps[-1].condition is not None:
            raise self.error("'.' and the name of a parameter after the filter in brackets")
        return tuple(steps)

    def _step(self) -> Step:
        found = _NAME.match(self._text, self._at)
        if found is None:
            raise self.error("the name of a parameter, or 'not (', or '('")
        self._at = found.end()
        parts = found["has"].split(":")[:-1]
        has = tuple(zip(parts[1::3], parts[2::3], strict=True))
        condition = None
        if self._text.startswith("[", self._at):
            condition = self._bracketed()
        return Step(found["code"], has, found["type"], condition)

    def _bracketed(self) -> Tree:
        with self._deeper():
            self._expect("[")
            found = self.filter()
            if not self._text.startswith("]", self._at):
                raise self.error("']'")
            self._at += 1
        return found

    def _value(self) -> str:
        quoted = _QUOTED.match(self._text, self._at)
        if quoted is None:
            bare = self._take(_BARE)
            if bare is None:
                raise self.error("a value, in quotation marks when it has blanks")
            return bare[0]
        try:
            value: str = json.loads(quoted[0], strict=False)
        except ValueError:
            raise self.error("a JSON string") from None
        self._at = quoted.end()
        if not self.is_done and self._text[self._at] not in ")]" and not self._text[self._at].isspace():
            raise self.error("a blank, ')' or ']' after the string")
        self._skip()
        return value

    @contextmanager
    def _deeper(self) -> Iterator[None]:
        self._depth += 1
        if self._depth > DEEPEST:
            raise refused("too-costly", "search-filter", f"'_filter' is nested more than {DEEPEST} deep. Ask for less at once.", "_filter")
        yield
        self._depth -= 1

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """What is next if it has the pattern, with the blanks after it."""
        found = pattern.match(self._text, self._at)
        if found:
            self._at = found.end()
            self._skip()
        return found

    def _is_next(self, character: str) -> bool:
        return self._text.startswith(character, self._at)

    def _expect(self, character: str) -> None:
        if not self._is_next(character):
            raise self.error(f"'{character}'")
        self._at += 1
        self._skip()

    def _skip(self) -> None:
        while not self.is_done and self._text[self._at].isspace():
            self._at += 1

    def error(self, expected: str) -> Exception:
        """That something else was expected here."""
        found = repr(self._text[self._at : self._at + 20]) if not self.is_done else "the end"
        return refused("invalid", "search-filter", f"'_filter', column {self._at + 1}: {expected} is expected, not {found}.", "_filter")
