"""What two versions of a resource say differently, element by element."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Tree = Mapping[str, Any]

_NOT_SAID = ("text",)
_SERVERS = ("versionId", "lastUpdated")
"""Of `meta`: what the service sets."""


@dataclass(frozen=True, slots=True)
class Difference:
    """An element (as `dosage.dose.value`, indexed) and its texts in both versions; "" where it is not there."""

    element: str
    old: str
    new: str


def differences(old: Tree, new: Tree) -> list[Difference]:
    """Every element with a value that is not the same in both, in the order of the newer one; the narrative is none."""
    former, now = dict(_leaves(_said(old), "")), dict(_leaves(_said(new), ""))
    names = dict.fromkeys([*now, *former])
    return [Difference(name, former.get(name, ""), now.get(name, "")) for name in names if former.get(name) != now.get(name)]


def _said(tree: Tree) -> Tree:
    meta = {name: value for name, value in tree.get("meta", {}).items() if name not in _SERVERS}
    return {**{name: value for name, value in tree.items() if name not in _NOT_SAID}, "meta": meta}


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, member in value.items():
            yield from _leaves(member, f"{path}.{name}" if path else name)
    elif isinstance(value, list | tuple):
        for number, member in enumerate(value):
            yield from _leaves(member, f"{path}[{number}]")
    else:
        yield path, ("true" if value else "false") if isinstance(value, bool) else str(value)
