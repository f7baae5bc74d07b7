"""Syntax trees of fhirpathpy to closures."""

from collections.abc import Callable, Mapping
from typing import Any

from service.validation.profile.expression.function import FUNCTIONS, literal_of, value_of
from service.validation.profile.expression.logic import (
    COMPARED,
    FALSE,
    LOGIC,
    NONE,
    TRUE,
    Beyond,
    Expression,
    Undecided,
    Values,
    condition,
    truth,
)
from service.validation.profile.expression.path import named
from service.validation.run import Run

Json = Any
_MOST_UNITED = 50


def compiled(parsed: Json) -> Expression:
    """The expression of a syntax tree of fhirpathpy. Raises Beyond."""
    return _expression(parsed["children"][0])


def _expression(tree: Json) -> Expression:
    build = _KINDS.get(tree["type"])
    if build is None:
        raise Beyond(tree["type"])
    return build(tree)


def _only(tree: Json) -> Expression:
    return _expression(tree["children"][0])


def _invocation(tree: Json) -> Expression:
    """`left.right`; an element and the type that is taken of it are one step."""
    left, right = tree["children"]
    name = _called(right)
    if name == "ofType":
        return _of_type(left, _argument(right))
    first, then = _expression(left), _expression(right)
    return lambda focus, run: then(first(focus, run), run)


def _of_type(left: Json, kind: Json) -> Expression:
    """`value.ofType(Quantity)` is the member valueQuantity."""
    names = _member_of(left)
    type_name = kind.get("text")
    if names is None or not type_name:
        raise Beyond("ofType")
    member = names + type_name[0].upper() + type_name[1:]
    step = named(member, exactly=True)
    if left["type"] == "TermExpression":
        return step
    first = _expression(left["children"][0])
    return lambda focus, run: step(first(focus, run), run)


def _member_of(tree: Json) -> str | None:
    """The name of the element that an expression ends with."""
    last = tree["children"][-1]
    while last["type"] in ("TermExpression", "InvocationTerm"):
        last = last["children"][0]
    return last["children"][0]["terminalNodeText"][0] if last["type"] == "MemberInvocation" else None


def _member(tree: Json) -> Expression:
    name = tree["children"][0]["terminalNodeText"][0]
    if not name[0].islower() or name == "resourceType":
        raise Beyond(name)
    return named(name)


def _function(tree: Json) -> Expression:
    build = FUNCTIONS.get(_called(tree) or "")
    if build is None:
        raise Beyond(str(_called(tree)))
    return build(_argument(tree), _expression)


def _called(tree: Json) -> str | None:
    return tree["children"][0]["children"][0]["terminalNodeText"][0] if tree["type"] == "FunctionInvocation" else None


def _argument(tree: Json) -> Json:
    """The one argument of a function; None when it has none. Raises Beyond for more."""
    parts = tree["children"][0]["children"][1:]
    arguments = parts[0]["children"] if parts else []
    if len(arguments) > 1:
        raise Beyond("arguments")
    return arguments[0] if arguments else None


def _indexed(tree: Json) -> Expression:
    inner, place = _expression(tree["children"][0]), tree["children"][1].get("text") or ""
    if not place.isdecimal():
        raise Beyond("index")
    index = int(place)
    return lambda focus, run: inner(focus, run)[index : index + 1]


def _external(tree: Json) -> Expression:
    if tree["children"][0]["children"][0]["terminalNodeText"][0] != "resource":
        raise Beyond("constant")
    return lambda _focus, run: (run.resource,)


def _literal(tree: Json) -> Expression:
    value = (value_of(tree),)
    return lambda _focus, _run: value


def _united(tree: Json) -> Expression:
    first, second = map(_expression, tree["children"])

    def step(focus: Values, run: Run) -> Values:
        found: list[Json] = []
        for one in (*first(focus, run), *second(focus, run)):
            if one not in found:
                found.append(one)
            if len(found) > _MOST_UNITED:
                raise Beyond("union")
        return found

    return step


def _logical(tree: Json) -> Expression:
    first, second = map(_expression, tree["children"])
    decide = LOGIC[tree["terminalNodeText"][0]]

    def step(focus: Values, run: Run) -> Values:
        return condition(decide(truth(first(focus, run)), lambda: truth(second(focus, run))))

    return step


def _compared(tree: Json) -> Expression:
    left, right = tree["children"]
    sign = tree["terminalNodeText"][0]
    decide = COMPARED.get(sign)
    if decide is None:
        raise Beyond("comparison")
    generally = _deciding(_operand(left), _operand(right), decide)
    name = _member_of(left) if sign == "=" and left["type"] == "TermExpression" else None
    literal = _string_of(right)
    return _having(name, literal, generally) if name and literal is not None else generally


def _operand(tree: Json) -> Expression:
    """A side of a comparison. What begins at `%resource` is the same for every element compared with it: it is looked up once."""
    inner = _expression(tree)
    while tree["type"] in ("InvocationExpression", "TermExpression"):
        tree = tree["children"][0]
    return _remembered(inner) if tree["type"] == "ExternalConstantTerm" else inner


def _remembered(inner: Expression) -> Expression:
    def step(focus: Values, run: Run) -> Values:
        key = (inner, id(run.resource))
        if key not in run.remembered:
            run.remembered[key] = inner(focus, run)
        found: Values = run.remembered[key]
        return found

    return step


def _having(name: str, literal: str, generally: Expression) -> Expression:
    """`code = 'x'`, the comparison that invariants are full of: of one object it is one look."""

    def step(focus: Values, run: Run) -> Values:
        node = focus[0] if len(focus) == 1 else None
        value = node.get(name) if type(node) is dict else None
        if type(value) is str:
            return TRUE if value == literal else FALSE
        return generally(focus, run)

    return step


def _string_of(tree: Json) -> str | None:
    try:
        return literal_of(tree)
    except Beyond:
        return None


def _deciding(first: Expression, second: Expression, decide: Callable[[Json, Json], bool | None]) -> Expression:
    def step(focus: Values, run: Run) -> Values:
        left, right = first(focus, run), second(focus, run)
        if not left or not right:
            return NONE
        if len(left) > 1 or len(right) > 1:
            raise Undecided("several values are compared")
        return condition(decide(left[0], right[0]))

    return step


_KINDS: Mapping[str, Callable[[Json], Expression]] = {
    "TermExpression": _only,
    "InvocationTerm": _only,
    "ParenthesizedTerm": _only,
    "InvocationExpression": _invocation,
    "MemberInvocation": _member,
    "FunctionInvocation": _function,
    "ThisInvocation": lambda _tree: lambda focus, _run: focus,
    "ExternalConstantTerm": _external,
    "LiteralTerm": _literal,
    "IndexerExpression": _indexed,
    "UnionExpression": _united,
    "AndExpression": _logical,
    "OrExpression": _logical,
    "ImpliesExpression": _logical,
    "EqualityExpression": _compared,
    "InequalityExpression": _compared,
}
