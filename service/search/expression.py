"""The part of FHIRPath in which search parameters are written, parsed to data.

    paths          Observation.component.code        unions         a | b
    types          (value as Quantity), value.as(Quantity), value.ofType(Quantity)
    choices        where(resolve() is Patient), where(system = 'phone'), where(hasExtension('url')),
                   where(function.coding.where(system = 'url' and code = 'witness').exists())
    places         entry[0]                          extensions     extension('url')
    one condition  deceased.exists() and deceased != false
    in composites  %resource.path, where any other path begins at the element that is correlated

Anything else raises Unsupported, which names what it could not read; the registry refuses the parameter and says so.
https://hl7.org/fhir/R4/searchparameter-definitions.html#SearchParameter.expression, http://hl7.org/fhirpath/N1/
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

_TOKEN = re.compile(r"\s*(?:(?P<name>[A-Za-z_]\w*)|(?P<text>'[^']*')|(?P<number>\d+)|(?P<sign>!=|[.()\[\]|=%]))")


class Unsupported(ValueError):
    """The expression uses something outside the subset; the message says what."""


@dataclass(frozen=True, slots=True)
class Member:
    """`.name`"""

    name: str


@dataclass(frozen=True, slots=True)
class OfType:
    """`as Type`, `.as(Type)`, `.ofType(Type)`"""

    type: str


@dataclass(frozen=True, slots=True)
class Place:
    """`[n]`"""

    index: int


@dataclass(frozen=True, slots=True)
class Extension:
    """`.extension('url')`"""

    url: str


@dataclass(frozen=True, slots=True)
class Resolves:
    """`.where(resolve() is Type)`"""

    type: str


@dataclass(frozen=True, slots=True)
class Having:
    """`.where(member = 'value')`"""

    member: str
    value: str


@dataclass(frozen=True, slots=True)
class Holding:
    """`.where(path.to.element.where(member = 'value' and ...).exists())`"""

    path: tuple[str, ...]
    members: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class HasExtension:
    """`.where(hasExtension('url'))`"""

    url: str


@dataclass(frozen=True, slots=True)
class IsNotFalse:
    """`path.exists() and path != false`, at the end of `path`"""


@dataclass(frozen=True, slots=True)
class Correlated:
    """No text of its own: the parts of a composite at the end of its path, as search type and alternatives."""

    parts: "tuple[tuple[str, tuple[Path, ...]], ...]"


Step = Member | OfType | Place | Extension | Resolves | Having | Holding | HasExtension | IsNotFalse | Correlated
WHOLE = "%resource"
"""The root of a path that begins at the resource although it is read at an element."""


@dataclass(frozen=True, slots=True)
class Path:
    """One alternative of a union: the type it starts at, and its steps."""

    root: str
    steps: tuple[Step, ...]

    def without_target(self) -> "tuple[Path, str | None]":
        """The path without a final `where(resolve() is Type)`, and that type."""
        if self.steps and isinstance(self.steps[-1], Resolves):
            return Path(self.root, self.steps[:-1]), self.steps[-1].type
        return self, None


def parse(expression: str) -> tuple[Path, ...]:
    """The alternatives of an expression. Raises Unsupported."""
    return _Reader(expression).union()


class _Reader:
    """Recursive descent over the tokens of one expression."""

    def __init__(self, expression: str) -> None:
        self._expression = expression
        self._tokens: list[str] = []
        at, text = 0, expression.rstrip()
        while at < len(text):
            found = _TOKEN.match(text, at)
            if not found:
                raise Unsupported(f"{text[at : at + 20].strip()!r}")
            self._tokens.append(found[0].strip())
            at = found.end()
        self._at = 0

    def union(self) -> tuple[Path, ...]:
        """path ( | path )*"""
        paths = [*self._alternative()]
        while self._take("|"):
            paths.extend(self._alternative())
        if self._peek():
            raise Unsupported(f"{self._peek()!r}")
        return tuple(paths)

    def _alternative(self) -> tuple[Path, ...]:
        path = self._path()
        if self._take("and"):
            return (self._not_false(path),)
        return (path,)

    def _not_false(self, existing: Path) -> Path:
        other = self._path()
        tested = Path(existing.root, existing.steps[:-1])
        if existing.steps[-1:] == (Member("exists()"),) and other == tested and self._take("!=") and self._take("false"):
            return Path(tested.root, (*tested.steps, IsNotFalse()))
        raise Unsupported("'and' but for 'x.exists() and x != false'")

    def _path(self) -> Path:
        if self._take("("):
            path = self._typed()
            self._require(")")
        else:
            whole = self._take("%")
            path = Path(self._name(), ())
            if whole and path.root != WHOLE[1:]:
                raise Unsupported(f"%{path.root}")
            path = Path(WHOLE, ()) if whole else path
        steps = list(path.steps)
        while (step := self._step()) is not None:
            steps.append(step)
        return Path(path.root, tuple(steps))

    def _typed(self) -> Path:
        path = self._path()
        if self._take("as"):
            return Path(path.root, (*path.steps, OfType(self._name())))
        return path

    def _step(self) -> Step | None:
        if self._take("["):
            index = self._next()
            self._require("]")
            if not index.isdigit():
                raise Unsupported(f"the index {index!r}")
            return Place(int(index))
        if not self._take("."):
            return None
        name = self._name()
        return self._call(name) if self._take("(") else Member(name)

    def _call(self, name: str) -> Step:
        calls: dict[str, Callable[[], Step]] = {
            "as": lambda: OfType(self._name()),
            "ofType": lambda: OfType(self._name()),
            "extension": lambda: Extension(self._text()),
            "where": self._criterion,
            "exists": lambda: Member("exists()"),
        }
        if name not in calls:
            raise Unsupported(f"{name}()")
        step = calls[name]()
        self._require(")")
        return step

    def _criterion(self) -> Step:
        name = self._name()
        if self._take("="):
            return Having(name, self._text())
        if self._take("."):
            return self._holding(name)
        self._require("(")
        if name == "resolve":
            self._require(")")
            self._require("is")
            return Resolves(self._name())
        if name == "hasExtension":
            url = self._text()
            self._require(")")
            return HasExtension(url)
        raise Unsupported(f"where({name}(...))")

    def _holding(self, first: str) -> Holding:
        path = [first]
        while (name := self._name()) != "where":
            path.append(name)
            self._require(".")
        self._require("(")
        members = [self._equality()]
        while self._take("and"):
            members.append(self._equality())
        for token in (")", ".", "exists", "(", ")"):
            self._require(token)
        return Holding(tuple(path), tuple(members))

    def _equality(self) -> tuple[str, str]:
        name = self._name()
        self._require("=")
        return name, self._text()

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        self._at += 1
        return token

    def _take(self, token: str) -> bool:
        if self._peek() == token:
            self._at += 1
            return True
        return False

    def _require(self, token: str) -> None:
        if not self._take(token):
            raise Unsupported(f"{self._peek()!r} where {token!r} is expected")

    def _name(self) -> str:
        token = self._next()
        if not token.isidentifier():
            raise Unsupported(f"{token!r} where a name is expected")
        return token

    def _text(self) -> str:
        token = self._next()
        if not token.startswith("'"):
            raise Unsupported(f"{token!r} where text is expected")
        return token[1:-1]
