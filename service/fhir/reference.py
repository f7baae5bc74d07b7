"""Literal references (https://hl7.org/fhir/R4/references.html#literal): what a string in `Reference.reference` points to."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

_LITERAL = re.compile(
    r"^(?P<base>https?://[^\s?#]+/)?(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})(?:/_history/(?P<version>[A-Za-z0-9\-.]{1,64}))?(?:#[^\s]*)?$"
)
_CONDITIONAL = re.compile(r"^(?P<type>[A-Z][A-Za-z]+)\?(?P<query>.+)$")
_PLACEHOLDER_MEMBERS = frozenset({"reference", "url", "uri", "valueUrl", "valueUri"})
_UNRESOLVED = re.compile(r"urn:(?:uuid|oid):|\?|\\u")
_REFERENCE = frozenset({"reference"})
_NARRATIVE = frozenset({"div"})
_HREF = re.compile(r"""(?P<open>(?:href|src)=["'])(?P<target>urn:(?:uuid|oid):[^"']+)""")

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Literal:
    """A reference to `type`/`id`, at `base` when it is absolute, to one `version` when it names one."""

    type: str
    id: str
    version: str | None = None
    base: str | None = None

    def is_local(self, base_url: str) -> bool:
        """Whether it points into the service whose FHIR base is `base_url`."""
        return self.base is None or self.base.rstrip("/") == base_url.rstrip("/")


@lru_cache(maxsize=8192)
def parse(text: str) -> Literal | None:
    """The literal reference in `text`; None for fragments, urns, conditional references and other URLs."""
    found = _LITERAL.match(text)
    if not found:
        return None
    return Literal(found["type"], found["id"], found["version"], found["base"])


def conditional(text: str) -> tuple[str, str] | None:
    """The (type, query) of a conditional reference such as `Patient?identifier=x|1`; None for anything else."""
    found = _CONDITIONAL.match(text)
    return (found["type"], found["query"]) if found else None


def may_be_unresolved(text: str) -> bool:
    """Whether the JSON `text` may hold a placeholder or a conditional reference; when not, nothing needs to look for them."""
    return _UNRESOLVED.search(text) is not None


def is_placeholder(text: str) -> bool:
    """Whether `text` names an entry of the same Bundle rather than a resource."""
    return text.startswith(("urn:uuid:", "urn:oid:"))


def references(tree: Any) -> Iterator[tuple[Path, str]]:
    """Every `Reference.reference` below `tree` with its path."""
    return _strings(tree, _REFERENCE)


def replaceable(tree: Any) -> Iterator[tuple[Path, str]]:
    """Every string that a transaction may rewrite when it knows what a fullUrl became: references, and elements of type uri or url."""
    return _strings(tree, _PLACEHOLDER_MEMBERS)


def narratives(tree: Any) -> Iterator[tuple[Path, str]]:
    """Every narrative whose links may name entries of the same Bundle."""
    return ((path, value) for path, value in _strings(tree, _NARRATIVE) if "urn:" in value)


def relinked(div: str, targets: dict[str, str]) -> str:
    """The narrative `div` with the links that `targets` knows rewritten."""
    return _HREF.sub(lambda found: found["open"] + targets.get(found["target"], found["target"]), div)


def _strings(tree: Any, names: frozenset[str]) -> Iterator[tuple[Path, str]]:
    """Every string below `tree` that is a member with one of `names`, with its path."""
    stack: list[tuple[Path, Any]] = [((), tree)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, list):
            stack += [((*path, index), below) for index, below in enumerate(value) if isinstance(below, dict)]
            continue
        for name, below in value.items() if isinstance(value, dict) else ():
            kind = type(below)
            if kind is dict or kind is list:
                stack.append(((*path, name), below))
            elif name in names and kind is str:
                yield (*path, name), below
