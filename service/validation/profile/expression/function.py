"""Functions on collections; each is built from its argument, a syntax tree, by way of `build`.

https://hl7.org/fhirpath/N1/#functions
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from service.validation.profile.expression.logic import FALSE, NONE, TRUE, Beyond, Expression, Values, condition, truth
from service.validation.run import Run

Json = Any
Build = Callable[[Json], Expression]


def _where(argument: Json, build: Build) -> Expression:
    holds = build(_given(argument))
    return lambda focus, run: [one for one in focus if truth(holds((one,), run))]


def _exists(argument: Json, build: Build) -> Expression:
    if argument is None:
        return lambda focus, _run: TRUE if focus else FALSE
    holds = build(argument)
    return lambda focus, run: TRUE if any(truth(holds((one,), run)) for one in focus) else FALSE


def _all(argument: Json, build: Build) -> Expression:
    holds = build(_given(argument))
    return lambda focus, run: TRUE if all(truth(holds((one,), run)) for one in focus) else FALSE


def _empty(_argument: Json, _build: Build) -> Expression:
    return lambda focus, _run: FALSE if focus else TRUE


def _not(_argument: Json, _build: Build) -> Expression:
    def step(focus: Values, _run: Run) -> Values:
        known = truth(focus)
        return NONE if known is None else condition(not known)

    return step


def _has_value(_argument: Json, _build: Build) -> Expression:
    return lambda focus, _run: TRUE if len(focus) == 1 and not isinstance(focus[0], dict) else FALSE


def _extension(argument: Json, _build: Build) -> Expression:
    url = literal_of(_given(argument))

    def step(focus: Values, _run: Run) -> Values:
        if any(type(node) is not dict for node in focus):
            raise Beyond("extension")
        return [one for node in focus for one in node.get("extension", ()) if one.get("url") == url]

    return step


def _matches(argument: Json, _build: Build) -> Expression:
    pattern = re.compile(literal_of(_given(argument)))
    return _of_text(lambda text: pattern.search(text) is not None)


def _of_text(make: Callable[[str], Json]) -> Expression:
    """A function of one string."""

    def step(focus: Values, _run: Run) -> Values:
        if not focus:
            return NONE
        if len(focus) > 1 or not isinstance(focus[0], str):
            raise Beyond("string")
        return (make(focus[0]),)

    return step


def _given(argument: Json) -> Json:
    if argument is None:
        raise Beyond("argument")
    return argument


def literal_of(tree: Json) -> str:
    """The text of a string literal. Raises Beyond for anything else."""
    while tree["type"] == "TermExpression":
        tree = tree["children"][0]
    value = value_of(tree) if tree["type"] == "LiteralTerm" else None
    if not isinstance(value, str):
        raise Beyond("literal")
    return value


def value_of(tree: Json) -> Json:
    """The value of a literal. Raises Beyond for dates, quantities and escaped strings."""
    kind, text = tree["children"][0]["type"], tree["children"][0]["terminalNodeText"][0]
    if kind == "StringLiteral" and "\\" not in text:
        return text[1:-1]
    if kind == "NumberLiteral":
        return Decimal(text)
    if kind == "BooleanLiteral":
        return text == "true"
    raise Beyond(kind)


FUNCTIONS: Mapping[str, Callable[[Json, Build], Expression]] = {
    "where": _where,
    "exists": _exists,
    "all": _all,
    "empty": _empty,
    "not": _not,
    "hasValue": _has_value,
    "extension": _extension,
    "matches": _matches,
    "count": lambda _argument, _build: lambda focus, _run: (len(focus),),
    "first": lambda _argument, _build: lambda focus, _run: focus[:1],
    "length": lambda _argument, _build: _of_text(len),
    "toString": lambda _argument, _build: _of_text(str),
}
