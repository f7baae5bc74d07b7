"""Filter expressions as a small tree: printed for the service, and read here by asking the plain clauses.

    Filter(Compare("code", "eq", "http://loinc.org|8480-6"))     code eq http://loinc.org|8480-6
    Filter(Both(a, b)) · Filter(Either(a, b)) · Filter(Negated(a))
https://hl7.org/fhir/R4/search_filter.html
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Compare:
    """`path operator value`; `asks` is the clause of a plain search that means the same. `unequal`: there are values, and none like it."""

    text: str
    asks: tuple[str, str]
    unequal: bool = False


@dataclass(frozen=True)
class Both:
    """`a and b`."""

    one: "Tree"
    other: "Tree"


@dataclass(frozen=True)
class Either:
    """`a or b`."""

    one: "Tree"
    other: "Tree"


@dataclass(frozen=True)
class Negated:
    """`not (a)`."""

    tree: "Tree"


Tree = Compare | Both | Either | Negated


@dataclass(frozen=True)
class Filter:
    """A whole expression."""

    tree: Tree

    @property
    def text(self) -> str:
        """As it is written."""
        return printed(self.tree)

    def renamed(self, old: str, new: str) -> "Filter":
        """With another text in place of `old`, wherever it stands."""
        return Filter(_renamed(self.tree, old, new))


def printed(tree: Tree) -> str:
    """With a pair of brackets around every part that has parts of its own."""
    if isinstance(tree, Compare):
        return tree.text
    if isinstance(tree, Negated):
        return f"not ({printed(tree.tree)})"
    word = "and" if isinstance(tree, Both) else "or"
    return " ".join((_enclosed(tree.one), word, _enclosed(tree.other)))


def _enclosed(tree: Tree) -> str:
    return f"({printed(tree)})" if isinstance(tree, Both | Either) else printed(tree)


def filtered(tree: Tree, holds: Callable[[tuple[str, str]], bool]) -> bool:
    """Whether the expression is true, given how to tell of a plain clause."""
    if isinstance(tree, Compare):
        return _compared(tree, holds)
    if isinstance(tree, Negated):
        return not filtered(tree.tree, holds)
    one, other = filtered(tree.one, holds), filtered(tree.other, holds)
    return one and other if isinstance(tree, Both) else one or other


def _compared(tree: Compare, holds: Callable[[tuple[str, str]], bool]) -> bool:
    if tree.unequal:
        return holds((tree.asks[0].split(":")[0] + ":missing", "false")) and not holds(tree.asks)
    return holds(tree.asks)


def _renamed(tree: Tree, old: str, new: str) -> Tree:
    if isinstance(tree, Compare):
        return Compare(tree.text.replace(old, new), (tree.asks[0], tree.asks[1].replace(old, new)), tree.unequal)
    if isinstance(tree, Negated):
        return Negated(_renamed(tree.tree, old, new))
    return type(tree)(_renamed(tree.one, old, new), _renamed(tree.other, old, new))
