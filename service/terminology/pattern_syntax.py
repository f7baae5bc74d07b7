"""What a regular expression may say, as a tree.

Characters, `.`, `[a-z]`, `[^...]`, `\\d \\w \\s` and their opposites, groups, `|`, `* + ? {m} {m,} {m,n}`, and `^` and `$`. Look-around,
back references and inline flags are refused. https://hl7.org/fhir/R4/valueset-filter-operator.html (regex)
"""

from collections.abc import Callable
from dataclasses import dataclass

from service.terminology.lookup import Unanswerable

Test = Callable[[str], bool]
_CLASSES: dict[str, Test] = {
    "d": lambda character: character in "0123456789",
    "w": lambda character: character == "_" or character.isalnum(),
    "s": str.isspace,
}
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_DEEPEST = 20


@dataclass(frozen=True, slots=True)
class One:
    """One character that passes the test."""

    test: Test


@dataclass(frozen=True, slots=True)
class Edge:
    """`^` or `$`: the beginning or the end of the text."""

    sign: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Any of them."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """At least `least` times and at most `most`; None: without end."""

    part: "Node"
    least: int
    most: int | None


Node = One | Edge | Sequence | Either | Repeat


def parse(text: str) -> Node:
    """The tree of an expression. Raises Unanswerable."""
    return _Reader(text).whole()


class _Reader:
    """Recursive descent over the characters of one expression."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def whole(self) -> Node:
        node = self._either()
        if self._at < len(self._text):
            raise self._refusal(self._text[self._at])
        return node

    def _either(self) -> Node:
        parts = [self._sequence()]
        while self._take("|"):
            parts.append(self._sequence())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _sequence(self) -> Node:
        parts: list[Node] = []
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            parts.append(self._repeated(self._atom()))
        return Sequence(tuple(parts))

    def _repeated(self, part: Node) -> Node:
        if self._take("*"):
            return self._once(Repeat(part, 0, None))
        if self._take("+"):
            return self._once(Repeat(part, 1, None))
        if self._take("?"):
            return self._once(Repeat(part, 0, 1))
        if self._take("{"):
            return self._once(self._counted(part))
        return part

    def _once(self, part: Repeat) -> Node:
        """Which of several matches is taken does not matter here, so a lazy quantifier is the same; another quantifier is an error."""
        self._take("?")
        if self._at < len(self._text) and self._text[self._at] in "*+?{":
            raise self._refusal("two quantifiers")
        return part

    def _counted(self, part: Node) -> Repeat:
        end = self._text.find("}", self._at)
        least, comma, most = self._text[self._at : max(end, self._at)].partition(",")
        self._at = end + 1
        if end < 0 or not _is_count(least) or not (most == "" or _is_count(most)):
            raise self._refusal("{")
        highest = None if comma and not most else int(most or least)
        if highest is not None and highest < int(least):
            raise self._refusal("{")
        return Repeat(part, int(least), highest) if highest != 0 else Repeat(Sequence(()), 1, 1)

    def _atom(self) -> Node:
        character = self._next()
        if character == "(":
            return self._group()
        if character == "[":
            return One(self._class())
        if character == ".":
            return One(lambda one: one not in "\r\n")
        if character in "^$":
            return Edge(character)
        if character in "*+?{":
            raise self._refusal(character)
        return One(self._escaped() if character == "\\" else _is(character))

    def _group(self) -> Node:
        if self._take("?") and not self._take(":"):
            raise self._refusal("(?")
        self._depth += 1
        if self._depth > _DEEPEST:
            raise Unanswerable("too-costly", "regex-size", f"a regular expression has at most {_DEEPEST} groups in each other")
        node = self._either()
        if not self._take(")"):
            raise self._refusal("(")
        self._depth -= 1
        return node

    def _escaped(self) -> Test:
        character = self._next()
        if character.lower() in _CLASSES:
            test = _CLASSES[character.lower()]
            return test if character.islower() else lambda one: not test(one)
        return _is(self._literal(character))

    def _literal(self, character: str) -> str:
        if character in _CONTROLS:
            return _CONTROLS[character]
        if character.isalnum():
            raise self._refusal(f"\\{character}")
        return character

    def _class(self) -> Test:
        opposite = self._take("^")
        tests = [self._member()]
        while not self._take("]"):
            tests.append(self._member())
        return lambda one: any(test(one) for test in tests) is not opposite

    def _member(self) -> Test:
        character = self._next()
        if character in "[]":
            raise self._refusal(character)
        if character == "\\":
            if self._text[self._at : self._at + 1].lower() in _CLASSES:
                return self._escaped()
            character = self._literal(self._next())
        if self._text[self._at : self._at + 1] != "-" or self._text[self._at + 1 : self._at + 2] in ("]", ""):
            return _is(character)
        self._at += 1
        last = self._next()
        last = self._literal(self._next()) if last == "\\" else last
        if last < character:
            raise self._refusal(f"{character}-{last}")
        return lambda one: character <= one <= last

    def _next(self) -> str:
        if self._at >= len(self._text):
            raise self._refusal("its end")
        self._at += 1
        return self._text[self._at - 1]

    def _take(self, sign: str) -> bool:
        taken = self._text.startswith(sign, self._at)
        self._at += len(sign) if taken else 0
        return taken

    def _refusal(self, what: str) -> Unanswerable:
        return Unanswerable(
            "invalid", "regex", f"the regular expression {self._text[:80]!r} cannot be used: {what!r} at character {self._at}"
        )


def _is(character: str) -> Test:
    return lambda one: one == character


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 3
