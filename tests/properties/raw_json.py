"""JSON as tokens: trees whose leaves are the characters to send, so that what comes back can be compared character by character."""

import json
from dataclasses import dataclass

from hypothesis import strategies as st

SPACES = st.sampled_from(["", " ", "\n", "\t", "\r\n  "])


@dataclass(frozen=True)
class Members:
    """An object: names and values in their order."""

    pairs: tuple[tuple[str, "Node"], ...]


@dataclass(frozen=True)
class Elements:
    """An array."""

    nodes: tuple["Node", ...]


Node = str | Members | Elements


def render(node: Node, space: str = "") -> str:
    """The JSON text with `space` between tokens."""
    if isinstance(node, Members):
        inner = f"{space},{space}".join(f"{json.dumps(name)}{space}:{space}{render(value, space)}" for name, value in node.pairs)
        return f"{{{space}{inner}{space}}}"
    if isinstance(node, Elements):
        return f"[{space}{f'{space},{space}'.join(render(one, space) for one in node.nodes)}{space}]"
    return node


@st.composite
def shuffled(draw: st.DrawFn, **members: st.SearchStrategy[Node] | Node) -> Members:
    """An object with these members in any order."""
    names = draw(st.permutations(sorted(members)))
    return Members(tuple((name, value if isinstance(value := members[name], str | Members | Elements) else draw(value)) for name in names))


@st.composite
def decimals(draw: st.DrawFn) -> str:
    """A FHIR decimal as it may be written: trailing zeros, exponents, signs (https://hl7.org/fhir/R4/datatypes.html#decimal)."""
    whole = draw(st.one_of(st.just("0"), st.integers(1, 10**12).map(str)))
    fraction = draw(st.one_of(st.just(""), st.text("0123456789", min_size=1, max_size=12).map(lambda digits: f".{digits}")))
    exponent = draw(st.sampled_from(["", "", "E2", "e-3", "E+1", "e0"]))
    return draw(st.sampled_from(["", "-"])) + whole + fraction + exponent


@st.composite
def strings(draw: st.DrawFn) -> str:
    """A string token: any characters, some of them escaped in one of the ways that JSON allows."""
    characters = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"])
    text = draw(st.text(characters, min_size=1, max_size=12))
    return '"' + "".join(draw(_written(one)) for one in text) + draw(st.sampled_from(["", "\\n!", "\\t!", "\\/", '\\"', "\\\\"])) + '"'


def _written(character: str) -> st.SearchStrategy[str]:
    plain = json.dumps(character, ensure_ascii=False)[1:-1]
    escaped = json.dumps(character)[1:-1]
    return st.sampled_from([plain, escaped, escaped.upper().replace("\\U", "\\u") if escaped.startswith("\\u") else plain])


DATES = st.sampled_from(
    [
        '"2026"',
        '"2026-11"',
        '"2026-11-17"',
        '"2026-11-17T10:25:00Z"',
        '"2026-11-17T10:25:00-08:00"',
        '"2026-11-17T10:25:00.1Z"',
        '"2026-11-17T10:25:00.120+05:30"',
        '"2026-11-17T10:25:00.123456-08:00"',
    ]
)
